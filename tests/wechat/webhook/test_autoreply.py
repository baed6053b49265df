"""The account's answers: every topic in both languages, to the letter of the catalogue."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.catalogue.document import default_document, load_catalogue
from config.catalogue.fields import Bilingual
from config.catalogue.texts import chat_texts
from tests.wechat.pushes import make_push
from wechat.webhook.autoreply import (
    KNOWN_EVENTS,
    MAX_ANSWER,
    Answer,
    Links,
    Topic,
    choose_language,
    choose_topic,
    compose,
)

CATALOGUE = load_catalogue(default_document())
TEXTS = chat_texts(CATALOGUE)
LINKS = Links("https://one.example/internet-accounts?ticket=" + "t" * 250, "https://one.example/phone-cards?ticket=t")


def topic_of(text: str) -> Topic:
    return choose_topic(make_push(text=text), welcome=True, port_number="10699000")


def answer_to(topic: Topic, text: str = "") -> Answer:
    return compose(make_push(text=text), topic, TEXTS, lambda: LINKS)


@pytest.mark.parametrize(
    "words",
    [
        "一证通查",
        " 查询 ",
        "互联网账号",
        "移动电话卡",
        "帮助",
        "【查询】",
        "我要查询",
        "ＯｎｅＣｅｒｔ",
        "Help",
        "SIM cards?",
        "check",
    ],
)
def test_the_words_of_the_service_get_the_menu(words: str) -> None:
    assert topic_of(words) == "menu"


@pytest.mark.parametrize("words", ["进度", "结果", "没收到", "我的查询结果没收到", "progress", "My result?"])
def test_the_words_about_an_inquiry_get_the_way_to_its_progress(words: str) -> None:
    assert topic_of(words) == "progress"


@pytest.mark.parametrize(
    "words",
    [
        "13800138000",
        "查询 138 0013 8000",
        "+86-138-0013-8000",
        "１３８００１３８０００",
        "٠١٢٣٤٥",
        "①②③④⑤⑥",
        "一三八零零一三八零零零",
        "11010519491231002X",
        "12345x",
        "12345Ｘ",
        "482913",
        "验证码是4 8 2 9 1 3",
        "10699000 482913",
    ],
)
def test_numbers_ids_and_codes_get_the_warning(words: str) -> None:
    assert topic_of(words) == "number"


@pytest.mark.parametrize("words", ["", "你好", "12345", "10699000是真的吗", "2026年", "[微笑]", "\x00", "?"])
def test_anything_else_is_not_understood(words: str) -> None:
    assert topic_of(words) == "unknown"


@pytest.mark.parametrize("kind", ["image", "voice", "video", "shortvideo", "location", "link", "file", "whatever"])
def test_pictures_and_voices_are_not_understood(kind: str) -> None:
    assert choose_topic(make_push(kind=kind), welcome=True, port_number="10699000") == "unknown"


def test_the_menu_tap_gets_the_menu() -> None:
    tap = make_push(kind="event", event="click", event_key="ONECERT")
    assert choose_topic(tap, welcome=False, port_number="10699000") == "menu"


def test_the_taps_on_the_ministrys_own_menus_are_not_ours_to_answer() -> None:
    tap = make_push(kind="event", event="click", event_key="NEWS")
    assert choose_topic(tap, welcome=True, port_number="10699000") == "none"


@pytest.mark.parametrize(("welcome", "topic"), [(True, "welcome"), (False, "none")])
def test_a_new_follower_is_greeted_where_that_is_switched_on(welcome: bool, topic: Topic) -> None:
    subscribed = make_push(kind="event", event="subscribe")
    assert choose_topic(subscribed, welcome=welcome, port_number="10699000") == topic


@pytest.mark.parametrize("event", sorted(KNOWN_EVENTS - {"subscribe"} | {"never_heard_of"}))
def test_every_other_event_gets_no_answer(event: str) -> None:
    assert choose_topic(make_push(kind="event", event=event), welcome=True, port_number="10699000") == "none"
    assert answer_to("none").text == ""


@pytest.mark.parametrize(
    ("text", "language"),
    [("help", "en"), ("SIM 卡", "zh-CN"), ("", "zh-CN"), ("123", "zh-CN"), ("помощь", "zh-CN"), ("ＨＥＬＰ!", "en")],
)
def test_english_is_for_letters_without_a_chinese_character(text: str, language: str) -> None:
    assert choose_language(make_push(text=text)) == language


def test_the_menu_answer_carries_both_links() -> None:
    text = answer_to("menu").text
    assert text.startswith('您想查哪一项？\n\n▸ <a href="https://one.example/internet-accounts?ticket=')
    assert text.endswith("链接 30 分钟内有效，请勿转发。过期请再点一次菜单。")
    assert str(LINKS.internet_accounts) in text and str(LINKS.phone_cards) in text and "{" not in text


def test_the_menu_answer_speaks_english_to_english() -> None:
    assert answer_to("menu", "check").text.startswith("What would you like to check?")


@pytest.mark.parametrize("topic", ["welcome", "menu", "unknown", "number", "progress", "down"])
@pytest.mark.parametrize("words", ["", "help"])
def test_every_answer_fits_the_platform(topic: Topic, words: str) -> None:
    answer = answer_to(topic, words)
    assert answer.topic == topic and 0 < len(answer.text.encode()) <= MAX_ANSWER


def test_a_menu_whose_links_are_too_long_says_that_the_service_is_down() -> None:
    long = Links("https://" + "x" * 2000, "https://y")
    assert compose(make_push(), "menu", TEXTS, lambda: long) == answer_to("down")


@pytest.mark.parametrize("words", ["", "help"])
def test_the_menu_does_not_offer_a_service_that_is_switched_off(words: str) -> None:
    one = compose(make_push(text=words), "menu", TEXTS, lambda: replace(LINKS, phone_cards=None))
    both = answer_to("menu", words)
    gone = next(part for part in both.text.split("\n\n") if str(LINKS.phone_cards) in part)
    assert one.topic == "menu" and one.text == both.text.replace(f"{gone}\n\n", "")


def test_without_an_open_service_the_menu_says_that_the_service_is_down() -> None:
    assert compose(make_push(), "menu", TEXTS, lambda: Links(None, None)) == answer_to("down")


def test_a_text_that_names_both_services_in_one_breath_leads_to_the_home_page_for_a_closed_one() -> None:
    texts: dict[str, Any] = {**TEXTS, "menu": Bilingual(zh="查 {internet_accounts} 或 {phone_cards}", en="-")}
    links = Links("https://a", None, home="https://home")
    assert compose(make_push(), "menu", texts, lambda: links).text == "查 https://a 或 https://home"


def test_no_ticket_is_made_for_an_answer_without_links() -> None:
    def no_links() -> Links:
        raise AssertionError("not wanted")

    assert compose(make_push(text="你好"), "unknown", TEXTS, no_links).text


@given(st.text(max_size=60))
def test_nothing_a_citizen_writes_is_repeated(text: str) -> None:
    answers = {entry[language] for entry in TEXTS.values() for language in ("zh-CN", "en")}
    topic = topic_of(text)
    assert topic == "menu" or answer_to(topic, text).text in answers


def test_links_and_words_are_in_no_repr() -> None:
    assert "ticket" not in repr(LINKS) and "ticket" not in repr(answer_to("menu"))


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("12345X", "zh-CN"),
        ("11010519491231002X", "zh-CN"),
        ("12345Ｘ", "zh-CN"),
        ("G12345678", "zh-CN"),
        ("/:strong", "zh-CN"),
        ("/:rose/:rose", "zh-CN"),
        ("/::D", "zh-CN"),
        ("/:,@-D /:--b /::'(", "zh-CN"),
        ("[OK]", "zh-CN"),
        ("[Let Down]", "zh-CN"),
        ("https://www.example.com/a?b=c", "zh-CN"),
        ("citizen@example.com", "zh-CN"),
        ("www.example.com", "zh-CN"),
        ("mp.weixin.qq.com/s/abc?x=y 查不到", "zh-CN"),
        ("110105 19491231 002x", "zh-CN"),
        ("\u202d12345X\u202c", "zh-CN"),
        ("/:8-)/:P-(/:<@", "zh-CN"),
        ("[Emm][Facepalm]", "zh-CN"),
        ("see example.com, please", "en"),
        ("X", "zh-CN"),
        ("/:strong 谢谢 OK", "zh-CN"),
        ("thanks /:rose", "en"),
        ("Thank you [微笑]", "en"),
        ("my ID ends in 12345X", "en"),
        ("\u200bhelp\ufe0f", "en"),
    ],
)
def test_numbers_faces_and_addresses_are_no_words(text: str, language: str) -> None:
    """door fault F9, row 56 (node-webot/wechat #32), and own variants."""
    assert choose_language(make_push(text=text)) == language


@pytest.mark.parametrize("text", ["1380\u202d0138\u202c000", "\u206613800138000\u2069", "12345\ufe0fX", "1\u00ad23456"])
def test_invisible_characters_do_not_hide_a_number(text: str) -> None:
    """door fault F8, own variants in the chat."""
    assert topic_of(text) == "number"


@pytest.mark.parametrize("sign", ["\ufdfa", "\u3300", "\uff8a\uff9f"])
def test_a_text_that_grows_under_nfkc_is_answered_at_once(sign: str) -> None:
    """door fault F12: 21,000 signs took 130 to 250 ms."""
    push = make_push(text=sign * (21_000 // len(sign)))
    started = time.thread_time()
    choose_topic(push, welcome=True, port_number="10699000")
    choose_language(push)
    assert time.thread_time() - started < 0.03


@pytest.mark.parametrize(
    "text", ["解绑", "我要解绑", "不是我", "这个账号不是我的", "  解绑！", "Unbind", "not mine", "查询后想解绑"]
)
def test_words_about_accounts_of_others_lead_to_the_form(text: str) -> None:
    push = make_push(text=text)
    assert choose_topic(push, welcome=False, port_number="10699000") == "objection"
    links = Links("https://a", "https://b", objections="https://one.example/objections?ticket=t")
    answer = compose(push, "objection", TEXTS, lambda: links)
    assert answer.topic == "objection"
    assert 'href="https://one.example/objections?ticket=t"' in answer.text


def test_without_objections_those_words_get_the_menu() -> None:
    assert compose(make_push(text="解绑"), "objection", TEXTS, lambda: LINKS).topic == "menu"
    old = {topic: text for topic, text in TEXTS.items() if topic != "objection"}
    assert compose(make_push(text="解绑"), "objection", old, lambda: LINKS).topic == "menu"
