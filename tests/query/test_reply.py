"""Every SMS, word by word and with its length in UCS-2 units, as the designers wrote it."""

import re
from typing import Any

import pytest

from config.catalogue.document import default_document, load_catalogue
from config.catalogue.texts import count_parts
from query.inquiry import INTERNET_ACCOUNTS, PHONE_CARDS, Outcome
from query.reply import About, Company, compose_code, compose_reply, compose_unsuccessful

TEXTS = load_catalogue(default_document()).texts.sms
ACCOUNTS = About(INTERNET_ACCOUNTS, "11月22日", "138****8000")
CARDS = About(PHONE_CARDS, "11月22日", "138****8000")


def company(name: str, *applications: str) -> Company:
    return Company(name, tuple((application, application) for application in applications or (name,)))


EIGHT = [
    (company("腾讯", "微信", "QQ"), (2, 1)),
    (company("阿里巴巴", "淘宝"), (1,)),
    (company("支付宝"), (1,)),
    (company("抖音", "抖音", "今日头条"), (1, 1)),
    (company("快手"), (0,)),
    (company("百度"), (1,)),
    (company("京东"), (1,)),
    (company("美团", "美团", "大众点评"), (1, 0)),
]
SILENT_NAMES = ["阿里巴巴", "支付宝", "抖音", "快手", "百度", "京东", "美团"]
CARRIERS = [("中国移动", 2), ("中国联通", 1), ("中国电信", 1), ("中国广电", 0), ("虚拟运营商", 0)]


def answers(asked: Any, silent: Any = ()) -> list[Any]:
    return [
        (who, None if who.name in silent else {code: n for (code, _), n in zip(who.counted, counts, strict=True)})
        for who, counts in asked
    ]


def units(text: str) -> int:
    return len(text.encode("utf-16-be")) // 2


def test_code_for_internet_accounts() -> None:
    text = compose_code(TEXTS, INTERNET_ACCOUNTS, "482913")
    assert text == (
        "【一证通查】验证码482913，5分钟内有效，用于查询本机号码关联的互联网账号数量。非本人操作请忽略，切勿告诉他人。"
    )
    assert units(text) == 58


def test_code_for_phone_cards() -> None:
    text = compose_code(TEXTS, PHONE_CARDS, "482913")
    assert text == (
        "【一证通查】验证码482913，5分钟内有效，用于查询您名下的电话卡数量。非本人操作请忽略，切勿告诉他人。"
    )
    assert units(text) == 53


def test_all_eight_answered_and_the_flagged_resend() -> None:
    reply = compose_reply(TEXTS, ACCOUNTS, answers(EIGHT))
    rest = (
        "您11月22日查询的手机号138****8000共关联10个账号：微信2个，QQ1个，淘宝1个，支付宝1个，抖音1个，今日头条1个，"
        "快手0个，百度1个，京东1个，美团1个，大众点评0个。如有疑问，请在查询页面底部点“解绑及明细查询”。本短信不含链接。"
    )
    assert (reply.text, units(reply.text)) == (f"【一证通查】{rest}", 131)
    assert (reply.resend_text, units(reply.resend_text)) == (f"【一证通查】（补发）{rest}", 135)
    assert reply.outcome is Outcome.ANSWERED


def test_two_companies_silent() -> None:
    reply = compose_reply(TEXTS, ACCOUNTS, answers(EIGHT, {"京东", "美团"}))
    assert reply.text == (
        "【一证通查】您11月22日查询的手机号138****8000，已反馈的共关联8个账号：微信2个，QQ1个，淘宝1个，支付宝1个，抖音1个，"
        "今日头条1个，快手0个，百度1个。京东、美团暂未反馈，不代表没有账号，可24小时后再查。"
        "如有疑问，请在查询页面底部点“解绑及明细查询”。本短信不含链接。"
    )
    assert units(reply.text) == 145
    assert reply.outcome is Outcome.PARTIAL


def test_seven_companies_silent() -> None:
    reply = compose_reply(TEXTS, ACCOUNTS, answers(EIGHT, SILENT_NAMES))
    assert reply.text == (
        "【一证通查】您11月22日查询的手机号138****8000，已反馈的共关联3个账号：微信2个，QQ1个。阿里巴巴、支付宝、抖音、快手、"
        "百度、京东、美团暂未反馈，不代表没有账号，可24小时后再查。"
        "如有疑问，请在查询页面底部点“解绑及明细查询”。本短信不含链接。"
    )
    assert units(reply.text) == 130


def test_none_answered() -> None:
    reply = compose_reply(TEXTS, ACCOUNTS, [(who, None) for who, _ in EIGHT])
    assert reply.text == (
        "【一证通查】您11月22日查询的138****8000，8家企业均未按时反馈，不代表没有账号。请24小时后再查，免费。本短信不含链接。"
    )
    assert units(reply.text) == 67
    assert reply.outcome is Outcome.PARTIAL


def test_unsuccessful_for_internet_accounts() -> None:
    reply = compose_unsuccessful(TEXTS, ACCOUNTS)
    assert reply.text == (
        "【一证通查】您11月22日对138****8000的查询未完成。请核对号码是否在用、身份证号码后六位是否正确，24小时后可重新查询。"
    )
    assert units(reply.text) == 66
    assert reply.outcome is Outcome.UNSUCCESSFUL


def test_unsuccessful_for_phone_cards() -> None:
    reply = compose_unsuccessful(TEXTS, CARDS)
    assert reply.text == (
        "【一证通查】您11月22日的电话卡查询未完成。请核对姓名、身份证号码和手机号码是否正确，24小时后可重新查询。"
    )
    assert units(reply.text) == 55


def test_result_for_phone_cards() -> None:
    reply = compose_reply(TEXTS, CARDS, answers([(company(name), (n,)) for name, n in CARRIERS]))
    assert reply.text == (
        "【一证通查】您11月22日查询：名下在用电话卡共4张，其中中国移动2张，中国联通1张，中国电信1张，中国广电0张，"
        "虚拟运营商0张。如有疑问，请持身份证到相应企业营业厅核对；虚拟运营商请联系其客服。"
    )
    assert units(reply.text) == 98


def test_partial_for_phone_cards_totals_what_was_answered() -> None:
    asked = [(company(name), (n,)) for name, n in CARRIERS]
    reply = compose_reply(TEXTS, CARDS, answers(asked, {"中国广电", "虚拟运营商"}))
    assert reply.text == (
        "【一证通查】您11月22日查询：名下在用电话卡，已反馈的共4张，其中中国移动2张，中国联通1张，中国电信1张。中国广电、"
        "虚拟运营商暂未反馈，不代表没有电话卡，可24小时后再查。如有疑问，请持身份证到相应企业营业厅核对；虚拟运营商请联系其客服。"
    )
    assert units(reply.text) == 121


def thirty(counts: Any, silent: Any = ()) -> tuple[list[str], list[Any]]:
    """Thirty companies of one application each, names of two or three characters, and what they answered."""
    names = ["甲乙"[: 1 + place % 2] + chr(0x5000 + place) for place in range(30)]
    return names, [
        (company(name), None if place in silent else {name: counts(place)}) for place, name in enumerate(names)
    ]


@pytest.mark.parametrize(
    ("counts", "silent"),
    [
        (lambda place: int(place % 3 == 0), ()),
        (lambda place: 0, ()),
        (lambda place: 2 if place < 2 else 0, range(20, 30)),
        (lambda place: 999, ()),
        (lambda place: 999, range(0, 30, 3)),
        (lambda place: 1, range(1, 26)),
    ],
    ids=["a third", "none", "ten silent", "999 everywhere", "999 and ten silent", "25 silent"],
)
def test_thirty_applications_fit_three_parts_and_lose_no_account(counts: Any, silent: Any) -> None:
    """Source: review of texts, C2. The total and every silent company are there, whatever the list is shortened to."""
    names, asked = thirty(counts, silent)
    reply = compose_reply(TEXTS, ACCOUNTS, asked)
    answered = [place for place in range(30) if place not in silent]
    total = sum(int(counts(place)) for place in answered)
    assert count_parts(reply.text) <= count_parts(reply.resend_text) <= 3
    assert f"共关联{total}个账号" in reply.text
    assert all(name in reply.text for place, name in enumerate(names) if place in silent)
    listed = reply.text.partition("个账号：")[2]
    listed, rest = re.subn(r"其余(\d+)个应用(?:均为0个|共(\d+)个)", "", listed)
    told = [int(count) for count in re.findall(r"(\d+)个", listed)]
    if match := re.search(r"其余(\d+)个应用共(\d+)个", reply.text):
        assert (len(told) + int(match[1]), sum(told) + int(match[2])) == (len(answered), total)
    elif match := re.search(r"其余(\d+)个应用均为0个", reply.text):
        assert (len(told) + int(match[1]), sum(told)) == (len(answered), total)
    else:
        assert (len(told), sum(told), rest) == (len(answered), total, 0)


def test_of_thirty_applications_only_those_with_an_account_are_named() -> None:
    names, asked = thirty(lambda place: 2 if place in (3, 17) else 0)
    reply = compose_reply(TEXTS, ACCOUNTS, asked)
    assert f"共关联4个账号：{names[3]}2个，{names[17]}2个，其余28个应用均为0个。" in reply.text


def test_of_thirty_applications_without_any_account_the_first_is_named() -> None:
    names, asked = thirty(lambda place: 0)
    assert f"共关联0个账号：{names[0]}0个，其余29个应用均为0个。" in compose_reply(TEXTS, ACCOUNTS, asked).text


def test_a_catalogue_of_an_earlier_release_lists_them_all() -> None:
    texts = {name: text for name, text in TEXTS.items() if not name.startswith(("zero-", "more-", "brief-"))}
    names, asked = thirty(lambda place: 0)
    assert all(f"{name}0个" in compose_reply(texts, ACCOUNTS, asked).text for name in names)


def test_an_application_left_out_of_an_answer_is_named_by_itself() -> None:
    asked = [(company("腾讯", "微信", "QQ"), {"微信": 2}), (company("快手"), {"快手": 0})]
    reply = compose_reply(TEXTS, ACCOUNTS, asked)
    assert "微信2个，快手0个。QQ暂未反馈，不代表没有账号" in reply.text
    assert reply.outcome is Outcome.PARTIAL


@pytest.mark.parametrize("empty", [{}, None])
def test_a_company_that_left_everything_out_is_silent(empty: dict[str, int] | None) -> None:
    reply = compose_reply(TEXTS, ACCOUNTS, [(company("腾讯", "微信", "QQ"), empty), (company("快手"), {"快手": 3})])
    assert "快手3个。腾讯暂未反馈" in reply.text


def test_a_reply_is_not_in_its_own_repr() -> None:
    assert "微信" not in repr(compose_reply(TEXTS, ACCOUNTS, answers(EIGHT)))
