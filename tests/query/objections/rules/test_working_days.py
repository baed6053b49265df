"""Due days over the holidays of 2026 and 2027, day by day (issue 15; the sketch of what follows a count, 1: 调休)."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.catalogue.document import default_document, load_catalogue
from config.times.formats import SHANGHAI
from query.objections.rules.working_days import Calendar, end_of_day, make_calendar

CALENDAR = make_calendar(load_catalogue(default_document()).calendar)

# The State Council's notice for 2026, as a person reads it: (first, last) of each holiday, and the days worked.
HOLIDAYS_2026 = [
    ("01-01", "01-03"),
    ("02-15", "02-23"),
    ("04-04", "04-06"),
    ("05-01", "05-05"),
    ("06-19", "06-21"),
    ("09-25", "09-27"),
    ("10-01", "10-07"),
]
WORKED_2026 = {"01-04", "02-14", "02-28", "05-09", "09-20", "10-10"}


def days_of(year: int) -> list[date]:
    return [date(year, 1, 1) + timedelta(days=number) for number in range(365)]


def test_every_day_of_2026() -> None:
    for day in days_of(2026):
        name = f"{day:%m-%d}"
        holiday = any(first <= name <= last for first, last in HOLIDAYS_2026)
        assert CALENDAR.is_working_day(day) == (name in WORKED_2026 or (day.weekday() < 5 and not holiday)), day


def test_2026_has_the_working_days_of_the_notice() -> None:
    # 365 days, 104 Saturdays and Sundays, 33 days off of which 14 fall on them, 6 of them worked.
    weekend = sum(day.weekday() >= 5 for day in days_of(2026))
    off = sum(not CALENDAR.is_working_day(day) for day in days_of(2026))
    assert (weekend, off) == (104, 117)


def test_the_statutory_days_of_2027_are_off_and_no_unknown_weekend_is_worked() -> None:
    statutory = ["01-01", "02-05", "02-06", "02-07", "02-08", "04-05", "05-01", "05-02", "06-09", "09-15"]
    statutory += ["10-01", "10-02", "10-03"]
    assert not any(CALENDAR.is_working_day(date.fromisoformat(f"2027-{day}")) for day in statutory)
    assert not any(CALENDAR.is_working_day(day) for day in days_of(2027) if day.weekday() >= 5)


@pytest.mark.parametrize(
    ("accepted", "days", "due"),
    [
        ("2026-11-23", 10, "2026-12-07"),  # the example of the pictures
        ("2026-11-23", 5, "2026-11-30"),
        ("2026-12-07", 10, "2026-12-21"),  # the example of the reopening
        ("2026-09-19", 1, "2026-09-20"),  # a Sunday that is worked before the National Day
        ("2026-09-30", 1, "2026-10-08"),
        ("2026-09-30", 5, "2026-10-13"),  # 8, 9, Saturday 10 (worked), 12, 13
        ("2026-10-03", 5, "2026-10-13"),  # accepted in the middle of the holidays
        ("2026-09-24", 10, "2026-10-15"),  # over both the Mid-Autumn and the National Day
        ("2026-02-13", 5, "2026-02-27"),  # Saturday 14 is worked, 15 to 23 are off
        ("2026-02-13", 6, "2026-02-28"),  # and Saturday 28 is worked
        ("2026-04-30", 5, "2026-05-11"),  # 6, 7, 8, Saturday 9 (worked), 11
        ("2026-12-31", 5, "2027-01-08"),
        ("2026-12-29", 10, "2027-01-13"),
        ("2027-02-04", 1, "2027-02-15"),
        ("2027-09-30", 5, "2027-10-14"),
    ],
)
def test_due_days(accepted: str, days: int, due: str) -> None:
    found = CALENDAR.working_days_after(date.fromisoformat(accepted), days)
    assert found.isoformat() == due
    assert CALENDAR.working_days_between(date.fromisoformat(accepted), found) == days


@given(st.dates(date(2026, 1, 1), date(2027, 12, 31)), st.integers(1, 30))
def test_a_due_day_is_a_working_day_with_so_many_behind_it(day: date, count: int) -> None:
    due = CALENDAR.working_days_after(day, count)
    assert CALENDAR.is_working_day(due)
    assert CALENDAR.working_days_between(day, due) == count


def test_a_year_without_an_entry_goes_by_the_week() -> None:
    assert Calendar(frozenset(), frozenset()).working_days_after(date(2031, 5, 2), 1) == date(2031, 5, 5)


def test_the_end_of_a_day_is_the_next_midnight_in_shanghai() -> None:
    # 2026-12-07T16:00:00Z is 2026-12-08T00:00 in Shanghai.
    assert end_of_day(date(2026, 12, 7), SHANGHAI) == 1_796_659_200_000
