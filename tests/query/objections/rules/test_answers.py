"""Texts to the port number in every spelling that citizens are known to use, and two of our own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from query.objections.rules.answers import CitizenAnswer, Keyword, parse_citizen_answer


@pytest.mark.parametrize(
    ("text", "keyword", "label"),
    [
        ("1", Keyword.SOLVED, ""),
        ("2", Keyword.UNSOLVED, ""),
        ("2 ", Keyword.UNSOLVED, ""),
        ("２", Keyword.UNSOLVED, ""),
        ("　２。", Keyword.UNSOLVED, ""),
        ("二", Keyword.UNSOLVED, ""),
        ("一", Keyword.SOLVED, ""),
        ("①", Keyword.SOLVED, ""),
        ("回1", Keyword.SOLVED, ""),
        ("回2", Keyword.UNSOLVED, ""),
        ("回复 2", Keyword.UNSOLVED, ""),
        ("“2”", Keyword.UNSOLVED, ""),
        ("1A", Keyword.SOLVED, "A"),
        ("２ａ", Keyword.UNSOLVED, "A"),
        ("2 b", Keyword.UNSOLVED, "B"),
        ("1I", Keyword.SOLVED, "I"),
        ("未解决ｃ", Keyword.UNSOLVED, "C"),
        ("没解决", Keyword.UNSOLVED, ""),
        ("未解决！", Keyword.UNSOLVED, ""),
        ("还没解决A", Keyword.UNSOLVED, "A"),
        ("已解决", Keyword.SOLVED, ""),
        ("解绑", Keyword.UNBIND, ""),
        ("解 绑", Keyword.UNBIND, ""),
        ("提醒", Keyword.WATCH, ""),
        ("tx", Keyword.UNWATCH, ""),
        ("ＴＸ", Keyword.UNWATCH, ""),
        ("停止提醒", Keyword.UNWATCH, ""),
    ],
)
def test_what_is_meant(text: str, keyword: Keyword, label: str) -> None:
    assert parse_citizen_answer(text) == CitizenAnswer(keyword, label)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("不是我", 0),
        ("不是我1", 1),
        ("不是我 1", 1),
        ("不是我１", 1),
        ("不是我一", 1),
        ("不是我的", 0),
        ("不是本人", 0),
        ("不是我12", 12),
    ],
)
def test_not_mine_with_its_number(text: str, number: int) -> None:
    assert parse_citizen_answer(text) == CitizenAnswer(Keyword.NOT_MINE, number=number)


@pytest.mark.parametrize(
    "text",
    ["", " ", "3", "12", "11", "2J", "A", "TD", "恢复", "查账号", "你好", "1" * 41, "2" * 10_000, "解决不了的话再说"],
)
def test_what_is_not_about_an_objection(text: str) -> None:
    assert parse_citizen_answer(text) is None


@given(st.text(max_size=60))
def test_any_text_is_read_without_an_error(text: str) -> None:
    parse_citizen_answer(text)
