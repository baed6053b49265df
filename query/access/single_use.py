"""Single-use values: a login code, a phone credential. Remembered in Redis under a MAC; fails closed."""

from __future__ import annotations

from redis import Redis, RedisError

from config.crypto.key_ring import KeyRing
from query.access.errors import LimiterUnavailable


class OnceOnly:
    """Takes things that are good once. Stateless but for its connection."""

    def __init__(self, redis: Redis, keys: KeyRing) -> None:
        self._redis = redis
        self._keys = keys

    def take(self, kind: str, used: str, remember_s: int) -> bool:
        """True the first time within `remember_s` seconds. Raises LimiterUnavailable when that cannot be told."""
        try:
            return bool(self._redis.set(self._key(kind, used), 1, nx=True, ex=remember_s))
        except RedisError as error:
            raise LimiterUnavailable() from error

    def give_back(self, kind: str, used: str) -> None:
        """It was not used after all: the other side certainly never saw it."""
        try:
            self._redis.delete(self._key(kind, used))
        except RedisError as error:
            raise LimiterUnavailable() from error

    def _key(self, kind: str, used: str) -> str:
        return f"once:{self._keys.mac('once', kind, used)[:16].hex()}"
