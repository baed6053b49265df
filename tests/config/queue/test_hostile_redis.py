"""A Redis that somebody else writes to: no key of any type or age keeps a ring or a call away (S11)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis

from config.ground import Ground
from config.queue.bell import Bell, gateway_bell, ring_key
from enterprises.circuit_breaker import acquire

QUEUE = "rq:queue:onecert"
DAY_S = 86_400


@pytest.mark.parametrize("endless", ["set", "set ex", "list", "hash"])
def test_a_ring_that_stands_for_ever_keeps_none_away(redis: Redis, bell: Bell, endless: str) -> None:
    """security fault S11: `SET ring:gather: 1` without an end, and nothing was gathered."""
    key = ring_key("gather", None)
    if endless == "list":
        redis.rpush(key, 1)
    elif endless == "hash":
        redis.hset(key, "a", 1)
    else:
        redis.set(key, 1, ex=DAY_S if endless == "set ex" else None)
    bell.ring("gather")
    assert redis.llen(QUEUE) == 1
    assert 0 < redis.pttl(key) <= 5000
    bell.ring("gather")
    assert redis.llen(QUEUE) == 1


@pytest.mark.parametrize("kind", ["string", "hash"])
def test_a_queue_of_another_type_is_made_anew(redis: Redis, bell: Bell, kind: str) -> None:
    """security fault S11: `SET rq:queue:onecert x`."""
    for key in (QUEUE, gateway_bell("code")):
        if kind == "string":
            redis.set(key, "x")
        else:
            redis.hset(key, "a", "b")
    bell.ring("gather")
    bell.notify_gateway("code")
    assert redis.llen(QUEUE) == 1
    assert bell.wait_for_gateway(1, ["code"]) == "code"


HOSTILE: list[Callable[[Redis, str], Any]] = [
    lambda redis, key: redis.hset(key, "open_until", 3 * 10**13),
    lambda redis, key: redis.hset(key, "open_until", "x"),
    lambda redis, key: redis.hset(key, "next_at", 3 * 10**13),
    lambda redis, key: redis.set(key, "x"),
    lambda redis, key: redis.zadd(f"{key}:turns", {f"t{n}": 3 * 10**13 for n in range(100)}),
    lambda redis, key: redis.set(f"{key}:turns", "x"),
]


@pytest.mark.parametrize("write", HOSTILE)
def test_no_partner_is_kept_unasked(ground: Ground, write: Callable[[Redis, str], Any]) -> None:
    """security fault S11: `HSET partner:<carrier> open_until 3e13`."""
    partner = ground.catalogues.current().carriers()[0].model_copy(update={"calls_per_s": 1000.0})
    write(ground.redis, f"partner:{partner.code}")
    assert acquire(ground, partner).granted
