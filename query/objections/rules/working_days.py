"""Working days in mainland China: the week, corrected by the catalogue's holidays and swapped days (调休). Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Final, Protocol

SATURDAY: Final = 5
ONE_DAY: Final = timedelta(days=1)


class Year(Protocol):
    """One year of the catalogue's calendar."""

    @property
    def rest(self) -> Iterable[date]:
        """Days off, whatever day of the week."""
        ...

    @property
    def work(self) -> Iterable[date]:
        """Saturdays and Sundays that are worked."""
        ...


@dataclass(frozen=True, slots=True)
class Calendar:
    """The days that differ from the plain week. A year that is not in it goes by the week alone."""

    rest: frozenset[date]
    work: frozenset[date]

    def is_working_day(self, day: date) -> bool:
        """Return whether companies work on `day`."""
        return day in self.work or (day.weekday() < SATURDAY and day not in self.rest)

    def working_days_after(self, day: date, count: int) -> date:
        """The `count`-th working day after `day`, which itself does not count. `count` is at least 1."""
        left, found = count, day
        while left > 0:
            found += ONE_DAY
            left -= self.is_working_day(found)
        return found

    def working_days_between(self, first: date, last: date) -> int:
        """Working days after `first`, up to and including `last`; 0 when `last` is not later."""
        days = range(1, (last - first).days + 1)
        return sum(self.is_working_day(first + number * ONE_DAY) for number in days)


def make_calendar(years: Iterable[Year]) -> Calendar:
    """Join the years of a catalogue."""
    listed = list(years)
    rest = frozenset(day for year in listed for day in year.rest)
    return Calendar(rest, frozenset(day for year in listed for day in year.work))


def end_of_day(day: date, zone: tzinfo) -> int:
    """The first millisecond (epoch) after `day` in `zone`."""
    return int(datetime.combine(day + ONE_DAY, time.min, tzinfo=zone).timestamp() * 1000)
