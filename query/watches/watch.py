"""The rules of a watch: its end, its renewal, and the words of an alert. Pure; times are epoch milliseconds."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from enum import IntEnum
from typing import Final

from config.times.formats import SHANGHAI, shanghai
from query.inquiry import DAY, HOUR

REMIND_BEFORE: Final = 14 * DAY
HOLDER_EVERY: Final = 30 * DAY
COUNT_EVERY: Final = 30 * DAY
QUIET_HOURS: Final = (1, 5)
"""Hours of the day in which companies without events are asked again."""
ALERT_HOURS: Final = (9, 20)
"""Hours in which what was gathered since the last alert is told; the first alert of a day goes out at any hour."""
EVENTS_KEPT: Final = 30 * DAY
"""How long an event's UUID is kept, so that it counts once."""
UNWATCH_WITHIN: Final = 7 * DAY
"""How long a number is kept after its watch is over, so that companies can be told to stop."""
FLOOD_FLOOR: Final = 200
FLOOD_FACTOR: Final = 10
"""A company that sends more events an hour than its usual ones times this has an error: they wait for the next day."""
MOST_NAMED: Final = 2
LISTING: Final = "、"

Texts = Mapping[str, str]


class State(IntEnum):
    """The states of a watch; the numbers are stored."""

    ON = 0
    OVER = 1


def last_day(moment: int) -> date:
    """The last day of a watch that is turned on now: 12 months later."""
    today = shanghai(moment).date()
    try:
        return today.replace(year=today.year + 1)
    except ValueError:  # 29 February
        return today.replace(year=today.year + 1, day=28)


def end_of(day: date) -> int:
    """The moment at which a last day is over."""
    return int(datetime.combine(day + timedelta(days=1), time.min, tzinfo=SHANGHAI).timestamp() * 1000)


def day_that_ends(until: int) -> date:
    """The last day of a watch that is over at `until`."""
    return shanghai(until - 1).date()


def month_of(moment: int) -> str:
    """YYYY-MM in Shanghai."""
    return f"{shanghai(moment):%Y-%m}"


def is_same_day(one: int | None, other: int) -> bool:
    """Return whether both moments are on one day in Shanghai."""
    return one is not None and shanghai(one).date() == shanghai(other).date()


def is_within(hours: tuple[int, int], moment: int) -> bool:
    """Return whether the hour of `moment` is from the first up to before the last."""
    return hours[0] <= shanghai(moment).hour < hours[1]


def next_quiet_hour(moment: int, spread: float) -> int:
    """A moment within the quiet hours of a later night; `spread` in 0..1 places it in them."""
    midnight = end_of(shanghai(moment).date())
    return midnight + int((QUIET_HOURS[0] + spread * (QUIET_HOURS[1] - QUIET_HOURS[0])) * HOUR)


def is_flood(last_hour: int, last_week: int) -> bool:
    """Return whether this many events in an hour are an error, by those of the 7 days before."""
    return last_hour > max(FLOOD_FLOOR, FLOOD_FACTOR * last_week // (7 * 24))


def write_day(day: date) -> str:
    """2027年11月30日."""
    return f"{day.year}年{day.month}月{day.day}日"


def compose_on(texts: Texts, until: date) -> str:
    """The SMS that confirms a watch."""
    return texts["watch-on"].format(until=write_day(until))


def compose_ends_soon(texts: Texts, until: date) -> str:
    """The SMS that offers to renew it."""
    return texts["watch-yearly"].format(until=f"{until.month}月{until.day}日")


def compose_alert(texts: Texts, news: Sequence[tuple[str, int]]) -> str:
    """The alert about (application's name, new accounts): one application with its number, or several together."""
    counts: dict[str, int] = {}
    for name, change in news:
        counts[name] = counts.get(name, 0) + change
    if len(counts) == 1:
        ((name, count),) = counts.items()
        return texts["watch-alert"].format(name=name, count=count)
    return texts["watch-alert-several"].format(names=LISTING.join(list(counts)[:MOST_NAMED]), count=len(counts))
