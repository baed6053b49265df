"""The text of a verifiable reply: its words without marks, its day, its audience and its code. Pure.

The code is 40 bits of a MAC over the day, the audience and the words; whoever shows the SMS types all of them. Marks,
blanks, width and case make no difference, nor does 补发, nor the letters that are mistaken for digits.
"""

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

LETTERS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Base32 after Crockford: without I, L, O and U."""
SIGNS: Final = 8
BITS: Final = 5
VALID_DAYS: Final = 30
POLICE: Final = "police"
LONGEST: Final = 1_000

_MISTAKEN: Final = str.maketrans({"O": "0", "I": "1", "L": "1", "U": "V"})
_PROOF: Final = re.compile("仅供(?P<audience>[^0-9*]{2,40}?)核实核验码(?P<code>[0-9A-Z]{8})(?![0-9A-Z])")
_DAY: Final = re.compile("([0-9]{1,2})月([0-9]{1,2})日")
_RESENT: Final = "补发"


@dataclass(frozen=True, slots=True)
class Shown:
    """A reply as somebody shows it, taken apart: its words without signature and code, whom it is for, its code."""

    words: str = field(repr=False)
    audience: str
    code: str = field(repr=False)


def take_apart(text: str) -> Shown | None:
    """Take a shown SMS apart; None: there is no code in it."""
    plain = normalise(text[:LONGEST])
    found = _PROOF.search(plain)
    if found is None:
        return None
    return Shown(plain[: found.start()] + plain[found.end() :], found["audience"], mend(found["code"]))


def normalise(text: str) -> str:
    """Return the letters, digits, ideographs and stars of a text, in upper case, without signature and 补发."""
    wide = unicodedata.normalize("NFKC", re.sub("^[^【]{0,40}【[^】]{1,20}】", "", text)).upper()
    plain = "".join(sign for sign in wide if sign == "*" or unicodedata.category(sign)[0] in "LN")
    return plain.removeprefix(_RESENT)


def mend(typed: str) -> str:
    """Return a code as typed in its own letters, or empty when it has not eight of them."""
    plain = re.sub("[^0-9A-Z]", "", unicodedata.normalize("NFKC", typed).upper()).translate(_MISTAKEN)
    return plain if len(plain) == SIGNS else ""


def code_of(mac: bytes) -> str:
    """Return the eight signs of a MAC."""
    number = int.from_bytes(mac[: SIGNS * BITS // 8], "big")
    return "".join(LETTERS[number >> shift & (1 << BITS) - 1] for shift in range(BITS * (SIGNS - 1), -1, -BITS))


def written(code: str) -> str:
    """Return a code as the SMS shows it: 7KQ2-M9XD."""
    return f"{code[:4]}-{code[4:]}"


def day_of_words(words: str, today: date) -> date | None:
    """Return the latest day up to today that a reply's words can mean; None: they name none."""
    found = _DAY.search(words)
    for year in (today.year, today.year - 1):
        try:
            day = date(year, int(found[1]), int(found[2])) if found else None
        except ValueError:
            continue
        if day is not None and day <= today:
            return day
    return None


def is_expired(day: date, today: date) -> bool:
    """Return whether a reply of that day is verified no more."""
    return day < today - timedelta(days=VALID_DAYS)
