"""Hours of the day in Shanghai when a partner is closed: `("23:30-06:00", …)`. Pure; times are epoch milliseconds."""

from collections.abc import Sequence
from typing import Final

from config.times.formats import SHANGHAI_OFFSET_MS

MINUTE: Final = 60_000
DAY: Final = 1_440 * MINUTE


def opens_at(closed: Sequence[str], now: int) -> int | None:
    """When a partner that is closed at `now` opens again; None: it is open. One that never opens: tomorrow."""
    moment = now
    for _ in range(len(closed) + 1):
        ends = [end for window in closed if (end := _end(window, moment)) is not None]
        if not ends:
            return moment if moment > now else None
        moment = max(ends)
    return min(moment, now + DAY)


def after_open_time(closed: Sequence[str], start: int, length: int, latest: int) -> int:
    """The moment by which a partner was open for `length` since `start`, or `latest` if that comes first."""
    if not closed:
        return min(start + length, latest)
    moment, left = start, length
    while moment < latest:
        opens = opens_at(closed, moment)
        if opens is not None:
            moment = opens
            continue
        shuts = min((_begin(window, moment) for window in closed), default=latest)
        if shuts - moment >= left:
            return min(moment + left, latest)
        left -= shuts - moment
        moment = shuts
    return latest


def _end(window: str, now: int) -> int | None:
    """When this window ends, if `now` is within it."""
    begin, end = _minutes(window)
    since, length = (_of_day(now) - begin) % DAY, (end - begin) % DAY
    return now - since + length if since < length else None


def _begin(window: str, now: int) -> int:
    """When this window begins next, after `now`."""
    begin, _ = _minutes(window)
    return now + ((begin - _of_day(now) - 1) % DAY) + 1


def _of_day(now: int) -> int:
    return (now + SHANGHAI_OFFSET_MS) % DAY


def _minutes(window: str) -> tuple[int, int]:
    begin, end = ((int(time[:2]) * 60 + int(time[3:])) * MINUTE for time in window.split("-"))
    return begin, end
