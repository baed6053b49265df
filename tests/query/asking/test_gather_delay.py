"""Waiting for company: only where it comes, and never in an idle system."""

from __future__ import annotations

import pytest

from query.asking.gather_delay import BUSY_PER_S, ENOUGH, LONGEST_S, LOOK_BACK, Gathering, Linger, linger_s


def times(every_s: float, inquiries: int = 1, count: int = LOOK_BACK) -> list[Gathering]:
    """Gathered so many times, so many inquiries each."""
    return [Gathering(100 + place * every_s, inquiries) for place in range(count)]


def waits(past: list[Gathering], after_s: float) -> float:
    """The wait so long after the last time."""
    return linger_s(past, past[-1].at + after_s)


def test_whoever_gathers_for_the_first_time_waits_for_nobody() -> None:
    assert linger_s([], 100) == 0
    assert waits(times(1, count=1), 0.001) == 0
    assert Linger().seconds(100) == 0


@pytest.mark.parametrize("every_s", [0.1, 1, 60])
def test_inquiries_one_after_another_wait_for_nobody(every_s: float) -> None:
    assert waits(times(every_s), every_s) == 0


@pytest.mark.parametrize(("every_s", "inquiries"), [(0.04, 1), (0.1, 3), (0.2, 10)])
def test_where_many_come_and_few_at_a_time_company_is_waited_for(every_s: float, inquiries: int) -> None:
    assert 0 < waits(times(every_s, inquiries), every_s) <= LONGEST_S


def test_the_smaller_the_rounds_the_longer_is_the_wait() -> None:
    by_size = [waits(times(0.1, inquiries), 0.1) for inquiries in (3, 10, 30, ENOUGH, 500)]
    assert by_size[:3] == sorted(by_size[:3], reverse=True)
    assert by_size[3:] == [0, 0]


def test_after_a_pause_nobody_is_waited_for() -> None:
    assert waits(times(0.02), LOOK_BACK / BUSY_PER_S) == 0


def test_a_time_at_which_nobody_was_there_is_not_remembered() -> None:
    linger = Linger()
    for one in times(0.1, inquiries=5):
        linger.note(one.inquiries, one.at)
    waited = linger.seconds(101)
    for _ in range(LOOK_BACK):
        linger.note(0, 101)
    assert linger.seconds(101) == waited > 0
