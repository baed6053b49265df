"""One signature, one content: at once for the processes of a host, soon for other hosts."""

from __future__ import annotations

import gc
import hashlib
import threading
from pathlib import Path

import redis

from config.crypto.stamps import STREAM, Stamps
from config.queue.bell import make_redis
from tests.support.servers import wait_until


def mac(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def replayed(stamps: Stamps, signature: str, content: str) -> bool:
    return stamps.is_replay(mac(signature), mac(content))


def test_the_same_content_may_come_again_and_no_other(tmp_path: Path, redis_url: str) -> None:
    stamps = Stamps(tmp_path, make_redis(redis_url))
    for number in range(1_000):
        assert not replayed(stamps, f"s{number}", "a")
    for number in range(1_000):
        assert not replayed(stamps, f"s{number}", "a")
        assert replayed(stamps, f"s{number}", "b")


def test_another_process_of_the_host_knows_it_at_once(tmp_path: Path) -> None:
    away = make_redis("redis://127.0.0.1:1")
    first, second = Stamps(tmp_path, away), Stamps(tmp_path, away)
    assert not replayed(first, "s", "a")
    assert replayed(second, "s", "b") and not replayed(second, "s", "a")


def test_another_host_knows_it_soon_and_one_that_starts_later_too(tmp_path: Path, redis_url: str) -> None:
    hosts = [tmp_path / name for name in ("one", "two", "three")]
    for host in hosts:
        host.mkdir()
    client = make_redis(redis_url)
    redis.Redis.flushall(client)
    first, second = (Stamps(host, make_redis(redis_url)) for host in hosts[:2])
    assert not replayed(second, "other", "x")
    for number in range(300):
        assert not replayed(first, f"s{number}", "a")
    wait_until(lambda: second._table.find(mac("s299")[:8]) >= 0 and first._table.find(mac("other")[:8]) >= 0)
    assert all(replayed(second, f"s{number}", "b") for number in range(300))
    late = Stamps(hosts[2], make_redis(redis_url))
    assert replayed(late, "s7", "b") and replayed(late, "other", "y") and not replayed(late, "s7", "a")
    assert 0 < client.pttl(STREAM) <= 600_000


def test_a_directory_that_cannot_be_written_leaves_the_process_to_itself(tmp_path: Path) -> None:
    stamps = Stamps(tmp_path / "missing", make_redis("redis://127.0.0.1:1"))
    assert not replayed(stamps, "s", "a") and replayed(stamps, "s", "b")


def test_its_threads_end_with_it(tmp_path: Path, redis_url: str) -> None:
    before = threading.active_count()
    stamps = Stamps(tmp_path, make_redis(redis_url))
    replayed(stamps, "s", "a")
    assert threading.active_count() == before + 2
    del stamps
    gc.collect()
    wait_until(lambda: threading.active_count() <= before)
