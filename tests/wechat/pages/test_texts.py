"""The words of the pages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from markupsafe import Markup

from wechat.pages.texts import LANGUAGES, Words, load_texts

ROOT = Path(__file__).parents[3] / "wechat/pages"
zh, en = Words("zh-CN"), Words("en")


@pytest.mark.parametrize("key", sorted(load_texts()))
def test_a_text_is_there_in_both_languages_with_the_same_places(key: str) -> None:
    text = load_texts()[key]
    assert set(text) == set(LANGUAGES)
    assert all(text.values())
    places = [set(re.findall(r"\{(\w+)\}", text[language])) for language in LANGUAGES]
    if key not in {"home.ia.d", "f.code.sent"}:  # English counts the applications it does not name
        assert places[0] == places[1]


def test_every_text_that_a_template_or_the_script_names_exists() -> None:
    sources = [*ROOT.glob("templates/pages/*.html"), *ROOT.glob("static/*.js"), *ROOT.glob("*.py")]
    for source in sources:
        for key in re.findall(
            r"""(?:words|phrases|lines|counted|say)\(["']([a-z0-9_.]+)["'][,)]""", source.read_text()
        ):
            assert key in load_texts() or f"{key}.one" in load_texts(), f"{source.name}: {key}"


def test_a_plain_text_has_no_phrase_marks() -> None:
    assert zh("home.h1") == "您的手机号关联了多少账号？名下有几张电话卡？"


def test_a_chinese_heading_breaks_between_phrases() -> None:
    assert zh.phrases("home.h1") == (
        '<span class="phrase">您的手机号</span><span class="phrase">关联了多少账号？</span>'
        '<span class="phrase">名下有几张电话卡？</span>'
    )


def test_a_space_between_phrases_stands_outside_of_both() -> None:
    assert zh("soon.h1") == "这个号码 24 小时内已经查过"
    assert zh.phrases("soon.h1") == (
        '<span class="phrase">这个号码</span> <span class="phrase">24 小时内已经查过</span>'
    )


def test_values_in_markup_are_escaped_unless_they_are_markup() -> None:
    lead = zh.phrases("soon.lead", when=Markup("<b>明天 09:20</b>"), left="<i>")
    assert "<b>明天 09:20</b>" in lead
    assert "&lt;i&gt;" in lead


def test_one_is_said_in_the_singular() -> None:
    assert en.counted("e.code_wrong", 1) == "Wrong code. Look at the latest text. 1 try left"
    assert en.counted("e.code_wrong", 3) == "Wrong code. Look at the latest text. 3 tries left"
    assert zh.counted("e.code_wrong", 3) == "验证码不正确，请以最新一条短信为准，还可输入 3 次"


def test_an_unknown_language_is_chinese() -> None:
    assert Words("tlh")("f.submit") == "提交查询"


def test_a_text_of_several_lines_is_a_list() -> None:
    assert len(zh.lines("help.1.a")) == 3
