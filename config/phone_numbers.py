"""Normalises typed text and phone numbers, and masks numbers for display. Pure.

Full-width signs, separators and country codes are mended. Digits of other scripts are not: no carrier's system knows
them.
"""

import re
import unicodedata
from typing import Final

MAX_TYPED: Final = 64
FULL_WIDTH: Final = "０１２３４５６７８９"
SEPARATORS: Final = re.compile(r"[\s\-\u2010-\u2015\u2212().]+")
INVISIBLE: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\ufffc\U000e0000-\U000e0fff]"
)
"""Variation selectors, fillers, a picture's place: signs without a shape that are not of Unicode's category Cf."""
PHONE: Final = re.compile(r"(?:\+86|0086|86)?(1[3-9][0-9]{9})")


def normalise_width(text: str) -> str:
    """`text` in half width (NFKC) without invisible characters, cut a little beyond what a field may hold."""
    # The cap comes first: one character can become eighteen under NFKC.
    return unicodedata.normalize("NFKC", without_invisible(text[: MAX_TYPED + 1]))


def without_invisible(text: str) -> str:
    """`text` without format characters (category Cf), variation selectors and fillers, which come along in a paste."""
    if text.isascii():
        return text
    return INVISIBLE.sub("", "".join(sign for sign in text if unicodedata.category(sign) != "Cf"))


def strip_separators(text: str) -> str:
    """`text` without separators and invisible characters.

    Empty when it is too long, or has a digit of another script such as ² or ①.
    """
    if len(text) > MAX_TYPED:
        return ""
    if text.isascii():  # what nearly all phones send: nothing is foreign, and NFKC changes nothing
        return SEPARATORS.sub("", text)
    return "" if any(_is_foreign_digit(sign) for sign in text) else SEPARATORS.sub("", normalise_width(text))


def find_phone(text: str) -> str | None:
    """The eleven digits of the mainland mobile number that `text` is; None when it is none."""
    found = PHONE.fullmatch(strip_separators(text))
    return found.group(1) if found else None


def mask_phone(phone: str) -> str:
    """The only form in which a number may be shown: 138****8000."""
    return f"{phone[:3]}****{phone[-4:]}"


def _is_foreign_digit(sign: str) -> bool:
    return unicodedata.numeric(sign, None) is not None and not sign.isascii() and sign not in FULL_WIDTH
