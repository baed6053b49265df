"""Nonces seen before, so that no signed request is taken twice: one memory for all processes, and one for a process."""

import hashlib
import threading
import time

from redis import Redis
from redis.exceptions import RedisError

from config.crypto.http_signatures import FRESH_S
from config.errors import RedisUnavailable

REMEMBER_S = 2 * FRESH_S + 60
"""A signature is fresh for as long before our time as after it; a minute more for clocks."""


class NonceStore:
    """Remembers nonces in Redis, for all processes. Fails closed."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis

    def seen(self, nonce: str) -> bool:
        """Was this nonce asked about before? RedisUnavailable when that cannot be told."""
        key = "nonce:" + hashlib.sha256(nonce.encode()).hexdigest()
        try:
            return not self._redis.set(key, 1, nx=True, ex=REMEMBER_S)
        except RedisError as error:
            raise RedisUnavailable("replayed requests cannot be told from new ones just now") from error


class NonceMemory:
    """Remembers nonces in this process: for a sandbox, which shares nothing with OneCert, and for a conformance run."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until: dict[str, float] = {}

    def seen(self, nonce: str) -> bool:
        """Was this nonce asked about before? From now on it was."""
        now = time.monotonic()
        with self._lock:
            # Insertion order is age order, so the outdated ones stand in front.
            while self._until and next(iter(self._until.values())) < now:
                del self._until[next(iter(self._until))]
            known = nonce in self._until
            self._until.setdefault(nonce, now + REMEMBER_S)
            return known
