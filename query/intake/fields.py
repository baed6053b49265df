"""Parse the fields of the form: a citizen's spelling in, one canonical form or an error out. Pure.

Full-width digits, spaces, dashes and +86 are normalised (NFKC). Digits of other scripts are refused, because no
carrier's system knows them. Errors never repeat the input.
"""

import re
import unicodedata
from datetime import date
from typing import Final

from config.phone_numbers import find_phone, normalise_width, strip_separators
from query.errors import CodeInvalid, IdNumberInvalid, IdTailInvalid, NameInvalid, PhoneInvalid

ID_TAIL: Final = re.compile(r"[0-9]{5}[0-9X]")
CODE: Final = re.compile(r"[0-9]{6}")
ID_NUMBER: Final = re.compile(r"[1-9][0-9]{16}[0-9X]")
MIDDLE_DOTS: Final = re.compile("[\u2022\u2027\u30fb\u22c5\u0387.]")
NAME_MARKS: Final = frozenset("·-' ")

# GB 11643-1999: weights of the first 17 digits, and the check character by the weighted sum modulo 11.
WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECK_CHARACTERS: Final = "10X98765432"


def parse_phone(text: str) -> str:
    """Return the eleven digits of a mainland mobile number in `text`; raises PhoneInvalid."""
    phone = find_phone(text)
    if phone is None:
        raise PhoneInvalid("a mobile number has 11 digits and begins with 13 to 19")
    return phone


def parse_id_tail(text: str) -> str:
    """Return the last six characters of an ID number, a last x written X; raises IdTailInvalid."""
    tail = strip_separators(text).upper()
    if ID_TAIL.fullmatch(tail) is None:
        raise IdTailInvalid("five digits and a digit or X")
    return tail


def parse_id_number(text: str) -> str:
    """Return an ID number of GB 11643: 18 characters, real date of birth, right check character.

    Raises IdNumberInvalid.
    """
    number = strip_separators(text).upper()
    if ID_NUMBER.fullmatch(number) is None or not _is_date(number[6:14]) or _check(number) != number[17]:
        raise IdNumberInvalid("not an ID number of 18 characters, or its check character is wrong")
    return number


def parse_name(text: str) -> str:
    """Return a name as on an ID card: 2 to 50 letters, with one kind of middle dot; raises NameInvalid."""
    name = " ".join(MIDDLE_DOTS.sub("·", normalise_width(text)).split())
    name = re.sub(r" ?· ?", "·", name)
    letters = [sign for sign in name if sign not in NAME_MARKS]
    if not 2 <= len(name) <= 50 or len(letters) < 2 or not all(_is_letter(sign) for sign in letters):
        raise NameInvalid("the name as the ID card shows it")
    return name


def parse_code(text: str) -> str:
    """Return a verification code as six half-width digits, right or wrong; raises CodeInvalid."""
    code = strip_separators(text)
    if CODE.fullmatch(code) is None:
        raise CodeInvalid("a verification code has six digits")
    return code


def _is_letter(sign: str) -> bool:
    # U+3007 occurs in names; Unicode classes it as a number.
    return sign == "〇" or unicodedata.category(sign) in {"Lo", "Lu", "Ll", "Lm", "Mn"}


def _is_date(digits: str) -> bool:
    try:
        born = date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return False
    return born.year >= 1900


def _check(number: str) -> str:
    return CHECK_CHARACTERS[sum(weight * int(digit) for weight, digit in zip(WEIGHTS, number, strict=False)) % 11]
