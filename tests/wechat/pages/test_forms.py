"""Mistakes in a form are named at once and in the page's order."""

from __future__ import annotations

import pytest

from config.errors import OneCertError
from query.errors import CodeExpired, CodeInvalid, CodeWrong, NameInvalid, TooSoon
from wechat.pages.forms import Form, fault_of, find_faults, parse_form
from wechat.pages.texts import Words

zh = Words("zh-CN")
FILLED = {
    "session": "s",
    "key": "k",
    "phone": "13800138000",
    "id_tail": "12345X",
    "code": "482913",
    "consent": "yes",
    "consent_id": "yes",
}


def form(**changes: str) -> Form:
    return parse_form("internet-accounts", FILLED | changes)


def test_a_filled_form_has_no_fault() -> None:
    assert find_faults(form(), zh) == {}


def test_all_faults_are_told_at_once_in_the_order_of_the_page() -> None:
    faults = find_faults(form(phone="1380013800", id_tail="12345", code=" ", consent=""), zh)
    assert list(faults.items()) == [
        ("phone", "手机号码应是 11 位，现在 10 位"),
        ("id_tail", "还差 1 位，请填写最后六位"),
        ("code", "请填写短信里的 6 位验证码"),
        ("consent", "请先阅读并勾选同意，再提交"),
    ]

    assert find_faults(form(consent_id=""), zh) == {"consent_id": "请勾选同意提供身份证信息，再提交"}


def test_asking_for_a_code_looks_at_the_phone_alone() -> None:
    assert find_faults(form(phone="", id_tail="", code="", consent="", action="code"), zh) == {
        "phone": "请填写手机号码"
    }


@pytest.mark.parametrize(
    "phone", ["+86 138-0013-8000", "１３８００１３８０００", "0086 13800138000", " 138 0013 8000 "]
)
def test_a_number_in_any_dress_is_fine(phone: str) -> None:
    assert find_faults(form(phone=phone), zh) == {}


@pytest.mark.parametrize(
    ("phone", "fault"),
    [
        ("138001380001", "手机号码应是 11 位，现在 12 位"),
        ("+86 1380013800", "手机号码应是 11 位，现在 10 位"),
        ("23800138000", "手机号码格式不对，请核对后重填"),
        ("1380013800a", "手机号码格式不对，请核对后重填"),
        ("١٣٨٠٠١٣٨٠٠٠", "手机号码格式不对，请核对后重填"),
    ],
)
def test_what_is_no_number_is_told_with_what_is_wrong(phone: str, fault: str) -> None:
    assert find_faults(form(phone=phone), zh) == {"phone": fault}


@pytest.mark.parametrize(
    ("tail", "fault"),
    [
        ("1234567", "多了 1 位，请只填最后六位"),
        ("12X456", "前五位须是数字，末位是数字或 X"),
        ("abcdef", "前五位须是数字，末位是数字或 X"),
        ("", "请填写身份证号码后六位"),
    ],
)
def test_what_are_no_last_six_is_told_with_what_is_wrong(tail: str, fault: str) -> None:
    assert find_faults(form(id_tail=tail), zh) == {"id_tail": fault}


def test_a_form_for_cards_has_name_and_whole_number() -> None:
    cards = parse_form("phone-cards", {"name": "", "id_number": "123", "phone": "13800138000", "code": "1"})
    assert find_faults(cards, zh) == {
        "name": "请填写身份证上的姓名",
        "id_number": "身份证号码有误，请对照证件核对",
        "code": "请填写短信里的 6 位验证码",
        "consent": "请先阅读并勾选同意，再提交",
        "consent_id": "请勾选同意提供身份证信息，再提交",
    }


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (CodeWrong(3), {"code": "验证码不正确，请以最新一条短信为准，还可输入 3 次"}),
        (CodeWrong(0), {"code": "已输错 5 次，这个验证码不能再用，请点“重新获取”"}),
        (CodeInvalid(), {"code": "请填写短信里的 6 位验证码"}),
        (CodeExpired("old"), {"code": "验证码已过期，请点“重新获取”"}),
        (CodeExpired("missing"), {"code": "还没有向这个号码发送验证码，请先获取"}),
        (NameInvalid(), {"name": "姓名只能有汉字、字母和“·”，请对照身份证填写"}),
        (TooSoon(60), {}),
    ],
)
def test_a_refusal_about_a_field_stands_under_that_field(error: OneCertError, fault: dict[str, str]) -> None:
    assert fault_of(error, parse_form("phone-cards", FILLED | {"name": "张三"}), zh) == fault


def test_a_form_never_shows_in_a_representation_what_was_typed() -> None:
    assert "13800138000" not in repr(form())
    assert "12345X" not in repr(form())


def test_absurdly_long_input_is_cut() -> None:
    assert len(form(phone="1" * 9999).phone) == 200
