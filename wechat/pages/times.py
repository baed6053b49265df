"""Times as the pages write them: Asia/Shanghai, in words. Pure; times are epoch milliseconds."""

from __future__ import annotations

from config.times.formats import shanghai
from wechat.pages.texts import Words

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
DAY_MS = 86_400_000


def hour_and_minute(at: int) -> str:
    """`14:05`."""
    return shanghai(at).strftime("%H:%M")


def day(at: int, words: Words) -> str:
    """`11 月 22 日`, `22 Nov`."""
    date = shanghai(at)
    return words("t.day", month=_month(date.month, words), day=date.day)


def stamp(at: int, words: Words) -> str:
    """`11 月 22 日 14:05`, `22 Nov, 14:05`."""
    return words("t.stamp", day=day(at, words), time=hour_and_minute(at))


def soon(at: int, now: int, words: Words) -> str:
    """`今天 14:05` or `明天 09:20` when true, else the stamp."""
    date = shanghai(at).date()
    if date == shanghai(now).date():
        return words("t.today", time=hour_and_minute(at))
    if date == shanghai(now + DAY_MS).date():
        return words("t.tomorrow", time=hour_and_minute(at))
    return stamp(at, words)


def remaining(seconds: int, words: Words) -> str:
    """`19 小时 15 分`; what is left, rounded up to a minute, at least one."""
    hours, minutes = divmod(max(1, -(-seconds // 60)), 60)
    parts = [words.counted("t.hours", hours)] if hours else []
    if minutes or not hours:
        parts.append(words.counted("t.minutes", minutes))
    return " ".join(parts)


def _month(month: int, words: Words) -> str:
    return MONTHS[month - 1] if words.language == "en" else str(month)
