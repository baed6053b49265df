"""Sessions that were ended: by a logout, by leaving an entrance, by the operator.

The database keeps them and Redis answers for it, so that a request costs no row: it looks for a few keys, and for the
marker that says Redis knows them all. Where the marker is missing (Redis was emptied), they are written again first.
One door hears that somebody left, the other reads sessions, and they are strangers. Names are MACs.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from redis import RedisError
from sqlalchemy import select

from config.crypto.key_ring import KeyRing
from config.db.engine import begin, reading, upsert
from config.errors import DatabaseUnavailable, RedisUnavailable
from config.ground import Ground
from config.telemetry.security_events import SESSION, log_mac
from query.models import session_end

HOUR_MS: Final = 3_600_000
DEPARTURE_KEPT_MS: Final = 13 * HOUR_MS
"""A session lasts 12 hours at most."""
VIEWING_MS: Final = 49 * HOUR_MS
"""48 h from acceptance, which came at most 30 minutes after the token was last renewed; and some slack."""
REPLACED, LOGGED_OUT = 1, 2
"""The least that stands for a session that may not spend any more, and for one that may not look any more either."""

ALL_KNOWN: Final = "endings:known"
KNOWN_S: Final = 24 * 3600
AT_ONCE: Final = 1000

_restoring = threading.Lock()


def note_session_end(ground: Ground, name: str, how: int) -> None:
    """End the session that has this name in the security log. Raises RedisUnavailable."""
    _note(ground, _session_key(name), how, VIEWING_MS)


def note_departure(ground: Ground, entrance: str, openid: str, at: int) -> None:
    """This person left at `at` (epoch ms): what was opened before opens nothing any more. Raises RedisUnavailable."""
    _note(ground, _departure_key(ground.keys, entrance, openid), at, DEPARTURE_KEPT_MS)


def note_entrance_end(ground: Ground, entrance: str, at: int) -> None:
    """End every session of an entrance that was opened up to `at` (epoch ms). Raises RedisUnavailable."""
    _note(ground, _entrance_key(ground.keys, entrance), at, VIEWING_MS)


def has_left_since(ground: Ground, entrance: str, openid: str, issued_at: int) -> bool:
    """Return whether this person left after `issued_at`. Raises RedisUnavailable."""
    return is_ended(ground, {_departure_key(ground.keys, entrance, openid): issued_at})


def session_name(keys: KeyRing, owner: bytes) -> str:
    """Return the name of a session in the security log: 32 hexadecimal digits."""
    return log_mac(keys, SESSION, owner)


def endings_of(
    keys: KeyRing, *, owner: bytes, entrance: str, openid: str | None, issued_at: int, viewing: bool
) -> dict[str, int]:
    """Return the Redis keys that revoke a session, each with the smallest value that does.

    One's own inquiry may be looked at after leaving, and after another session took this one's place (`viewing`).
    """
    found = {
        _session_key(session_name(keys, owner)): LOGGED_OUT if viewing else REPLACED,
        _entrance_key(keys, entrance): issued_at,
    }
    if openid is not None and not viewing:
        found[_departure_key(keys, entrance, openid)] = issued_at
    return found


def is_ended(ground: Ground, endings: dict[str, int]) -> bool:
    """Return whether one of these keys holds a number not below its own. Raises RedisUnavailable.

    While the database is away too, what Redis knows must do: nothing can be asked for or looked at then.
    """
    told = _look(ground, endings)
    if told[-1] is None:
        with suppress(DatabaseUnavailable):
            restore(ground)
            told = _look(ground, endings)
    return any(_reaches(number, least) for number, least in zip(told, endings.values(), strict=False))


def restore(ground: Ground) -> None:
    """Write into Redis what the database knows, unless another thread just has. Raises RedisUnavailable."""
    now = ground.clock.now()
    live = select(session_end.c.name, session_end.c.value, session_end.c.until_at).where(session_end.c.until_at > now)
    try:
        with _restoring:
            if ground.redis.exists(ALL_KNOWN):
                return
            with reading(ground.engine) as db:
                rows = db.execute(live).all()
            for start in range(0, len(rows), AT_ONCE):
                pipeline = ground.redis.pipeline(transaction=False)
                for row in rows[start : start + AT_ONCE]:
                    pipeline.set(row.name, row.value, px=row.until_at - now, nx=True)
                pipeline.execute()
            ground.redis.set(ALL_KNOWN, 1, ex=KNOWN_S)
    except RedisError as error:
        raise RedisUnavailable("Redis does not answer") from error


def _note(ground: Ground, name: str, value: int, kept_ms: int) -> None:
    try:
        ground.redis.set(name, value, px=kept_ms)
    except RedisError as error:
        raise RedisUnavailable("Redis does not answer") from error
    row = {"name": name, "value": value, "until_at": ground.clock.now() + kept_ms}
    with begin(ground.engine) as db:
        db.execute(upsert(session_end, db.dialect.name, [row], update=["value", "until_at"]))


def _look(ground: Ground, endings: dict[str, int]) -> Sequence[object]:
    try:
        return ground.redis.mget([*endings, ALL_KNOWN])
    except RedisError as error:
        raise RedisUnavailable("Redis does not answer") from error


def _reaches(number: object, least: int) -> bool:
    return isinstance(number, bytes) and number.isdigit() and int(number) >= least


def _session_key(name: str) -> str:
    return f"ended:{name}"


def _departure_key(keys: KeyRing, entrance: str, openid: str) -> str:
    return f"left:{keys.mac('departure', entrance, openid)[:16].hex()}"


def _entrance_key(keys: KeyRing, entrance: str) -> str:
    return f"closed:{keys.mac('entrance-end', entrance)[:16].hex()}"
