"""A platform's token: fetched once however many ask, dropped only when it is the one that failed."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import pytest

from config.errors import KeysUnavailable, OneCertError, RedisUnavailable, SecretMissing
from config.ground import Ground
from config.platforms.access_tokens import FetchedToken, StoredToken, TokenStore
from config.queue.bell import make_redis
from config.times.clock import FixedClock
from tests.conftest import on_sqlite

pytestmark = on_sqlite
KIND, NAME = "some-token", "some-app"
KEY = f"platform-token:{KIND}:{NAME}:value"


@dataclass
class Lender:
    """Gives token-1, token-2, ...; `slow_s` long each."""

    slow_s: float = 0.0
    lives_s: int = 7200
    fetches: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self) -> FetchedToken:
        with self.lock:
            self.fetches += 1
            number = self.fetches
        threading.Event().wait(self.slow_s)
        return FetchedToken(f"token-{number}", self.lives_s)


def make_store(ground: Ground, kind: str = KIND) -> TokenStore:
    return TokenStore(ground.redis, ground.keys, ground.clock, kind)


@pytest.fixture
def store(ground: Ground) -> TokenStore:
    return make_store(ground)


def test_two_workers_one_token(store: TokenStore, ground: Ground) -> None:
    lender = Lender()
    other = make_store(replace(ground, redis=make_redis(ground.settings.redis_url)))
    kept = [store.get(NAME, lender), other.get(NAME, lender), store.get(NAME, lender)]
    assert {one.value for one in kept} == {"token-1"} and len({one.sealed for one in kept}) == 1
    assert lender.fetches == 1


def test_sixteen_cold_workers_make_one_fetch(ground: Ground) -> None:
    lender = Lender(slow_s=0.2)
    stores = [make_store(ground) for _ in range(16)]
    with ThreadPoolExecutor(16) as pool:
        assert {kept.value for kept in pool.map(lambda one: one.get(NAME, lender), stores)} == {"token-1"}
    assert lender.fetches == 1


def test_a_token_is_renewed_before_its_end_and_the_old_one_serves_meanwhile(
    store: TokenStore, clock: FixedClock
) -> None:
    lender = Lender()
    store.get(NAME, lender)
    clock.advance((7200 - 301) * 1000)
    assert store.get(NAME, lender).value == "token-1"
    clock.advance(62_000)
    begun, go_on = threading.Event(), threading.Event()

    def slow() -> FetchedToken:
        begun.set()
        go_on.wait(60)
        return lender()

    with ThreadPoolExecutor(1) as pool:
        renewing = pool.submit(store.get, NAME, slow)
        assert begun.wait(60)
        assert store.get(NAME, lender).value == "token-1"
        go_on.set()
        assert renewing.result().value == "token-2"
    assert store.get(NAME, lender).value == "token-2"


@pytest.mark.parametrize("lives_s", [1, 7200])
def test_a_token_past_its_end_is_given_to_nobody(lives_s: int, store: TokenStore, clock: FixedClock) -> None:
    lender = Lender(lives_s=lives_s)
    store.get(NAME, lender)
    clock.advance(lives_s * 1000)
    assert store.get(NAME, lender).value == "token-2"


def test_a_short_token_is_not_renewed_at_every_look(store: TokenStore) -> None:
    lender = Lender(lives_s=60)
    assert {store.get(NAME, lender).value for _ in range(5)} == {"token-1"}


@pytest.mark.parametrize("fault", [RedisUnavailable, KeysUnavailable, SecretMissing, OneCertError])
def test_whatever_fails_a_renewal_the_old_token_goes_on_while_it_can(
    fault: type[OneCertError], store: TokenStore, clock: FixedClock
) -> None:
    def failing() -> FetchedToken:
        raise fault("no")

    first = store.get(NAME, Lender())
    clock.advance(7200_000 - 200_000)
    assert store.get(NAME, failing) == first
    clock.advance(195_000)
    with pytest.raises(fault):
        store.get(NAME, failing)


def test_only_the_token_that_failed_is_dropped(store: TokenStore) -> None:
    lender = Lender()
    old = store.get(NAME, lender)
    store.drop(NAME, replace(old, sealed=b"another"))
    assert store.get(NAME, lender).value == "token-1"
    store.drop(NAME, old)
    assert store.get(NAME, lender).value == "token-2"


def test_a_token_is_not_dropped_if_it_was_replaced(store: TokenStore, ground: Ground) -> None:
    lender = Lender()
    old = store.get(NAME, lender)
    store.drop(NAME, old)
    new = store.get(NAME, lender)
    ground.redis.delete(f"platform-token:{KIND}:{NAME}:dropped")
    store.drop(NAME, old)
    assert store.get(NAME, lender) == new


def test_a_token_is_dropped_at_most_once_in_thirty_seconds(store: TokenStore, ground: Ground) -> None:
    lender = Lender()
    begun = time.monotonic()
    store.drop(NAME, store.get(NAME, lender))
    store.drop(NAME, store.get(NAME, lender))
    assert store.get(NAME, lender).value == "token-2"
    left_ms = ground.redis.pttl(f"platform-token:{KIND}:{NAME}:dropped")
    assert 30_000 - (time.monotonic() - begun) * 1000 - 10 < left_ms <= 30_000
    ground.redis.delete(f"platform-token:{KIND}:{NAME}:dropped")
    store.drop(NAME, store.get(NAME, lender))
    assert store.get(NAME, lender).value == "token-3"


def test_a_storm_of_refusals_makes_at_most_two_fetches(ground: Ground) -> None:
    lender = Lender()

    def refused(_number: int) -> None:
        store = make_store(ground)
        store.drop(NAME, store.get(NAME, lender))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(refused, range(100)))
    assert lender.fetches == 2


def test_a_fetch_that_fails_leaves_the_lock_free(store: TokenStore) -> None:
    def failing() -> FetchedToken:
        raise RedisUnavailable("no")

    with pytest.raises(RedisUnavailable):
        store.get(NAME, failing)
    assert store.get(NAME, Lender()).value == "token-1"


def test_neither_two_apps_nor_two_kinds_share_a_token(store: TokenStore, ground: Ground) -> None:
    lender, other_kind = Lender(), make_store(ground, "another-token")
    assert store.get("a", lender).value == "token-1"
    assert store.get("b", lender).value == "token-2"
    assert other_kind.get("a", lender).value == "token-3"


@pytest.mark.parametrize(("kind", "name"), [(KIND, "b"), ("another-token", "a")])
def test_a_token_under_anothers_key_is_none(kind: str, name: str, store: TokenStore, ground: Ground) -> None:
    lender, theirs = Lender(), make_store(ground, kind)
    foreign: StoredToken = store.get("a", lender)
    theirs.get(name, lender)
    ground.redis.set(f"platform-token:{kind}:{name}:value", foreign.sealed)
    assert theirs.get(name, lender).value == "token-3"


def test_redis_holds_no_token_in_clear_and_losing_it_costs_one_fetch(store: TokenStore, ground: Ground) -> None:
    lender = Lender()
    kept = store.get(NAME, lender)
    assert ground.redis.get(KEY) == kept.sealed and b"token-1" not in kept.sealed
    assert "token-1" not in repr(kept)
    ground.redis.flushall()
    assert store.get(NAME, lender).value == "token-2"


def test_without_redis_nobody_fetches_and_nothing_is_dropped(ground: Ground) -> None:
    lender = Lender()
    away = make_store(replace(ground, redis=make_redis("redis://127.0.0.1:1")))
    with pytest.raises(RedisUnavailable):
        away.get(NAME, lender)
    with pytest.raises(RedisUnavailable):
        away.drop(NAME, StoredToken("token-1", 0, 0, b"sealed"))
    assert lender.fetches == 0
