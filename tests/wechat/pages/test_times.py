"""Times in words, Asia/Shanghai."""

from __future__ import annotations

import pytest

from wechat.pages.texts import Words
from wechat.pages.times import hour_and_minute, remaining, soon, stamp

NOON = 1_795_327_500_000  # 2026-11-22 14:05 in Shanghai
HOUR = 3_600_000
zh, en = Words("zh-CN"), Words("en")


def test_a_stamp_is_day_and_time() -> None:
    assert stamp(NOON, zh) == "11 月 22 日 14:05"
    assert stamp(NOON, en) == "22 Nov, 14:05"
    assert hour_and_minute(NOON) == "14:05"


@pytest.mark.parametrize(
    ("after_hours", "chinese", "english"),
    [
        (1, "今天 15:05", "today 15:05"),
        (10, "明天 00:05", "tomorrow 00:05"),
        (33, "明天 23:05", "tomorrow 23:05"),
        (34, "11 月 24 日 00:05", "24 Nov, 00:05"),
    ],
)
def test_today_and_tomorrow_are_said_when_true(after_hours: int, chinese: str, english: str) -> None:
    assert soon(NOON + after_hours * HOUR, NOON, zh) == chinese
    assert soon(NOON + after_hours * HOUR, NOON, en) == english


@pytest.mark.parametrize(
    ("seconds", "chinese", "english"),
    [
        (19 * 3600 + 15 * 60, "19 小时 15 分钟", "19 hours 15 minutes"),
        (3600, "1 小时", "1 hour"),
        (61, "2 分钟", "2 minutes"),
        (0, "1 分钟", "1 minute"),
    ],
)
def test_what_is_left_is_rounded_up_to_minutes(seconds: int, chinese: str, english: str) -> None:
    assert remaining(seconds, zh) == chinese
    assert remaining(seconds, en) == english
