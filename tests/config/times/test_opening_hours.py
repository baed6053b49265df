"""Hours of the day in which a partner is closed, and the patience that does not run in them."""

from __future__ import annotations

import pytest

from config.times.opening_hours import DAY, MINUTE, after_open_time, opens_at
from tests.support.factories import LAUNCH_DAY

HOUR = 60 * MINUTE
NIGHT = ("23:30-06:00",)
NOON = LAUNCH_DAY - LAUNCH_DAY % DAY + 4 * HOUR
"""12:00 in Shanghai."""


def at(hour: float) -> int:
    """That hour of the launch day, in Shanghai."""
    return NOON + int((hour - 12) * HOUR)


@pytest.mark.parametrize(
    ("closed", "now", "opens"),
    [
        ((), at(3), None),
        (NIGHT, at(12), None),
        (NIGHT, at(23.5), at(30)),
        (NIGHT, at(24), at(30)),
        (NIGHT, at(29.99), at(30)),
        (NIGHT, at(30), None),
        (("06:00-07:00", *NIGHT), at(25), at(31)),
        (("00:00-12:00", "12:00-24:00".replace("24:00", "00:00")), at(3), at(3) + DAY),
    ],
)
def test_a_partner_opens_at_the_end_of_its_window(closed: tuple[str, ...], now: int, opens: int | None) -> None:
    assert opens_at(closed, now) == opens


@pytest.mark.parametrize(
    ("closed", "start", "hours", "ends"),
    [
        ((), at(12), 2, at(14)),
        (NIGHT, at(12), 2, at(14)),
        (NIGHT, at(23), 2, at(31.5)),
        (NIGHT, at(25), 2, at(32)),
        (NIGHT, at(12), 100, at(56)),
        (("22:00-23:00", "23:30-06:00"), at(21.5), 2, at(31)),
    ],
)
def test_patience_does_not_run_while_closed(closed: tuple[str, ...], start: int, hours: int, ends: int) -> None:
    assert after_open_time(closed, start, hours * HOUR, at(56)) == ends


def test_one_who_never_opens_is_waited_for_until_the_latest() -> None:
    always = ("00:00-12:00", "12:00-00:00")
    assert after_open_time(always, at(12), HOUR, at(56)) == at(56)
