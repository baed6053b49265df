"""The auto-reply to a push (pure): choose its topic, then the catalogue's text on that topic.

Nothing a citizen writes is repeated or kept. WeChat does not tell a push's language: Chinese is spoken, except to
someone who wrote letters and not one Chinese character.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from config.phone_numbers import without_invisible
from wechat.webhook.message import Push

Language = Literal["zh-CN", "en"]
Topic = Literal["none", "welcome", "menu", "unknown", "number", "progress", "objection", "down"]

MENU_KEY = "ONECERT"
MAX_ANSWER = 2047
"""Bytes of UTF-8 that the platform shows of a text answer."""
MAX_READ = 1024
"""Characters of a text that are read: one character can become eighteen under NFKC."""

KNOWN_EVENTS = frozenset(
    {
        "subscribe",
        "unsubscribe",
        "scan",
        "click",
        "view",
        "view_miniprogram",
        "location",
        "templatesendjobfinish",
        "subscribe_msg_popup_event",
        "subscribe_msg_change_event",
        "subscribe_msg_sent_event",
        "user_authorization_revoke",
        "user_authorization_cancellation",
        "user_info_modified",
        "debug_demo",
    }
)

_PROGRESS_WORDS = ("进度", "结果", "没收到", "progress", "result", "not received")
_OBJECTION_WORDS = ("解绑", "不是我", "非本人", "unbind", "unlink", "not mine", "not me")
_MENU_WORDS = (
    *("一证通查", "查询", "互联网账号", "移动电话卡", "电话卡", "帮助"),
    *("onecert", "check", "internet account", "sim card", "help"),
)
_CHINESE_DIGITS = str.maketrans("〇零一二三四五六七八九", "00123456789")
_SEPARATORS = re.compile(r"(?<=\d)[\s\-.·_,，、()]{1,3}(?=\d)")
_NUMBER = re.compile(r"\d{6}|\d{5}x")
_NO_WORDS = re.compile(
    r"https?:/\S*|(?<!\S)\S+@\S+|(?<![\w.-])[\w-]+(?:\.[\w-]+)+(?:[/?:]\S*)?"
    r"|/:[^\s/\u2e80-\U0010ffff]{1,12}|\[[^\[\]]{1,16}\]"  # faces: /:strong /::D [OK] [Let Down]
    r"|(?<!\w)\w*\d(?:[\w-]*\w)?",
    re.ASCII,
)
_WORD = re.compile(r"[a-z]{2}")


class Spoken(Protocol):
    """A text in both languages, as the catalogue has it."""

    def __getitem__(self, language: str, /) -> str:
        """The text in `zh-CN` or `en`."""
        ...


Texts = Mapping[str, Spoken]
"""The catalogue's chat texts by topic."""


@dataclass(frozen=True)
class Links:
    """The two page addresses, each with its ticket; None: the service is switched off. `home`: the page before both."""

    internet_accounts: str | None = field(repr=False)
    phone_cards: str | None = field(repr=False)
    home: str = field(default="", repr=False)
    objections: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Answer:
    """The text of an auto-reply; empty: acknowledge with `success`."""

    topic: Topic
    text: str = field(default="", repr=False)


def choose_topic(push: Push, *, welcome: bool, port_number: str) -> Topic:
    """Return the topic of a push.

    `welcome`: whether the account greets new followers. `port_number` is the one number that may be named in the chat.
    """
    if push.kind == "event":
        return _topic_of_event(push, welcome=welcome)
    if push.kind != "text":
        return "unknown"
    return _topic_of_text(_plain(push.text).replace(port_number, " "))


def choose_language(push: Push) -> Language:
    """Return English for Latin words without a letter of another script, else Chinese.

    Numbers with their letters (an ID's X), WeChat's face codes (`/:strong`, `[OK]`) and addresses are no words.
    """
    words = _NO_WORDS.sub(" ", _plain(push.text))
    if any(character.isalpha() and not character.isascii() for character in words):
        return "zh-CN"
    return "en" if _WORD.search(words) else "zh-CN"


def compose(
    push: Push,
    topic: Topic,
    texts: Texts,
    links: Callable[[], Links],
) -> Answer:
    """Compose the auto-reply.

    `texts` maps a topic to its text in each language; `{internet_accounts}` and `{phone_cards}` in it become links.
    `links` is called only for the menu. A menu without any open service, or a text too long for the platform, gives way
    to the one that says the service is down.
    """
    if topic == "none":
        return Answer("none")
    if topic == "objection":
        return _lead_to_objections(push, texts, links)
    text = texts[topic][choose_language(push)]
    if topic == "menu":
        text = _offer(text, links())
    if not text or len(text.encode()) > MAX_ANSWER:
        return compose(push, "down", texts, links)
    return Answer(topic, text)


def _lead_to_objections(push: Push, texts: Texts, links: Callable[[], Links]) -> Answer:
    """The way to the form of an objection; the menu, where the catalogue offers none or has no such text."""
    address = links().objections if "objection" in texts else None
    if not address:
        return compose(push, "menu", texts, links)
    text = texts["objection"][choose_language(push)].replace("{objections}", address)
    return Answer("objection", text) if len(text.encode()) <= MAX_ANSWER else compose(push, "menu", texts, links)


def _offer(text: str, links: Links) -> str:
    """Return the menu's text with links to the open services; empty when none is open."""
    places = {"{internet_accounts}": links.internet_accounts, "{phone_cards}": links.phone_cards}
    if not any(places.values()):
        return ""
    if not all(places.values()):
        text = "\n\n".join(paragraph for paragraph in text.split("\n\n") if not _is_closed(paragraph, places))
    for place, address in places.items():
        text = text.replace(place, address or links.home)  # home: a paragraph that speaks of both services stays
    return text


def _is_closed(paragraph: str, places: Mapping[str, str | None]) -> bool:
    """Return whether a paragraph links to services of which none is open."""
    named = [address for place, address in places.items() if place in paragraph]
    return bool(named) and not any(named)


def _topic_of_event(push: Push, *, welcome: bool) -> Topic:
    if push.event == "click" and push.event_key == MENU_KEY:
        return "menu"
    # The account belongs to its ministry: keys of its other menus, and its welcome, are not ours to answer.
    return "welcome" if push.event == "subscribe" and welcome else "none"


def _topic_of_text(words: str) -> Topic:
    if holds_number(words):
        return "number"
    if any(word in words for word in _OBJECTION_WORDS):
        return "objection"
    if any(word in words for word in _PROGRESS_WORDS):
        return "progress"
    return "menu" if any(word in words for word in _MENU_WORDS) else "unknown"


def holds_number(words: str) -> bool:
    """Return whether six digits (or five and an X) stand together, as in a phone number, an ID number or a code.

    Digits of any script count, Chinese numerals too, and separators between digits do not part them.
    """
    digits = _SEPARATORS.sub("", words.translate(_CHINESE_DIGITS))
    return _NUMBER.search(digits) is not None


def _plain(text: str) -> str:
    text = text[:MAX_READ]
    return text.casefold() if text.isascii() else unicodedata.normalize("NFKC", without_invisible(text)).casefold()
