"""Citizens who left an entrance: what was opened for their openid before that opens nothing any more.

One door hears that somebody left, the other reads sessions, and they are strangers. It stands in Redis under a MAC for
as long as a session may last; an emptied Redis forgets it, and then a session ends by itself, as any other.
"""

from __future__ import annotations

from redis import RedisError

from config.crypto.key_ring import KeyRing
from config.errors import RedisUnavailable
from config.ground import Ground

KEPT_MS = 13 * 60 * 60 * 1000
"""A session lasts 12 hours at most."""


def note_departure(ground: Ground, entrance: str, openid: str, at: int) -> None:
    """This person left at `at` (epoch ms). Raises RedisUnavailable."""
    try:
        ground.redis.set(departure_key(ground.keys, entrance, openid), at, px=KEPT_MS)
    except RedisError as error:
        raise RedisUnavailable("Redis does not answer") from error


def has_left_since(ground: Ground, entrance: str, openid: str, issued_at: int) -> bool:
    """Return whether this person left after `issued_at`. Raises RedisUnavailable."""
    try:
        told = ground.redis.get(departure_key(ground.keys, entrance, openid))
    except RedisError as error:
        raise RedisUnavailable("Redis does not answer") from error
    return is_later(told, issued_at)


def departure_key(keys: KeyRing, entrance: str, openid: str) -> str:
    """Return the Redis key of a departure, for callers that read it along with other keys."""
    return f"left:{keys.mac('departure', entrance, openid)[:16].hex()}"


def is_later(told: object, issued_at: int) -> bool:
    """Return whether the stored value is a time not before `issued_at`. Pure."""
    return isinstance(told, bytes) and int(told) >= issued_at
