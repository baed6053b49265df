from collections.abc import Iterator

import pytest
from redis import Redis
from sqlalchemy import Engine, delete

from config.crypto.key_ring import KeyRing, data_key
from config.db.engine import begin
from config.net.http_client import HttpClient
from config.queue.bell import Bell, make_redis
from config.times.clock import FixedClock

MASTER_KEY = bytes(range(32))


@pytest.fixture
def keys(engine: Engine, clock: FixedClock) -> KeyRing:
    """A key ring with its first data key just made."""
    keys = KeyRing(engine, MASTER_KEY, "aes", clock)
    with begin(engine) as db:
        db.execute(delete(data_key))
        keys.ensure_first(db, clock.now())
    return keys


@pytest.fixture
def http() -> Iterator[HttpClient]:
    outgoing = HttpClient()
    yield outgoing
    outgoing.close()


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    client = make_redis(redis_url)
    client.flushall()
    yield client
    client.close()


@pytest.fixture
def bell(redis: Redis) -> Iterator[Bell]:
    bell = Bell(redis)
    yield bell
    bell.close()
