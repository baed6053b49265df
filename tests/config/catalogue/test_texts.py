"""The SMS of the default catalogue, filled in as in the designers' table, and their lengths."""

from __future__ import annotations

import re

import pytest

from config.catalogue.document import default_document, load_catalogue
from config.catalogue.rules import find_warnings
from config.catalogue.texts import ONE_PART, chat_texts, count_result_units, count_units
from config.errors import CatalogueInvalid

DOCUMENT = default_document()
CATALOGUE = load_catalogue(DOCUMENT)
SMS = CATALOGUE.texts.sms

COUNTS = "微信2个，QQ1个，淘宝1个，支付宝1个，抖音1个，今日头条1个，快手0个，百度1个，京东1个，美团1个，大众点评0个"
PLACES = {"date": "11月22日", "phone": "138****8000", "code": "482913"}


@pytest.mark.parametrize(
    ("name", "units", "places"),
    [
        ("code-internet-accounts", 58, {}),
        ("code-phone-cards", 53, {}),
        ("result-internet-accounts", 131, {"counts": COUNTS, "total": "10"}),
        (
            "partial-internet-accounts",
            130,
            {
                "counts": "微信2个，QQ1个",
                "total": "3",
                "silent": "阿里巴巴、支付宝、抖音、快手、百度、京东、美团",
            },
        ),
        ("none-internet-accounts", 67, {"asked": "8"}),
        ("unsuccessful-internet-accounts", 66, {}),
        ("unsuccessful-phone-cards", 55, {}),
        (
            "result-phone-cards",
            98,
            {"total": "4", "counts": "中国移动2张，中国联通1张，中国电信1张，中国广电0张，虚拟运营商0张"},
        ),
        (
            "partial-phone-cards",
            121,
            {"total": "4", "counts": "中国移动2张，中国联通1张，中国电信1张", "silent": "中国广电、虚拟运营商"},
        ),
        ("opt-out", 54, {}),
        ("opt-in", 28, {}),
    ],
)
def test_each_text_has_the_length_that_was_reviewed(name: str, units: int, places: dict[str, str]) -> None:
    assert count_units(SMS[name].format(**PLACES, **places)) == units


def test_the_flagged_resend_differs_by_its_mark_alone() -> None:
    text = SMS["result-internet-accounts"].format(**PLACES, counts=COUNTS, total=10)
    resent = CATALOGUE.signature + SMS["resend-mark"] + text.removeprefix(CATALOGUE.signature)
    assert resent.startswith("【一证通查】（补发）您11月22日")
    assert count_units(resent) == 135


def test_the_usual_result_takes_two_parts_and_the_widest_three() -> None:
    assert 70 < count_result_units(CATALOGUE, "internet-accounts", digits=1) <= 134
    assert 134 < count_result_units(CATALOGUE, "internet-accounts", digits=3) <= 201


def with_names(total: int) -> str:
    """The default with names of the eleven applications that have so many characters in all."""
    spare = total - sum(len(a.name.zh) for p in CATALOGUE.enterprises() for a in p.applications)
    return DOCUMENT.replace('zh = "今日头条"', f'zh = "今日头条{"名" * spare}"')


def with_companies(number: int, name: str = "新企业{}") -> str:
    """The default with so many more enterprises of one application each."""
    entry = DOCUMENT[DOCUMENT.index('[[partners]]\ncode = "jd"') : DOCUMENT.index('[[partners]]\ncode = "meituan"')]
    more = "".join(
        entry.replace('"jd"', f'"new-{n}"')
        .replace("京东", name.format(n))
        .replace("{sandbox}/partners/jd", "{sandbox}")
        for n in range(number)
    )
    return DOCUMENT.replace('[[partners]]\ncode = "meituan"', more + '[[partners]]\ncode = "meituan"')


def test_names_of_up_to_28_characters_are_fine_and_more_are_warned_of() -> None:
    told = [find_warnings(load_catalogue(with_names(length))) for length in (28, 29)]
    assert ["costs three parts" in "".join(warnings) for warnings in told] == [False, True]


def test_thirty_applications_are_a_good_catalogue_and_a_hundred_are_not() -> None:
    """Source: review of texts, C2, where twenty were refused."""
    catalogue = load_catalogue(with_companies(19))
    assert catalogue.application_count() == 30
    with pytest.raises(
        CatalogueInvalid, match=r"texts.sms.brief-internet-accounts: can reach \d+ units, 5 parts hold 335"
    ):
        load_catalogue(with_companies(100))


def test_a_catalogue_of_an_earlier_release_may_lack_the_new_texts_and_places() -> None:
    old = re.sub(r"(?m)^(zero|more|brief)-.*\n", "", DOCUMENT)
    old = (
        old.replace("共关联{total}个账号", "关联账号数量").replace("{apps}", "11").replace("{others} other", "8 other")
    )
    catalogue = load_catalogue(old)
    assert "zero-internet-accounts" not in catalogue.texts.sms
    assert "等 11 个应用" in chat_texts(catalogue)["menu"]["zh-CN"]


def test_a_code_that_needs_two_parts_is_refused() -> None:
    with pytest.raises(CatalogueInvalid, match="texts.sms.code-phone-cards: has 83 units, one part holds 70"):
        load_catalogue(
            DOCUMENT.replace("用于查询您名下的电话卡数量", "用于查询您名下的电话卡数量" + "，请注意" * 7 + "。！")
        )


def test_texts_without_a_list_are_those_of_one_part() -> None:
    assert {"code-internet-accounts", "opt-out", "none-phone-cards"} < ONE_PART
    assert not {"result-phone-cards", "partial-internet-accounts", "count-phone-cards"} & ONE_PART


def test_texts_are_plain_characters_with_half_width_digits_and_neither_spaces_nor_links() -> None:
    for text in SMS.values():
        assert max(map(ord, text)) < 0x10000
        assert not re.search(r"[０-９ ]|https?:|www\.", text)


def test_chat_answers_fit_what_the_platform_shows() -> None:
    for language in ("zh-CN", "en"):
        menu = chat_texts(CATALOGUE)["menu"][language].format(internet_accounts="x" * 300, phone_cards="x" * 300)
        assert len(menu.encode()) < 1200
    assert len(CATALOGUE.texts.chat["welcome"]["zh-CN"].encode()) < 300


def test_the_menu_says_how_many_applications_there_are_now() -> None:
    """Source: review of texts, C15: 11 and 8 were written into the text."""
    assert "微信、QQ、淘宝等 11 个应用" in chat_texts(CATALOGUE)["menu"]["zh-CN"]
    more = chat_texts(load_catalogue(with_companies(2)))["menu"]
    assert "微信、QQ、淘宝等 13 个应用" in more["zh-CN"]
    assert "Taobao and 10 other apps" in more["en"]
