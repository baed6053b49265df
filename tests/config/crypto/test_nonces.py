"""A nonce is new once: for all processes through Redis, or within one."""

import pytest
from redis import Redis

from config.crypto.nonces import REMEMBER_S, NonceMemory, NonceStore
from config.errors import RedisUnavailable
from config.queue.bell import make_redis


def test_a_nonce_is_new_once_to_all_processes(redis_url: str) -> None:
    redis: Redis = make_redis(redis_url)
    redis.flushall()
    ours, anothers = NonceStore(redis), NonceStore(redis)
    assert [ours.seen("n" * 22), anothers.seen("n" * 22), ours.seen("m" * 22)] == [False, True, False]
    keys = list(redis.scan_iter())
    assert all(b"nnnn" not in key and 600 < redis.ttl(key) <= REMEMBER_S for key in keys)
    assert len(keys) == 2
    redis.close()


def test_without_redis_no_nonce_is_taken_for_new() -> None:
    with pytest.raises(RedisUnavailable) as caught:
        NonceStore(make_redis("redis://127.0.0.1:1/0")).seen("n" * 22)
    assert caught.value.status == 503


def test_a_nonce_is_new_once_within_a_process_until_its_signature_is_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1_000.0]
    monkeypatch.setattr("config.crypto.nonces.time.monotonic", lambda: now[0])
    memory = NonceMemory()
    assert [memory.seen(nonce) for nonce in "abab"] == [False, False, True, True]
    now[0] += REMEMBER_S + 1
    assert [memory.seen(nonce) for nonce in "aa"] == [False, True]
