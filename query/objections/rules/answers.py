"""Texts that citizens send to the port number about objections and alerts, in any spelling. Pure.

Full width, case, blanks and marks do not matter; a text that fits nothing is None and gets the help text.
"""

import re
import unicodedata
from dataclasses import dataclass
from enum import Enum
from typing import Final

LONGEST: Final = 40
LETTERS: Final = "ABCDEFGHI"
"""With one that has none, enough for the ten objections of a year."""


class Keyword(Enum):
    """The subject of a text."""

    UNBIND = "unbind"
    NOT_MINE = "not_mine"
    WATCH = "watch"
    UNWATCH = "unwatch"
    SOLVED = "solved"
    UNSOLVED = "unsolved"


@dataclass(frozen=True, slots=True)
class CitizenAnswer:
    """A text that was understood. `label`: an objection's letter, or empty. `number`: an alert's, or 0."""

    keyword: Keyword
    label: str = ""
    number: int = 0


_NOISE: Final = re.compile(r"[\s\W_]+")
_DIGITS: Final = {"一": "1", "壹": "1", "二": "2", "贰": "2", "两": "2"}
_NUMBERED: Final = re.compile(r"(?:回|回复|答|选|选择|按)?([12])(?:号)?([A-I]?)(?:号)?", re.ASCII)
_NOT_MINE: Final = re.compile(
    r"(?:这|这个|账号|微信)?(?:不是|非)(?:我|本人|我本人)(?:的|注册的|操作的|开的|本人)?([0-9]{0,2})"
)
_WORDS: Final = {
    "解绑": Keyword.UNBIND,
    "申请解绑": Keyword.UNBIND,
    "我要解绑": Keyword.UNBIND,
    "JB": Keyword.UNBIND,
    "提醒": Keyword.WATCH,
    "开启提醒": Keyword.WATCH,
    "TX": Keyword.UNWATCH,
    "停止提醒": Keyword.UNWATCH,
    "取消提醒": Keyword.UNWATCH,
    "关闭提醒": Keyword.UNWATCH,
    "已解决": Keyword.SOLVED,
    "解决了": Keyword.SOLVED,
    "解决": Keyword.SOLVED,
    "未解决": Keyword.UNSOLVED,
    "没解决": Keyword.UNSOLVED,
    "没有解决": Keyword.UNSOLVED,
    "还没解决": Keyword.UNSOLVED,
    "不解决": Keyword.UNSOLVED,
}


def parse_citizen_answer(text: str) -> CitizenAnswer | None:
    """The meaning of a text, or None when it is not about an objection or an alert."""
    if len(text) > LONGEST:
        return None
    plain = _NOISE.sub("", unicodedata.normalize("NFKC", text)).upper()
    label = ""
    if plain[-1:] in LETTERS and plain[:-1] in _WORDS:
        plain, label = plain[:-1], plain[-1]
    if (keyword := _WORDS.get(plain)) is not None:
        return CitizenAnswer(keyword, label)
    numbered = _NUMBERED.fullmatch("".join(_DIGITS.get(sign, sign) for sign in plain))
    if numbered:
        keyword = Keyword.SOLVED if numbered[1] == "1" else Keyword.UNSOLVED
        return CitizenAnswer(keyword, numbered[2])
    not_mine = _NOT_MINE.fullmatch("".join(_DIGITS.get(sign, sign) for sign in plain))
    return CitizenAnswer(Keyword.NOT_MINE, number=int(not_mine[1] or 0)) if not_mine else None
