"""The gather delay: only a worker that is busy with small rounds waits."""

from __future__ import annotations

import pytest

from query.asking.gather_delay import BUSY_PER_S, DELAY_S, LARGE, REMEMBERED, GatherDelay


def after(gatherings: int, inquiries: int, every_s: float) -> float:
    """The delay after so many gatherings, one every so many seconds."""
    delay = GatherDelay()
    for place in range(gatherings):
        delay.note(inquiries, 100 + place * every_s)
    return delay.seconds(100 + (gatherings - 1) * every_s)


@pytest.mark.parametrize(
    ("gatherings", "inquiries", "every_s", "expected"),
    [
        (0, 1, 0.1, 0.0),
        (1, 40, 0.1, 0.0),
        (2, 2, 0.1, DELAY_S),
        (REMEMBERED, 1, 0.9 / BUSY_PER_S, DELAY_S),
        (REMEMBERED, 1, 1.1 / BUSY_PER_S, 0.0),
        (REMEMBERED, LARGE - 1, 0.1, DELAY_S),
        (REMEMBERED, LARGE, 0.1, 0.0),
    ],
)
def test_only_a_worker_that_is_busy_with_small_rounds_waits(
    gatherings: int, inquiries: int, every_s: float, expected: float
) -> None:
    assert after(gatherings, inquiries, every_s) == expected


def test_a_quiet_time_ends_the_delay() -> None:
    delay = GatherDelay()
    for place in range(REMEMBERED):
        delay.note(3, 100 + place * 0.1)
    assert delay.seconds(101) == DELAY_S
    assert delay.seconds(110) == 0


def test_a_gathering_of_nothing_is_not_remembered() -> None:
    delay = GatherDelay()
    delay.note(0, 100)
    delay.note(40, 100.1)
    assert delay.seconds(100.2) == 0
