"""Content keys: short-lived keys that seal personal data and tokens, each class for its time, then destroyed.

What was sealed under a destroyed key is noise wherever it still lies: in a write-ahead log, a binlog, a backup. The
clock process makes the next key of a class when its period is over and deletes the ones whose content is past its
time. A key is wrapped by the ring, and used only once every process has had time to read it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from secrets import token_bytes
from typing import Any, Final

from sqlalchemy import BigInteger, Column, Connection, Row, String, Table, delete, insert, select, update

from config.crypto.suites import KEY_BYTES, KeyMaterial, Suite, parse_suite
from config.db.engine import metadata
from config.db.types import Ms, Sealed
from config.errors import SealBroken

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 60 * MINUTE_MS
SETTLING_MS: Final = MINUTE_MS
"""After this every process has read a new key."""

ID_SPAN: Final = 65_536
"""A sealed value names its key by the id modulo this; no two keys that live at once are so far apart."""


@dataclass(frozen=True, slots=True)
class Lifetime:
    """The time that a class's key seals, and the time after that in which its values may be needed."""

    period_ms: int
    kept_ms: int


LIFETIMES: Final[Mapping[str, Lifetime]] = {
    # ID digits are erased at the carrier's verdict, after 6 h and one pass of the sweep at the latest.
    "identity": Lifetime(HOUR_MS, 6 * HOUR_MS + 20 * MINUTE_MS),
    # Numbers, counts and texts: until the reply is settled, 120 h at the latest.
    "personal": Lifetime(6 * HOUR_MS, 121 * HOUR_MS),
    # A session may look at its inquiry for 49 h.
    "token": Lifetime(24 * HOUR_MS, 50 * HOUR_MS),
    # A verification code lives for five minutes.
    "code": Lifetime(24 * HOUR_MS, HOUR_MS),
    # Codes of verifiable replies are good for 30 days, to the end of the last.
    "proof": Lifetime(30 * 24 * HOUR_MS, 32 * 24 * HOUR_MS),
}

CLASS_OF: Final[Mapping[tuple[str, str], str]] = {
    ("inquiry", "identity"): "identity",
    ("wave", "identities"): "identity",
    ("objection", "identity"): "identity",
    ("inquiry", "phone"): "personal",
    ("inquiry", "masked"): "personal",
    ("wave", "phones"): "personal",
    ("wave", "held"): "personal",
    ("question", "answers"): "personal",
    ("message", "sealed"): "personal",
    ("notice", "openid"): "personal",
    ("next_day_notice", "phone"): "personal",
}
"""(table, column) -> class; all else is sealed by the ring's data keys."""

content_key = Table(
    "content_key",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", String(16), nullable=False),
    Column("algorithm", String(8), nullable=False),
    Column("wrapped", Sealed(KEY_BYTES), nullable=False),
    Column("made_at", Ms, nullable=False),
)

Wrap = Callable[[bytes, str, int], bytes]
"""(secret, kind, id) -> the wrapped key."""

Unwrap = Callable[[bytes, str, int], bytes]
"""(wrapped key, kind, id) -> the secret. Raises SealBroken."""


@dataclass(frozen=True, slots=True)
class ContentKey:
    """A content key in memory."""

    id: int
    kind: str
    made_at: int
    material: KeyMaterial

    @property
    def short_id(self) -> int:
        """The id as a sealed value names it."""
        return self.id % ID_SPAN


class ContentKeys:
    """The content keys as they were read; never changed."""

    def __init__(self, rows: Sequence[Row[Any]], unwrap: Unwrap) -> None:
        self._by_kind: dict[str, list[ContentKey]] = {}
        self._by_id: dict[int, ContentKey] = {}
        for row in rows:
            try:
                secret = unwrap(row.wrapped, row.kind, row.id)
            except SealBroken:  # wrapped by a data key that is gone: nothing opens it any more
                continue
            key = ContentKey(row.id, row.kind, row.made_at, KeyMaterial(parse_suite(row.algorithm), secret))
            self._by_kind.setdefault(row.kind, []).append(key)
            self._by_id[key.short_id] = key

    def current(self, kind: str, now: int) -> ContentKey | None:
        """The key of a class that seals now: the newest that every process knows. None: the class has none."""
        known = self._by_kind.get(kind)
        if not known:
            return None
        return next((key for key in reversed(known) if key.made_at <= now - SETTLING_MS), known[0])

    def live(self, kind: str, now: int) -> list[ContentKey]:
        """Every key of a class, the current one first."""
        current = self.current(kind, now)
        return [current, *(key for key in self._by_kind[kind] if key is not current)] if current is not None else []

    def find(self, kind: str, short_id: int) -> ContentKey | None:
        """The key that a sealed value names; None when it is another class's, or destroyed."""
        key = self._by_id.get(short_id)
        return key if key is not None and key.kind == kind else None


def tend(db: Connection, now: int, suite: Suite, wrap: Wrap) -> None:
    """Make the keys that are due, and destroy those whose content is past its time."""
    rows = db.execute(select(content_key.c.id, content_key.c.kind, content_key.c.made_at).order_by(content_key.c.id))
    by_kind: dict[str, list[tuple[int, int]]] = {kind: [] for kind in LIFETIMES}
    last = 0
    for row in rows:
        by_kind.setdefault(row.kind, []).append((row.id, row.made_at))
        last = max(last, row.id)
    over = [one for kind, keys in by_kind.items() for one in _over(kind, keys, now)]
    if over:
        db.execute(delete(content_key).where(content_key.c.id.in_(over)))
    for kind, lifetime in LIFETIMES.items():
        if not by_kind[kind] or by_kind[kind][-1][1] + lifetime.period_ms <= now:
            last += 1
            add(db, last, kind, now, suite, wrap)


def _over(kind: str, keys: Sequence[tuple[int, int]], now: int) -> list[int]:
    """The keys of a class that stopped sealing so long ago that nothing of theirs is needed."""
    kept = LIFETIMES[kind].kept_ms if kind in LIFETIMES else 0
    followed = zip(keys, keys[1:], strict=False)
    return [number for (number, _), (_, made_at) in followed if made_at + 2 * SETTLING_MS + kept <= now]


def add(db: Connection, number: int, kind: str, now: int, suite: Suite, wrap: Wrap) -> None:
    """Make a key."""
    wrapped = wrap(token_bytes(KEY_BYTES), kind, number)
    row = {"id": number, "kind": kind, "algorithm": suite, "wrapped": wrapped, "made_at": now}
    db.execute(insert(content_key).values(**row))


def wrap_again(db: Connection, unwrap: Unwrap, wrap: Wrap) -> None:
    """Wrap every key anew, so that the data key which wrapped it opens nothing any more."""
    for row in db.execute(select(content_key)).all():
        wrapped = wrap(unwrap(row.wrapped, row.kind, row.id), row.kind, row.id)
        db.execute(update(content_key).where(content_key.c.id == row.id).values(wrapped=wrapped))


def destroy(db: Connection, kinds: Sequence[str]) -> int:
    """Destroy every key of these classes at once; returns the number after the highest id there was."""
    highest = max(db.execute(select(content_key.c.id)).scalars(), default=0)
    db.execute(delete(content_key).where(content_key.c.kind.in_(kinds)))
    return highest + 1
