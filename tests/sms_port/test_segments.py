"""Cutting texts: the numbers of the specification, and what may never happen to a character."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms_port.errors import MessageTooLong
from sms_port.segments import PART_UNITS, WHOLE_UNITS, compose_parts, split, units

SIGNATURE = "【一证通查】"
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=700)


@pytest.mark.parametrize(
    ("length", "parts"), [(0, 1), (1, 1), (70, 1), (71, 2), (134, 2), (135, 3), (201, 3), (202, 4), (17_085, 255)]
)
def test_a_text_needs_as_many_parts_as_the_specification_says(length: int, parts: int) -> None:
    assert len(split("字" * length)) == parts


def test_more_parts_than_the_wire_can_number_are_refused() -> None:
    with pytest.raises(MessageTooLong):
        split("字" * 17_086)


def test_an_emoji_at_the_cut_goes_whole_into_the_next_part() -> None:
    parts = split("字" * 66 + "😀" + "字" * 10)
    with_header = [6 + len(part.encode("utf-16-be")) for part in parts]
    assert with_header == [138, 30]


@given(TEXTS)
def test_the_parts_join_to_the_text_and_each_fits(text: str) -> None:
    parts = split(text)
    assert "".join(parts) == text
    assert all(units(part) <= (WHOLE_UNITS if len(parts) == 1 else PART_UNITS) for part in parts)
    assert all(part.encode("utf-16-be").decode("utf-16-be") == part for part in parts)


def test_our_signature_is_put_in_front_once() -> None:
    assert compose_parts("您好", SIGNATURE, "ours") == ("【一证通查】您好",)
    assert compose_parts("【一证通查】您好", SIGNATURE, "ours") == ("【一证通查】您好",)


def test_a_gateway_that_signs_gets_the_text_without_but_cut_as_if_with() -> None:
    text = SIGNATURE + "字" * 65
    ours, theirs = compose_parts(text, SIGNATURE, "ours"), compose_parts(text, SIGNATURE, "gateway")
    assert [units(part) for part in ours] == [67, 4]
    assert (SIGNATURE + theirs[0], *theirs[1:]) == ours
