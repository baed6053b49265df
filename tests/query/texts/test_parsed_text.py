"""Texts to the port number that ask for an inquiry: every spelling that a thumb, a phone or a dictation makes."""

from __future__ import annotations

import random  # noqa: TID251  # a seed repeats a run

import pytest

from query.texts.parsed_text import Subject, parse_text


@pytest.mark.parametrize(
    "text",
    [
        "查账号", "查 账号", "查帐号", "查賬號", "查帳號", "“查账号”", "查账号。", "【查账号】", "查账户",
        "查询账号", "我要查账号", "请帮我查一下账号", "查账号数量", "账号查询", "查我的账号", "查互联网账号",
        "互联网账号", "CZH", "czh", "ＣＺＨ", "查\u200b账号", "查账号 谢谢", "发查账号到10699000",
        "查本机关联账号数量", "查  账\n号", "📱查账号",
    ],
)  # fmt: skip
def test_a_request_without_characters(text: str) -> None:
    parsed = parse_text(text)
    assert parsed is not None
    assert (parsed.subject, parsed.tail, parsed.given) == (Subject.ACCOUNTS, "", 0)


@pytest.mark.parametrize(
    "text",
    [
        "查账号01234X", "查账号 01234x", "查账号：01234Ｘ", "01234X查账号", "查账号0 1 2 3 4 X",
        "查账号，后六位01234X", "CZH01234X", "查账号身份证最后6位是 01234×", "查賬號０１２３４Ⅹ", "查账号01234Х",
    ],
)  # fmt: skip
def test_a_request_with_the_six_characters_in_one_text(text: str) -> None:
    parsed = parse_text(text)
    assert parsed is not None
    assert (parsed.subject, parsed.tail, parsed.echo) == (Subject.ACCOUNTS, "01234X", "")


@pytest.mark.parametrize(
    ("text", "tail", "echo", "missing"),
    [
        ("01234X", "01234X", "", 0),
        ("我的是 012345", "012345", "", 0),
        ("01234X 4071", "01234X", "4071", 0),
        ("4071 01234X", "01234X", "4071", 0),
        ("4071，012345", "012345", "4071", 0),
        ("01234X4071", "01234X", "4071", 0),
        ("0123456789", "012345", "6789", 0),
        ("106990 0012", "106990", "0012", 0),
        ("1069900012", "106990", "0012", 0),
        ("01234", "", "", 1),
        ("4071", "", "", 2),
        ("0123456", "", "", 0),
        ("O1234X", "", "", 0),
        ("01234A", "", "", 0),
        ("0123X4", "", "", 0),
        ("011234 13800138000", "", "", 0),
    ],
)
def test_characters_alone(text: str, tail: str, echo: str, missing: int) -> None:
    parsed = parse_text(text)
    assert parsed is not None
    assert (parsed.subject, parsed.tail, parsed.echo, parsed.missing) == (Subject.DIGITS, tail, echo, missing)


@pytest.mark.parametrize("number", ["110105194912310021", "11010519491231002X", "110105491231002"])
def test_a_whole_id_number_is_recognised_and_none_of_it_taken(number: str) -> None:
    for text in (number, f"查账号{number}", f"{number[:6]} {number[6:14]} {number[14:]}"):
        parsed = parse_text(text)
        assert parsed is not None
        assert (parsed.is_full, parsed.tail) == (True, "")
        assert number[:6] not in repr(parsed)


@pytest.mark.parametrize(
    "text", ["查卡", "查 電話卡", "查手机卡", "CK", "电话卡查询", "查询名下的电话卡数量", "查卡01234X", "移动电话卡"]
)
def test_cards(text: str) -> None:
    parsed = parse_text(text)
    assert parsed is not None
    assert parsed.subject is Subject.CARDS


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "你好", "不查账号", "怎么查账号", "查账号会扣费吗", "别查账号", "查账号查卡", "账号被盗了",
        "TD", "恢复", "1A吗", "谢谢", "hello", "不同意012345", "查" * 50 + "账号", "\ud800查账号不", "٠١٢٣٤٥",
        "零一二三四五",
    ],
)  # fmt: skip
def test_other_texts(text: str) -> None:
    assert parse_text(text) is None


def test_no_mutation_raises_or_makes_up_six_characters() -> None:
    rng = random.Random(16)  # noqa: S311
    alphabet = "查账号卡0123456789Xx ，。\u200b\ud83d\udcf1OoTD身份证后六位是不4071\n\t\0Ａ９"
    for _ in range(5000):
        text = "".join(rng.choice(alphabet) for _ in range(rng.randrange(24)))
        parsed = parse_text(text)
        if parsed is not None and parsed.tail:
            assert len([character for character in text if character.isalnum() and character in "0123456789Xx９"]) >= 6
