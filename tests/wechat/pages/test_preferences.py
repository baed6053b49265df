"""Letter size and language."""

from __future__ import annotations

import pytest
from werkzeug.datastructures import MultiDict

from wechat.pages.preferences import Display, asks_display, chosen, clean_address, read_display


def test_without_a_choice_letters_are_standard_and_words_chinese() -> None:
    assert read_display({}) == Display("standard", "zh-CN")


def test_a_kept_choice_is_read() -> None:
    assert read_display({"onecert-size": "elder", "onecert-lang": "en"}) == Display("elder", "en")
    assert read_display({"onecert-size": "elder"}).elder


def test_rubbish_in_a_cookie_counts_as_no_choice() -> None:
    assert read_display({"onecert-size": "<script>", "onecert-lang": "../.."}) == Display("standard", "zh-CN")


def test_only_valid_choices_are_kept_but_every_choice_is_cleaned_away() -> None:
    query = {"size": "huge", "lang": "en"}
    assert chosen(query) == {"lang": "en"}
    assert asks_display(query)
    assert not asks_display({"ticket": "t"})


@pytest.mark.parametrize(
    ("path", "query", "clean"),
    [
        ("/", {"size": "elder"}, "/"),
        ("/internet-accounts", {"lang": "en", "ticket": "a b"}, "/internet-accounts?ticket=a+b"),
        ("//elsewhere.example/", {"lang": "en"}, "/elsewhere.example/"),
        ("/\\elsewhere.example", {"lang": "en"}, "/elsewhere.example"),
    ],
)
def test_the_clean_address_keeps_the_rest_and_stays_here(path: str, query: dict[str, str], clean: str) -> None:
    assert clean_address(path, MultiDict(query)) == clean
