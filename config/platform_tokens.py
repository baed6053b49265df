"""Tokens that a platform lends us for a while, fetched once however many processes ask.

A token lies in Redis, sealed, and is renewed before its end: by whoever first finds it due, while the others go on with
the old one as long as it is good, and wait for the new one when it is not. A token that the platform refused is dropped
only if it is still the one that is kept, and at most once a minute, so that a storm of refusals costs one more fetch.
Losing Redis' contents costs one fetch. What a token is for, and how it is fetched, is the caller's business.
"""

from __future__ import annotations

import hmac
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from redis import Redis, RedisError

from config.clock import Clock
from config.errors import RedisUnavailable, SealBroken
from config.keys import KeyRing

RENEW_BEFORE_MS = 300_000
"""Not earlier: until five minutes before its end WeChat gives the same token once more."""
JITTER_MS = 30_000
"""Each process finds a token due at a slightly different time, so that not all look for the lock at once."""
LOCK_MS = 8_000
"""Longer than a fetch may take; the lock of a process that was killed is free again after this."""
LOOK_AGAIN_S = 0.02
DROP_AGAIN_S = 60
PURPOSE = "platform-token"

# KEYS: one. ARGV: a value. Deletes the key only if it still holds that value.
_DELETE_SAME = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


@dataclass(frozen=True)
class Lent:
    """What a platform lends: the token, and for how many seconds."""

    token: str = field(repr=False)
    lives_s: int


@dataclass(frozen=True)
class _Kept:
    token: str = field(repr=False)
    ends_at: int


class TokenStore:
    """Tokens by name (`<entrance>.access_token`). Safe in any number of threads and processes."""

    def __init__(self, redis: Redis, keys: KeyRing, clock: Clock) -> None:
        self._redis = redis
        self._keys = keys
        self._clock = clock
        self._delete_same = redis.register_script(_DELETE_SAME)

    def get(self, name: str, fetch: Callable[[], Lent]) -> str:
        """The token of that name; `fetch` is called by one process only, and only when it is due.

        Raises what `fetch` raises, and RedisUnavailable: without Redis nobody could tell who fetches.
        """
        try:
            return self._get(name, fetch)
        except RedisError as error:
            raise RedisUnavailable("the platform's tokens cannot be read") from error

    def drop(self, name: str, failed: str) -> None:
        """Forget `failed`, which the platform refused, unless it is no longer the one that is kept."""
        try:
            sealed: Any = self._redis.get(_key(name))
            kept = self._opened(name, sealed)
            if kept is None or not hmac.compare_digest(kept.token.encode(), failed.encode()):
                return
            if self._redis.set(f"{_key(name)}:dropped", 1, nx=True, ex=DROP_AGAIN_S):
                self._delete_same(keys=[_key(name)], args=[sealed])
        except RedisError as error:
            raise RedisUnavailable("the platform's tokens cannot be read") from error

    def _get(self, name: str, fetch: Callable[[], Lent]) -> str:
        give_up = time.monotonic() + 2 * LOCK_MS / 1000
        while time.monotonic() < give_up:
            kept = self._opened(name, self._redis.get(_key(name)))
            left = kept.ends_at - self._clock.now() if kept else 0
            if kept and left > RENEW_BEFORE_MS - secrets.randbelow(JITTER_MS):
                return kept.token
            owner = secrets.token_hex(8)
            if self._redis.set(f"{_key(name)}:lock", owner, nx=True, px=LOCK_MS):
                return self._renew(name, fetch, owner, kept if left > 0 else None)
            if kept and left > 0:
                return kept.token
            time.sleep(LOOK_AGAIN_S)
        raise RedisUnavailable("another process has been fetching a token for too long")

    def _renew(self, name: str, fetch: Callable[[], Lent], owner: str, before: _Kept | None) -> str:
        """Fetch and keep. The lock is held; whoever held it just before may have fetched already."""
        try:
            kept = self._opened(name, self._redis.get(_key(name)))
            if kept and kept != before and kept.ends_at - self._clock.now() > RENEW_BEFORE_MS - JITTER_MS:
                return kept.token
            lent = fetch()
            self._keep(name, lent)
            return lent.token
        finally:
            self._delete_same(keys=[f"{_key(name)}:lock"], args=[owner])

    def _keep(self, name: str, lent: Lent) -> None:
        ends_at = self._clock.now() + lent.lives_s * 1000
        told = json.dumps([name, lent.token, ends_at], separators=(",", ":")).encode()
        self._redis.set(_key(name), self._keys.seal_token(PURPOSE, told), px=max(1, lent.lives_s * 1000))

    def _opened(self, name: str, sealed: Any) -> _Kept | None:
        if sealed is None:
            return None
        try:
            whose, token, ends_at = json.loads(self._keys.open_token(PURPOSE, sealed.decode()))
        except SealBroken:
            return None
        return _Kept(token, ends_at) if whose == name else None


def _key(name: str) -> str:
    return f"platform-token:{name}"
