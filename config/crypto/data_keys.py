"""The data keys: long-lived keys in the database, wrapped by the master key; made, rotated and revoked here.

They wrap the content keys, seal what is kept for long, index phones blindly and make MACs.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Column, Connection, Integer, Row, String, Table, insert, select, update

from config.crypto.content_keys import (
    SETTLING_MS,
    ContentKeys,
    Unwrap,
    Wrap,
    add,
    content_key,
    destroy,
    wrap_again,
)
from config.crypto.suites import KEY_BYTES, KeyMaterial, Suite, join, parse_suite
from config.db.engine import metadata
from config.db.types import Ms, Sealed
from config.errors import KeysUnavailable, SealBroken

FORMAT, CONTENT_FORMAT = 1, 2
HEADER_BYTES = 3  # format 1, key id 2
# A new key is used only when every process has had time to read it: an inquiry indexed under a
# key that another process does not know yet would escape the 24-hour rule there.
INDEX_LIFE_MS = 30 * 24 * 3_600_000  # how long a phone's index is kept after the inquiry
MOST_KEYS = 65_535

data_key = Table(
    "data_key",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("algorithm", String(8), nullable=False),
    Column("wrapped", Sealed(KEY_BYTES), nullable=False),
    Column("created_at", Ms, nullable=False),
    Column("retired_at", Ms),
    # From then on it makes no MAC, and what it signed is not believed.
    Column("revoked_at", Ms),
)


@dataclass(frozen=True, slots=True)
class DataKey:
    """One data key as operators may see it: never the key itself."""

    id: int
    algorithm: str
    created_at: int
    retired_at: int | None
    revoked_at: int | None = None


@dataclass(frozen=True, slots=True)
class Ring:
    """The data keys as they were at `read_at`; replaced whole, never changed."""

    read_at: int
    keys: Mapping[int, KeyMaterial]
    rows: tuple[DataKey, ...]
    content: ContentKeys

    def mac_key(self, at: int) -> KeyMaterial:
        """The key that makes MACs at a time: the oldest that is not revoked then."""
        return self.keys[next((row.id for row in self.rows if holds(row, at)), self.rows[-1].id)]

    def current(self, now: int) -> int:
        settled = [row.id for row in self.rows if row.created_at <= now - SETTLING_MS]
        return max(settled) if settled else self.rows[0].id

    def live(self, now: int) -> list[int]:
        """Every key whose index may still be in a row, the current one first."""
        current = self.current(now)
        return [current, *(row.id for row in self.rows if row.retired_at is None and row.id != current)]


def load_ring(db: Connection, read_at: int, master_keys: Sequence[bytes]) -> Ring:
    """Read all keys. Raises KeysUnavailable when there is none, or no master key opens them."""
    rows = db.execute(select(data_key).order_by(data_key.c.id)).all()
    content = db.execute(select(content_key).order_by(content_key.c.id)).all()
    if not rows:
        raise KeysUnavailable("there is no data key yet; `onecert db upgrade` makes the first")
    keys = {row.id: unwrap(row, master_keys) for row in rows}
    return Ring(read_at, keys, tuple(describe(row) for row in rows), ContentKeys(content, unwrap_with(keys)))


def unwrap(row: Row[Any], master_keys: Sequence[bytes]) -> KeyMaterial:
    """Open a data key with the first master key that does. Raises KeysUnavailable."""
    for master_key in master_keys:
        with suppress(ValueError, SealBroken):
            suite = parse_suite(row.algorithm)
            secret = KeyMaterial(suite, master_key).open("wrap", row.wrapped, join(row.id, suite))
            return KeyMaterial(suite, secret)
    raise KeysUnavailable("this is not the master key that the data keys were made with")


def insert_key(db: Connection, key_id: int, now: int, suite: Suite, master_key: bytes) -> KeyMaterial:
    """Make a data key and store it wrapped."""
    fresh = secrets.token_bytes(KEY_BYTES)
    wrapped = KeyMaterial(suite, master_key).seal("wrap", fresh, join(key_id, suite))
    db.execute(insert(data_key).values(id=key_id, algorithm=suite, wrapped=wrapped, created_at=now))
    return KeyMaterial(suite, fresh)


def retire_old(db: Connection, rows: Sequence[DataKey], now: int) -> None:
    """Retire keys that were followed by another one more than 30 days ago: no index of theirs is left."""
    for row, follower in zip(rows, rows[1:], strict=False):
        if row.retired_at is None and follower.created_at + SETTLING_MS + INDEX_LIFE_MS < now:
            db.execute(update(data_key).where(data_key.c.id == row.id).values(retired_at=now))


REVOKED: Final = ("token", "code", "proof")
"""Classes of content keys that end with the data keys before them: what was made with them could be forged."""


def revoke_earlier(db: Connection, ring: Ring, key_id: int, fresh: KeyMaterial, now: int, suite: Suite) -> None:
    """Revoke every key before `key_id`: tokens and codes made so far end, content keys are wrapped by the new one."""
    wrap = wrap_with(fresh, key_id)
    number = destroy(db, REVOKED)
    wrap_again(db, unwrap_with(ring.keys), wrap)
    for place, kind in enumerate(REVOKED):
        add(db, number + place, kind, now - SETTLING_MS, suite, wrap)
    earlier = (data_key.c.id != key_id) & data_key.c.revoked_at.is_(None)
    db.execute(update(data_key).where(earlier).values(revoked_at=now + SETTLING_MS))


def rewrap(db: Connection, master_key: bytes, master_keys: Sequence[bytes]) -> int:
    """Wrap every data key with `master_key`. Returns how many there are."""
    rows = db.execute(select(data_key).with_for_update()).all()
    for row in rows:
        key = unwrap(row, master_keys)
        wrapped = KeyMaterial(key.suite, master_key).seal("wrap", key.secret, join(row.id, key.suite))
        db.execute(update(data_key).where(data_key.c.id == row.id).values(wrapped=wrapped))
    return len(rows)


def header(data_format: int, key_id: int) -> bytes:
    """The first bytes of a sealed value: its format, and the id of its key."""
    return bytes((data_format,)) + key_id.to_bytes(2, "big")


def wrap_with(key: KeyMaterial, key_id: int) -> Wrap:
    """Return what wraps content keys with a data key."""
    return lambda secret, kind, number: (
        header(FORMAT, key_id) + key.seal("content-key", secret, join(kind, number, key_id))
    )


def unwrap_with(keys: Mapping[int, KeyMaterial]) -> Unwrap:
    """Return what opens content keys with the data key that each names."""

    def open_wrapped(wrapped: bytes, kind: str, number: int) -> bytes:
        key_id = int.from_bytes(wrapped[1:HEADER_BYTES], "big")
        if key_id not in keys:
            raise SealBroken("the content key is wrapped by a data key that does not exist")
        return keys[key_id].open("content-key", wrapped[HEADER_BYTES:], join(kind, number, key_id))

    return open_wrapped


def holds(row: DataKey, at: int) -> bool:
    """Return whether a key is not revoked at a time (epoch ms)."""
    return row.revoked_at is None or row.revoked_at > at


def describe(row: Row[Any]) -> DataKey:
    """A row without its key."""
    return DataKey(row.id, row.algorithm, row.created_at, row.retired_at, row.revoked_at)
