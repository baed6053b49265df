"""Every SMS, word by word and with its length in UCS-2 units, as the designers wrote it."""

from typing import Any

import pytest

from config.catalogue.document import default_document, load_catalogue
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
    (company("抖音"), (1,)),
    (company("快手"), (0,)),
    (company("百度", "待核实七", "待核实八", "待核实九"), (1, 1, 0)),
    (company("京东", "待核实十"), (1,)),
    (company("美团", "待核实甲"), (0,)),
]
SILENT_NAMES = ["阿里巴巴", "支付宝", "抖音", "快手", "百度", "京东", "美团"]
CARRIERS = [("中国移动", 2), ("中国联通", 1), ("中国电信", 1), ("中国广电", 0), ("虚拟运营商", 0)]


def answers(asked: Any, silent: Any = ()):
    return [
        (who, None if who.name in silent else {code: n for (code, _), n in zip(who.counted, counts, strict=True)})
        for who, counts in asked
    ]


def units(text: str) -> int:
    return len(text.encode("utf-16-be")) // 2


def test_code_for_internet_accounts() -> None:
    text = compose_code(TEXTS, INTERNET_ACCOUNTS, "482913")
    assert text == "【一证通查】验证码482913，5分钟内有效，用于查询本号码关联的互联网账号数量。请勿告诉任何人。"
    assert units(text) == 49


def test_code_for_phone_cards() -> None:
    text = compose_code(TEXTS, PHONE_CARDS, "482913")
    assert text == "【一证通查】验证码482913，5分钟内有效，用于查询您名下的电话卡数量。请勿告诉任何人。"
    assert units(text) == 45


def test_all_eight_answered_and_the_flagged_resend() -> None:
    reply = compose_reply(TEXTS, ACCOUNTS, answers(EIGHT))
    rest = (
        "您11月22日查询的138****8000，关联账号数量：微信2个，QQ1个，淘宝1个，支付宝1个，抖音1个，快手0个，待核实七1个，"
        "待核实八1个，待核实九0个，待核实十1个，待核实甲0个。有疑问请看“解绑及明细查询”。本短信不带链接。"
    )
    assert (reply.text, units(reply.text)) == (f"【一证通查】{rest}", 124)
    assert (reply.resend_text, units(reply.resend_text)) == (f"【一证通查】（补发）{rest}", 128)
    assert reply.outcome is Outcome.ANSWERED


def test_the_widest_result() -> None:
    names = [
        "应用名六个字",
        "应用名六个字",
        "微信",
        "QQ",
        "淘宝",
        "支付宝",
        "抖音",
        "快手",
        "待核实七",
        "待核实八",
        "待核实九",
    ]
    one = Company("甲", tuple((str(place), name) for place, name in enumerate(names)))
    reply = compose_reply(TEXTS, ACCOUNTS, [(one, {code: 999 for code, _ in one.counted})])
    assert units(reply.text) == 150


def test_two_companies_silent() -> None:
    reply = compose_reply(TEXTS, ACCOUNTS, answers(EIGHT, {"京东", "美团"}))
    assert reply.text == (
        "【一证通查】您11月22日查询的138****8000，关联账号数量：微信2个，QQ1个，淘宝1个，支付宝1个，抖音1个，快手0个，待核实七1个，"
        "待核实八1个，待核实九0个。京东、美团未反馈，不等于没有，可24小时后再查。有疑问请看“解绑及明细查询”。本短信不带链接。"
    )
    assert units(reply.text) == 134
    assert reply.outcome is Outcome.PARTIAL


def test_seven_companies_silent() -> None:
    reply = compose_reply(TEXTS, ACCOUNTS, answers(EIGHT, SILENT_NAMES))
    assert reply.text == (
        "【一证通查】您11月22日查询的138****8000，关联账号数量：微信2个，QQ1个。阿里巴巴、支付宝、抖音、快手、百度、京东、美团未反馈，"
        "不等于没有，可24小时后再查。有疑问请看“解绑及明细查询”。本短信不带链接。"
    )
    assert units(reply.text) == 110


def test_the_widest_partial_result() -> None:
    names = ["应用名六个字", "应用名六个字", "微信", "QQ", "淘宝", "支付宝", "抖音", "快手", "待核实七", "待核实八"]
    one = Company("甲", tuple((str(place), name) for place, name in enumerate(names)))
    silent = (company("阿里巴巴", "待核实九"), None)
    reply = compose_reply(TEXTS, ACCOUNTS, [(one, {code: 999 for code, _ in one.counted}), silent])
    assert units(reply.text) == 164


def test_none_answered() -> None:
    reply = compose_reply(TEXTS, ACCOUNTS, [(who, None) for who, _ in EIGHT])
    assert reply.text == (
        "【一证通查】您11月22日查询的138****8000，8家企业均未按时反馈。这不等于没有账号，请24小时后再查，不收费。本短信不带链接。"
    )
    assert units(reply.text) == 69
    assert reply.outcome is Outcome.PARTIAL


def test_unsuccessful_for_internet_accounts() -> None:
    reply = compose_unsuccessful(TEXTS, ACCOUNTS)
    assert reply.text == (
        "【一证通查】您11月22日对138****8000的查询未能完成。请确认号码在用、身份证后六位无误，24小时后可再查。"
    )
    assert units(reply.text) == 59
    assert reply.outcome is Outcome.UNSUCCESSFUL


def test_unsuccessful_for_phone_cards() -> None:
    reply = compose_unsuccessful(TEXTS, CARDS)
    assert (
        reply.text
        == "【一证通查】您11月22日的电话卡查询未能完成。请确认姓名、身份证号码和手机号码无误，24小时后可再查。"
    )
    assert units(reply.text) == 52


def test_result_for_phone_cards() -> None:
    reply = compose_reply(TEXTS, CARDS, answers([(company(name), (n,)) for name, n in CARRIERS]))
    assert reply.text == (
        "【一证通查】您11月22日查询的名下电话卡共4张：中国移动2张，中国联通1张，中国电信1张，中国广电0张，虚拟运营商0张。"
        "有疑问请带身份证到相应企业营业厅核对。本短信不带链接。"
    )
    assert units(reply.text) == 88


def test_partial_for_phone_cards_totals_what_was_answered() -> None:
    asked = [(company(name), (n,)) for name, n in CARRIERS]
    reply = compose_reply(TEXTS, CARDS, answers(asked, {"中国广电", "虚拟运营商"}))
    assert reply.text == (
        "【一证通查】您11月22日查询的名下电话卡，已反馈的共4张：中国移动2张，中国联通1张，中国电信1张。中国广电、虚拟运营商未反馈，"
        "不等于没有电话卡，可24小时后再查。有疑问请带身份证到相应企业营业厅核对。本短信不带链接。"
    )
    assert units(reply.text) == 110


def test_an_application_left_out_of_an_answer_is_named_by_itself() -> None:
    asked = [(company("腾讯", "微信", "QQ"), {"微信": 2}), (company("快手"), {"快手": 0})]
    reply = compose_reply(TEXTS, ACCOUNTS, asked)
    assert "微信2个，快手0个。QQ未反馈，不等于没有" in reply.text
    assert reply.outcome is Outcome.PARTIAL


@pytest.mark.parametrize("empty", [{}, None])
def test_a_company_that_left_everything_out_is_silent(empty: dict[str, int] | None) -> None:
    reply = compose_reply(TEXTS, ACCOUNTS, [(company("腾讯", "微信", "QQ"), empty), (company("快手"), {"快手": 3})])
    assert "快手3个。腾讯未反馈" in reply.text


def test_a_reply_is_not_in_its_own_repr() -> None:
    assert "微信" not in repr(compose_reply(TEXTS, ACCOUNTS, answers(EIGHT)))
