"""The rules of an inquiry, without a database."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from query.inquiry import (
    HOUR,
    INTERNET_ACCOUNTS,
    MOVES,
    PHONE_CARDS,
    SECOND,
    NextStep,
    State,
    accepted_at,
    check_by,
    day_of,
    decide_by,
    new_inquiry_id,
    new_reference,
    next_carrier,
    next_step,
    reply_by,
    retry_delay,
)
from query.services import PromisedTimes

TIMES = PromisedTimes()
NOW = 1_795_327_500_000


def test_no_move_leaves_a_closed_inquiry_and_none_goes_back() -> None:
    assert all(old < new for old, new in MOVES)
    assert not any(old is State.CLOSED for old, _ in MOVES)


@pytest.mark.parametrize(
    ("verdict", "overdue", "step"),
    [
        ("match", False, NextStep.ASK),
        ("match", True, NextStep.ASK),
        ("mismatch", False, NextStep.END),
        ("inactive", False, NextStep.END),
        ("refused", False, NextStep.END),
        ("not_ours", False, NextStep.ELSEWHERE),
        ("not_ours", True, NextStep.END),
        (None, False, NextStep.WAIT),
        (None, True, NextStep.END),
    ],
)
def test_what_follows_a_verdict(verdict: str | None, overdue: bool, step: NextStep) -> None:
    assert next_step(verdict, overdue=overdue) is step


def test_a_silent_carrier_is_waited_for_six_hours() -> None:
    assert check_by(NOW, TIMES) == NOW + 6 * HOUR


def test_partners_are_waited_for_two_hours_but_never_past_the_decision_time() -> None:
    assert decide_by(INTERNET_ACCOUNTS, NOW, NOW + HOUR, TIMES) == NOW + 3 * HOUR
    assert decide_by(INTERNET_ACCOUNTS, NOW, NOW + 43 * HOUR, TIMES) == NOW + 44 * HOUR
    assert reply_by(NOW, TIMES) == NOW + 48 * HOUR


def test_id_digits_are_never_needed_longer_than_six_hours() -> None:
    assert decide_by(PHONE_CARDS, NOW, NOW + 5 * HOUR, TIMES) == NOW + 6 * HOUR


def test_retries_follow_the_schedule_and_its_last_entry_repeats() -> None:
    assert [retry_delay([2, 10, 30], tries, 0.0) // SECOND for tries in (0, 1, 2, 3, 4, 99)] == [2, 2, 10, 30, 30, 30]
    assert retry_delay([10], 1, -0.2) == 8 * SECOND
    assert retry_delay((), 1, 0.0) == 60 * SECOND


def test_the_next_carrier_is_the_first_untried() -> None:
    assert next_carrier(["a", "b", "c"], ["b", "a"]) == "c"
    assert next_carrier(["a"], ["a"]) is None


@given(st.integers(min_value=0, max_value=2**48 - 1))
def test_an_id_begins_with_its_time(now: int) -> None:
    number = new_inquiry_id(now)
    assert len(number) == 16
    assert accepted_at(number) == now


def test_ids_sort_by_time_and_references_have_twelve_digits() -> None:
    assert new_inquiry_id(NOW) < new_inquiry_id(NOW + 1)
    references = {new_reference() for _ in range(1000)}
    assert len(references) == 1000
    assert all(len(str(reference)) == 12 for reference in references)


def test_the_day_is_shanghais() -> None:
    assert day_of(NOW) == "11月22日"
    assert day_of(NOW - 14 * HOUR) == "11月22日"
    assert day_of(NOW - 15 * HOUR) == "11月21日"
