"""Times as others read them: RFC 3339 for programs, Shanghai's clock for people. Pure; times are epoch milliseconds."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Final

SHANGHAI_OFFSET_MS: Final = 480 * 60_000
"""Offset of Shanghai from UTC in ms; constant, without daylight saving since 1991."""

SHANGHAI: Final = timezone(timedelta(milliseconds=SHANGHAI_OFFSET_MS), "Asia/Shanghai")


def rfc3339(ms: int, *, milliseconds: bool = False) -> str:
    """`2026-11-22T15:00:00Z`: the time in UTC, in whole seconds, or `2026-11-22T15:00:00.000Z`."""
    moment = datetime.fromtimestamp(ms // 1000, tz=UTC).isoformat()[:19]
    return f"{moment}.{ms % 1000:03}Z" if milliseconds else f"{moment}Z"


def shanghai(ms: int) -> datetime:
    """The time as a citizen reads it, with its zone."""
    return datetime.fromtimestamp(ms / 1000, tz=SHANGHAI)
