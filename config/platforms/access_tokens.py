"""Tokens that a platform lends us and all processes share: one fetch however many ask, dropped only if they failed.

They stand sealed in Redis. Whoever finds none takes a lock and fetches; the others read again until it is there. A
token that nears its end is renewed by one process while the others go on with it. Nothing is remembered in a process:
what another one dropped is gone for all. What a token is for, and how it is fetched, is the caller's business.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from redis import Redis, RedisError
from redis.exceptions import LockError

from config.crypto.key_ring import KeyRing
from config.errors import OneCertError, RedisUnavailable, SealBroken
from config.times.clock import Clock

LOCK_MS = 8_000
"""Longer than a fetch with all its retries; a process killed while it fetches holds the others up no longer."""
WAIT_S = 8.5
LOOK_EVERY_S = 0.05
EARLY_MS = 300_000
JITTER_MS = 60_000
"""A token is renewed 4 to 5 minutes before its end: until then WeChat gives the same one once more (stable_token)."""
SPARE_MS = 10_000
RENEW_AGAIN_MS = 30_000
DROP_EVERY_MS = 30_000
"""One drop in this time: what replaced a failed token and fails too is not mended by fetching once more."""

_DROP = """
if redis.call('get', KEYS[1]) == ARGV[1] and redis.call('set', KEYS[2], '1', 'NX', 'PX', ARGV[2]) then
  return redis.call('del', KEYS[1])
end
return 0
"""


@dataclass(frozen=True)
class FetchedToken:
    """A token from the platform, with its life in seconds."""

    value: str = field(repr=False)
    expires_in: int


@dataclass(frozen=True)
class StoredToken:
    """A token in use; times in epoch ms. `sealed`, its bytes in Redis, tells two fetches of one value apart."""

    value: str = field(repr=False)
    renew_at: int
    ends_at: int
    sealed: bytes = field(repr=False)


class TokenStore:
    """The tokens of one kind, each under a name. Neither holds a secret; no two callers share a kind.

    A token is sealed for its kind and name: found under another's key it is none.
    """

    def __init__(self, redis: Redis, keys: KeyRing, clock: Clock, kind: str) -> None:
        self._redis = redis
        self._keys = keys
        self._clock = clock
        self._kind = kind

    def get(self, name: str, fetch: Callable[[], FetchedToken]) -> StoredToken:
        """Return the token in use; `fetch` is called by one process at a time, only when needed.

        Raises what `fetch` raised when there is no token to go on with; RedisUnavailable when Redis is away, or when
        another process does not end its fetch.
        """
        deadline = time.monotonic() + WAIT_S
        try:
            while time.monotonic() < deadline:
                kept = self._read(name)
                if kept is not None and self._clock.now() < kept.renew_at:
                    return kept
                usable = kept if kept is not None and self._clock.now() < kept.ends_at - SPARE_MS else None
                renewed = self._renew_alone(name, fetch, kept, usable)
                if renewed is not None:
                    return renewed
                time.sleep(LOOK_EVERY_S)
        except RedisError:
            raise RedisUnavailable("Redis is away, and with it the platform's tokens.") from None
        raise RedisUnavailable("Another process does not end its fetch of the platform's token.")

    def drop(self, name: str, failed: StoredToken) -> None:
        """Forget a token that the platform refused, unless it has been replaced already. Raises RedisUnavailable."""
        try:
            self._redis.eval(_DROP, 2, self._key(name), self._key(name, "dropped"), failed.sealed, DROP_EVERY_MS)
        except RedisError:
            raise RedisUnavailable("Redis is away, and with it the platform's tokens.") from None

    def _renew_alone(
        self, name: str, fetch: Callable[[], FetchedToken], seen: StoredToken | None, usable: StoredToken | None
    ) -> StoredToken | None:
        """Return the new token if the lock is ours, else the old one if still usable, else None: look again."""
        lock = self._redis.lock(self._key(name, "lock"), timeout=LOCK_MS / 1000)
        if not lock.acquire(blocking=False):
            return usable
        try:
            current = self._read(name)
            if current is not None and (seen is None or current.sealed != seen.sealed):
                return current  # fetched by another process between our look and our lock
            return self._keep(name, fetch())
        except OneCertError:
            if usable is None:
                raise
            return usable
        finally:
            with suppress(LockError):  # it expired, and is another process's now
                lock.release()

    def _keep(self, name: str, fetched: FetchedToken) -> StoredToken:
        now = self._clock.now()
        ends_at = now + fetched.expires_in * 1000
        renew_at = max(ends_at - EARLY_MS + secrets.randbelow(JITTER_MS), min(now + RENEW_AGAIN_MS, ends_at))
        plain = json.dumps([fetched.value, renew_at, ends_at]).encode()
        sealed = self._keys.seal(plain, table="redis", column=self._kind, row=name)
        self._redis.set(self._key(name), sealed, px=max(1, fetched.expires_in * 1000))
        return StoredToken(fetched.value, renew_at, ends_at, sealed)

    def _read(self, name: str) -> StoredToken | None:
        sealed = self._redis.get(self._key(name))
        if not isinstance(sealed, bytes):
            return None
        try:
            value, renew_at, ends_at = json.loads(self._keys.open(sealed, table="redis", column=self._kind, row=name))
        except SealBroken:
            return None
        return StoredToken(value, renew_at, ends_at, sealed)

    def _key(self, name: str, part: str = "value") -> str:
        return f"platform-token:{self._kind}:{name}:{part}"
