"""The text of a verifiable reply, taken apart in any spelling; its code."""

from __future__ import annotations

from datetime import date
from secrets import token_bytes

import pytest

from query.proofs.code import LETTERS, SIGNS, code_of, day_of_words, is_expired, mend, normalise, take_apart, written

TEXT = (
    "【一证通查】您11月22日查询的手机号138****8000共关联3个账号：微信2个，QQ1个。"
    "仅供腾讯客服核实，核验码7KQ2-M9XD。本短信不含链接。"
)


def test_a_code_is_eight_signs_without_those_that_are_mistaken() -> None:
    assert not set("ILOU") & set(LETTERS)
    assert len(set(LETTERS)) == 32
    assert code_of(bytes(32)) == "0" * SIGNS
    assert code_of(b"\xff" * 32) == "Z" * SIGNS
    assert written(code_of(b"\x00\x01\x02\x03\x04" + bytes(27))) == "000G-40R4"


@pytest.mark.parametrize("typed", ["7KQ2-M9XD", "7kq2m9xd", " ７ＫＱ２ Ｍ９ＸＤ ", "7KQ2—M9XD"])
def test_a_code_is_mended(typed: str) -> None:
    assert mend(typed) == "7KQ2M9XD"


def test_letters_that_look_like_digits_are_those_digits() -> None:
    assert mend("OIL0-1U22") == "01101V22"
    assert mend("7KQ2-M9X") == mend("7KQ2-M9XDD") == ""


@pytest.mark.parametrize(
    "shown",
    [
        TEXT,
        TEXT.replace("【一证通查】", "【一证通查】（补发）"),
        TEXT.replace("【一证通查】", ""),
        "10699000\n" + TEXT,
        TEXT.replace("，", ",").replace("。", ". ").replace("：", ":"),
        TEXT.replace("7KQ2-M9XD", "7kq2 m9xd"),
        TEXT.replace("138****8000", "138 * * * * 8000").replace("QQ", "ｑｑ"),
    ],
)
def test_marks_width_case_and_a_resend_make_no_difference(shown: str) -> None:
    told, plain = take_apart(shown), take_apart(TEXT)
    assert told is not None
    assert told == plain
    assert (told.audience, told.code) == ("腾讯客服", "7KQ2M9XD")


CUT = TEXT.replace("7KQ2-M9XD", "7KQ2")


@pytest.mark.parametrize("shown", ["", "你好", TEXT.replace("核验码", ""), CUT, "仅供" * 400])
def test_a_text_without_a_code_is_none(shown: str) -> None:
    assert take_apart(shown) is None


def test_a_count_or_a_number_that_was_altered_is_another_text() -> None:
    for altered in (TEXT.replace("微信2", "微信3"), TEXT.replace("8000", "8001"), TEXT.replace("22日", "21日")):
        told, plain = take_apart(altered), take_apart(TEXT)
        assert told is not None
        assert plain is not None
        assert told.words != plain.words


def test_the_day_is_the_latest_it_can_be() -> None:
    words = normalise(TEXT)
    assert day_of_words(words, date(2026, 11, 30)) == date(2026, 11, 22)
    assert day_of_words(words, date(2027, 1, 2)) == date(2026, 11, 22)
    assert day_of_words(words, date(2026, 11, 21)) == date(2025, 11, 22)
    assert day_of_words("您2月29日查询", date(2027, 3, 1)) is None
    assert day_of_words("您13月40日查询", date(2027, 3, 1)) is None
    assert not is_expired(date(2026, 11, 22), date(2026, 12, 22))
    assert is_expired(date(2026, 11, 22), date(2026, 12, 23))


def test_of_a_million_random_codes_none_is_right() -> None:
    right = {code_of(bytes(range(start, start + 32))) for start in range(3)}
    drawn = token_bytes(5_000_000)
    assert not any(code_of(drawn[at : at + 5]) in right for at in range(0, len(drawn), 5))
