"""A platform's token: fetched once however many ask, dropped only when it is the one that failed."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import pytest

from config.clock import FixedClock
from config.errors import RedisUnavailable
from config.ground import Ground
from config.platform_tokens import Lent, TokenStore
from config.queue import make_redis

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
NAME = "wechat-applet.access_token"


@dataclass
class Lender:
    """Gives token-1, token-2, ...; `slow_s` long each."""

    slow_s: float = 0.0
    lives_s: int = 7200
    fetches: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self) -> Lent:
        with self.lock:
            self.fetches += 1
            number = self.fetches
        threading.Event().wait(self.slow_s)
        return Lent(f"token-{number}", self.lives_s)


@pytest.fixture
def store(ground: Ground) -> TokenStore:
    return TokenStore(ground.redis, ground.keys, ground.clock)


def test_two_workers_one_token(store: TokenStore, ground: Ground) -> None:
    lender = Lender()
    other = TokenStore(make_redis(ground.settings.redis_url), ground.keys, ground.clock)
    assert [store.get(NAME, lender), other.get(NAME, lender), store.get(NAME, lender)] == ["token-1"] * 3
    assert lender.fetches == 1


def test_sixteen_cold_workers_make_one_fetch(ground: Ground) -> None:
    lender = Lender(slow_s=0.2)
    stores = [TokenStore(ground.redis, ground.keys, ground.clock) for _ in range(16)]
    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(lambda one: one.get(NAME, lender), stores)) == {"token-1"}
    assert lender.fetches == 1


def test_a_token_is_renewed_before_its_end_and_the_old_one_serves_meanwhile(
    store: TokenStore, clock: FixedClock
) -> None:
    lender = Lender()
    store.get(NAME, lender)
    clock.advance((7200 - 301) * 1000)
    assert store.get(NAME, lender) == "token-1"
    clock.advance(32_000)
    begun, go_on = threading.Event(), threading.Event()

    def slow() -> Lent:
        begun.set()
        go_on.wait(5)
        return lender()

    with ThreadPoolExecutor(1) as pool:
        renewing = pool.submit(store.get, NAME, slow)
        begun.wait(5)
        assert store.get(NAME, lender) == "token-1"
        go_on.set()
        assert renewing.result() == "token-2"
    assert store.get(NAME, lender) == "token-2"


def test_only_the_token_that_failed_is_dropped(store: TokenStore) -> None:
    lender = Lender()
    store.get(NAME, lender)
    store.drop(NAME, "another-token")
    assert store.get(NAME, lender) == "token-1"
    store.drop(NAME, "token-1")
    assert store.get(NAME, lender) == "token-2"


def test_a_storm_of_refusals_makes_at_most_two_fetches(store: TokenStore) -> None:
    lender = Lender()
    for _ in range(50):
        store.drop(NAME, store.get(NAME, lender))
    assert lender.fetches == 2


def test_a_fetch_that_fails_leaves_the_lock_free(store: TokenStore) -> None:
    def failing() -> Lent:
        raise RedisUnavailable("no")

    with pytest.raises(RedisUnavailable):
        store.get(NAME, failing)
    assert store.get(NAME, Lender()) == "token-1"


def test_two_apps_tokens_do_not_cross(store: TokenStore, ground: Ground) -> None:
    lender = Lender()
    assert store.get("a.access_token", lender) == "token-1"
    assert store.get("b.access_token", lender) == "token-2"
    ground.redis.set("platform-token:b.access_token", ground.redis.get("platform-token:a.access_token") or b"")
    assert store.get("b.access_token", lender) == "token-3"


def test_redis_holds_no_token_in_clear_and_losing_it_costs_one_fetch(store: TokenStore, ground: Ground) -> None:
    lender = Lender()
    store.get(NAME, lender)
    assert b"token-1" not in (ground.redis.get(f"platform-token:{NAME}") or b"")
    ground.redis.flushall()
    assert store.get(NAME, lender) == "token-2"


def test_without_redis_nobody_fetches(ground: Ground) -> None:
    lender = Lender()
    away = replace(ground, redis=make_redis("redis://127.0.0.1:1"))
    with pytest.raises(RedisUnavailable):
        TokenStore(away.redis, ground.keys, ground.clock).get(NAME, lender)
    assert lender.fetches == 0
