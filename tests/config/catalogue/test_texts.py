"""The SMS of the default catalogue, filled in as in the designers' table, and their lengths."""

from __future__ import annotations

import re

import pytest

from config.catalogue.document import default_document, load_catalogue
from config.catalogue.rules import find_warnings
from config.catalogue.texts import ONE_PART, count_result_units, count_units
from config.errors import CatalogueInvalid

DOCUMENT = default_document()
CATALOGUE = load_catalogue(DOCUMENT)
SMS = CATALOGUE.texts.sms

DRAWN_COUNTS = (
    "微信2个，QQ1个，淘宝1个，支付宝1个，抖音1个，快手0个，"
    "待核实七1个，待核实八1个，待核实九0个，待核实十1个，待核实甲0个"
)
PLACES = {"date": "11月22日", "phone": "138****8000", "code": "482913"}


@pytest.mark.parametrize(
    ("name", "units", "places"),
    [
        ("code-internet-accounts", 49, {}),
        ("code-phone-cards", 45, {}),
        ("result-internet-accounts", 124, {"counts": DRAWN_COUNTS}),
        (
            "partial-internet-accounts",
            134,
            {"counts": DRAWN_COUNTS.removesuffix("，待核实十1个，待核实甲0个"), "silent": "京东、美团"},
        ),
        (
            "partial-internet-accounts",
            110,
            {"counts": "微信2个，QQ1个", "silent": "阿里巴巴、支付宝、抖音、快手、百度、京东、美团"},
        ),
        ("none-internet-accounts", 69, {"asked": "8"}),
        ("unsuccessful-internet-accounts", 59, {}),
        ("unsuccessful-phone-cards", 52, {}),
        (
            "result-phone-cards",
            88,
            {"total": "4", "counts": "中国移动2张，中国联通1张，中国电信1张，中国广电0张，虚拟运营商0张"},
        ),
        (
            "partial-phone-cards",
            110,
            {"total": "4", "counts": "中国移动2张，中国联通1张，中国电信1张", "silent": "中国广电、虚拟运营商"},
        ),
        ("opt-out", 52, {}),
        ("opt-in", 27, {}),
    ],
)
def test_each_text_has_the_length_that_was_drawn(name: str, units: int, places: dict[str, str]) -> None:
    assert count_units(SMS[name].format(**PLACES, **places)) == units


def test_the_flagged_resend_differs_by_its_mark_alone() -> None:
    text = SMS["result-internet-accounts"].format(**PLACES, counts=DRAWN_COUNTS)
    resent = CATALOGUE.signature + SMS["resend-mark"] + text.removeprefix(CATALOGUE.signature)
    assert resent.startswith("【一证通查】（补发）您11月22日")
    assert count_units(resent) == 128


def test_the_usual_result_takes_two_parts_and_the_widest_three() -> None:
    assert 70 < count_result_units(CATALOGUE, "internet-accounts", digits=1) <= 134
    assert 134 < count_result_units(CATALOGUE, "internet-accounts", digits=3) <= 201


def with_names(total: int) -> str:
    """The default with names of the eleven applications that have so many characters in all."""
    spare = total - sum(len(a.name.zh) for p in CATALOGUE.enterprises() for a in p.applications)
    return DOCUMENT.replace('zh = "待核实八"', f'zh = "待核实八{"名" * spare}"')


def test_names_of_up_to_43_characters_are_fine_and_more_are_warned_of() -> None:
    told = [find_warnings(load_catalogue(with_names(length))) for length in (43, 44)]
    assert ["costs three parts" in "".join(warnings) for warnings in told] == [False, True]


def test_names_of_up_to_88_characters_fit_three_parts_and_more_are_refused() -> None:
    load_catalogue(with_names(88))
    with pytest.raises(CatalogueInvalid, match="can reach 202 units, three parts hold 201"):
        load_catalogue(with_names(89))


def test_a_code_that_needs_two_parts_is_refused() -> None:
    with pytest.raises(CatalogueInvalid, match="texts.sms.code-phone-cards: has 75 units, one part holds 70"):
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
    menu = CATALOGUE.texts.chat["menu"]["zh-CN"].format(internet_accounts="x" * 300, phone_cards="x" * 300)
    assert len(menu.encode()) == 977
    assert len(CATALOGUE.texts.chat["welcome"]["zh-CN"].encode()) == 267
