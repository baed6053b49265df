"""Counts of rare events of the last day, in Redis, for `onecert doctor`. Counting never raises."""

from __future__ import annotations

from contextlib import suppress
from typing import cast

from redis import Redis, RedisError

CLIENT_ADDRESS_UNREADABLE = "client_address_unreadable"
PUSH_UNREADABLE = "push_unreadable"
KEPT_S = 25 * 3600
HOURS = 24


def count_event(redis: Redis, name: str, now: int) -> None:
    """Count one event of this name at `now` (epoch ms)."""
    key = _key(name, now // 3_600_000)
    with suppress(RedisError):
        if redis.incr(key) == 1:
            redis.expire(key, KEPT_S)


def read_count(redis: Redis, name: str, now: int) -> int:
    """The events of this name in the last 24 hours, to the hour. Raises RedisError."""
    hour = now // 3_600_000
    found = cast("list[bytes | None]", redis.mget([_key(name, hour - ago) for ago in range(HOURS)]))
    return sum(int(each) for each in found if each)


def _key(name: str, hour: int) -> str:
    return f"recent:{name}:{hour}"
