"""Texts that ask for an inquiry, in any spelling, and the characters of an ID in them. Pure.

Width, case, blanks, marks, traditional characters and the usual phrases make no difference: 查账号, 查 帳號 01234x,
我要查账号：01234X谢谢. A text that says anything else, such as a negation or a question, is None.
"""

import re
import unicodedata
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

LONGEST: Final = 80
"""Characters after which a text is more than a request in a usual phrase."""
TAIL: Final = 6
ECHO: Final = 4
FULL: Final = (15, 18)
"""Characters of an ID number, as issued before 2000 and since."""


class Subject(Enum):
    """The subject of a text; DIGITS: it names none and holds characters only."""

    ACCOUNTS = "accounts"
    CARDS = "cards"
    DIGITS = "digits"


@dataclass(frozen=True, slots=True)
class ParsedText:
    """A text that was understood. `tail` and `echo` are well formed or empty; `given`: how many characters came."""

    subject: Subject
    tail: str = field(default="", repr=False)
    echo: str = field(default="", repr=False)
    given: int = 0

    @property
    def is_full(self) -> bool:
        """Return whether a whole ID number was given."""
        return self.given in FULL

    @property
    def missing(self) -> int:
        """Return how many of the six characters are missing; 0: none were given, or too many."""
        return TAIL - self.given if 0 < self.given < TAIL else 0


_SIMPLIFIED: Final = str.maketrans(
    "賬帳帐號詢網聯關電話機數證碼請們幫謝發簡訊業務還來對",
    "账账账号询网联关电话机数证码请们帮谢发简讯业务还来对",
)
_LOOKALIKES: Final = str.maketrans("×✕✖╳⨯ХхΧχ", "XXXXXXXXX")
_FILLER: Final = (
    "(?:到|给|向)10699000[0-9]{0,12}|我想要|我要|我想|想要|请帮我|帮我|帮忙|麻烦您?|请问?|你好|您好|谢谢|多谢|申请|办理|一下|回复|编辑短信|发送|发短信|发|到|"
    "一证通查|中国公民|居民|身份证号码|身份证号|身份证|最后六位|最后6位|后六位|后6位|末六位|末6位|尾号|号码|"
    "有几个|有多少|多少|几个|数量|本机|本人|我的|的|我|是|为|吧|呢|了|啊"
)
_ACCOUNTS: Final = (
    "(?:查询|查看|查一查|查一下|查查|查)(?:我的|我|本机号码|本机|手机号|手机)?(?:关联的?|绑定的?|注册的?|名下的?)?(?:互联网|网络|APP)?"
    "账[号户](?:数量|数)?|(?:互联网|网络)?账[号户](?:数量)?查询|互联网账号|CZH|CHAZHANGHAO"
)
_CARDS: Final = (
    "(?:查询|查看|查一查|查一下|查查|查)(?:我的|我|本人)?(?:名下的?)?(?:移动|手机|电话|流量)?(?:号)?卡(?:数量|数)?|"
    "(?:移动|手机|电话)+卡(?:数量)?查询|移动电话卡|CHAKA|CK"
)
_WORD: Final = re.compile(f"(?P<cards>{_CARDS})|(?P<accounts>{_ACCOUNTS})|(?P<filler>{_FILLER})")
_CHARACTERS: Final = re.compile("[0-9A-Z]+", re.ASCII)
_TAIL: Final = re.compile("[0-9]{5}[0-9X]", re.ASCII)
_ECHO: Final = re.compile("[0-9]{4}", re.ASCII)


def parse_text(text: str) -> ParsedText | None:
    """Return what a text asks for; None: it is about something else."""
    if len(text) > LONGEST:
        return None
    plain = _plain(text)
    subjects = {Subject(kind) for found in _WORD.finditer(plain) if (kind := found.lastgroup or "") != "filler"}
    rest = _WORD.sub(" ", plain).split()
    if len(subjects) > 1 or not all(_CHARACTERS.fullmatch(group) for group in rest):
        return None
    if not subjects:
        # Characters alone are an ID's, or meant to be: a word in Latin letters is not.
        if not any(character.isdigit() for group in rest for character in group):
            return None
        return _with_characters(Subject.DIGITS, rest)
    return _with_characters(subjects.pop(), rest)


def _plain(text: str) -> str:
    """Half width, upper case, simplified; marks and everything invisible are blanks."""
    wide = unicodedata.normalize("NFKC", text.translate(_LOOKALIKES)).translate(_SIMPLIFIED).upper()
    characters = "".join(character if unicodedata.category(character)[0] in "LN" else " " for character in wide)
    return re.sub(r"(?<=[^\x00-\x7f])\s+(?=[^\x00-\x7f])", "", characters)


def _with_characters(subject: Subject, groups: list[str]) -> ParsedText:
    """The six characters and the four digits: in two groups in either order, or as ten characters in one row."""
    characters = "".join(groups)
    tail, echo = characters, ""
    if len(characters) == TAIL + ECHO:
        echo_first = len(groups[0]) == ECHO
        tail = characters[ECHO:] if echo_first else characters[:TAIL]
        echo = characters[:ECHO] if echo_first else characters[TAIL:]
    well_formed = _TAIL.fullmatch(tail) and (not echo or _ECHO.fullmatch(echo))
    if not well_formed:
        tail = echo = ""
    return ParsedText(subject, tail, echo, len(characters))
