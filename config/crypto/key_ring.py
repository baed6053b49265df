"""The key ring: what seals personal data at rest, indexes phones blindly and signs what is ours.

The master key is outside the database and opens the data keys in it, which do the work. A sealed
value names its data key, so keys can be changed while values of several live side by side.
"""

import base64
import binascii
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection, Engine, Integer, Row, String, Table, func, insert, select, update
from sqlalchemy.exc import DatabaseError, IntegrityError

from config.crypto.suites import KEY_BYTES, KeyMaterial, Suite, join, parse_suite
from config.db.engine import is_duplicate, metadata, reading
from config.db.types import Ms, Sealed
from config.errors import DatabaseUnavailable, KeysUnavailable, SealBroken
from config.times.clock import Clock

FORMAT = 1
HEADER_BYTES = 3  # format 1, key id 2
REFRESH_MS = 20_000
# A new key is used only when every process has had time to read it: an inquiry indexed under a
# key that another process does not know yet would escape the 24-hour rule there.
SETTLING_MS = 60_000
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
)


@dataclass(frozen=True, slots=True)
class DataKey:
    """One data key as operators may see it: never the key itself."""

    id: int
    algorithm: str
    created_at: int
    retired_at: int | None


@dataclass(frozen=True, slots=True)
class _Ring:
    """The data keys as they were at `read_at`; replaced whole, never changed."""

    read_at: int
    keys: Mapping[int, KeyMaterial]
    rows: tuple[DataKey, ...]

    def current(self, now: int) -> int:
        settled = [row.id for row in self.rows if row.created_at <= now - SETTLING_MS]
        return max(settled) if settled else self.rows[0].id

    def live(self, now: int) -> list[int]:
        """Every key whose index may still be in a row, the current one first."""
        current = self.current(now)
        return [current, *(row.id for row in self.rows if row.retired_at is None and row.id != current)]


class KeyRing:
    """Seals, opens, indexes and signs. Reads the data keys from the database when first asked.

    Every method raises KeysUnavailable while the database does not answer or holds no data key,
    or when the master key does not open them.
    """

    def __init__(self, engine: Engine, master_key: bytes, suite: str, clock: Clock) -> None:
        self._engine = engine
        self._master_key = master_key
        self._suite: Suite = parse_suite(suite)
        self._clock = clock
        self._lock = threading.Lock()
        self._ring: _Ring | None = None

    def seal(self, plain: bytes, *, table: str, column: str, row: bytes | int | str) -> bytes:
        """format | key id | nonce | ciphertext | tag: opens only at this table, column and row."""
        return self._seal("seal", plain, (table, column, row))

    def open(self, sealed: bytes, *, table: str, column: str, row: bytes | int | str) -> bytes:
        """What was sealed for this place; SealBroken when it is not from there or was altered."""
        return self._open("seal", sealed, (table, column, row))

    def seal_token(self, purpose: str, payload: bytes, occasion: bytes | None = None) -> str:
        """A sealed, URL-safe text that only `open_token` with the same purpose opens.

        With an `occasion`, under one key, the same payload gives the same text.
        """
        return _to_text(self._seal("token", payload, (purpose,), occasion))

    def open_token(self, purpose: str, token: str) -> bytes:
        """The payload of a token; SealBroken when it is not ours, or made for another purpose."""
        return self._open("token", _from_text(token), (purpose,))

    def phone_index(self, phone: str) -> bytes:
        """The blind index of a phone under the current key: 32 bytes to write."""
        return self.phone_indexes(phone)[0]

    def phone_indexes(self, phone: str) -> list[bytes]:
        """The blind indexes of a phone under every live key, the current first: to look for."""
        now = self._clock.now()
        ring = self._read(now)
        return [ring.keys[key_id].mac("phone-index", phone.encode()) for key_id in ring.live(now)]

    def mac(self, purpose: str, *parts: bytes | str | int) -> bytes:
        """A MAC of 32 bytes over the parts, for this purpose; the same before and after a rotation.

        It uses the oldest data key for ever: audit rows must verify after years, and sessions and
        codes must outlive a rotation.
        """
        ring = self._read(self._clock.now())
        return ring.keys[ring.rows[0].id].mac(f"mac/{purpose}", join(*parts))

    def check(self) -> None:
        """Raise KeysUnavailable unless the ring can be read now; for readiness and `doctor`."""
        with self._lock:
            self._ring = self._load()

    def listing(self) -> list[DataKey]:
        """Every data key, the oldest first."""
        return list(self._load().rows)

    def current_id(self) -> int:
        """The number of the key that seals now."""
        now = self._clock.now()
        return self._read(now).current(now)

    def is_empty(self, db: Connection) -> bool:
        """Whether no data key was ever made."""
        return not db.execute(select(func.count()).select_from(data_key)).scalar_one()

    def ensure_first(self, db: Connection, now: int) -> bool:
        """Make data key 1 when there is none; False when there is, or another process made it."""
        if not self.is_empty(db):
            return False
        try:
            with db.begin_nested():
                self._insert(db, 1, now)
        except IntegrityError as error:
            if not is_duplicate(error):
                raise
            return False
        return True

    def rotate(self, db: Connection, now: int) -> int:
        """Make the next data key; it is used after a minute. Returns its number.

        Keys that were followed by another one more than 30 days ago are retired: they still open
        what they sealed, but phones are no longer looked for under them.
        """
        rows = [_data_key(row) for row in db.execute(select(data_key).order_by(data_key.c.id).with_for_update())]
        key_id = rows[-1].id + 1 if rows else 1
        if key_id > MOST_KEYS:
            raise KeysUnavailable("no data key number is left")
        self._insert(db, key_id, now)
        for row, follower in zip(rows, rows[1:], strict=False):
            if row.retired_at is None and follower.created_at + SETTLING_MS + INDEX_LIFE_MS < now:
                db.execute(update(data_key).where(data_key.c.id == row.id).values(retired_at=now))
        return key_id

    def _insert(self, db: Connection, key_id: int, now: int) -> None:
        fresh = secrets.token_bytes(KEY_BYTES)
        wrapped = KeyMaterial(self._suite, self._master_key).seal("wrap", fresh, join(key_id, self._suite))
        db.execute(insert(data_key).values(id=key_id, algorithm=self._suite, wrapped=wrapped, created_at=now))

    def _seal(
        self, purpose: str, plain: bytes, place: tuple[bytes | str | int, ...], occasion: bytes | None = None
    ) -> bytes:
        now = self._clock.now()
        ring = self._read(now)
        key_id = ring.current(now)
        header = bytes((FORMAT,)) + key_id.to_bytes(2, "big")
        return header + ring.keys[key_id].seal(purpose, plain, join(*place, key_id), occasion)

    def _open(self, purpose: str, sealed: bytes, place: tuple[bytes | str | int, ...]) -> bytes:
        if len(sealed) < HEADER_BYTES or sealed[0] != FORMAT:
            raise SealBroken("the sealed value has an unknown format")
        key_id = int.from_bytes(sealed[1:HEADER_BYTES], "big")
        return self._key(key_id).open(purpose, sealed[HEADER_BYTES:], join(*place, key_id))

    def _key(self, key_id: int) -> KeyMaterial:
        ring = self._read(self._clock.now())
        if key_id not in ring.keys:
            ring = self._read(self._clock.now(), unknown=key_id)
        try:
            return ring.keys[key_id]
        except KeyError:
            raise SealBroken("the sealed value names a data key that does not exist") from None

    def _read(self, now: int, unknown: int | None = None) -> _Ring:
        ring = self._ring
        if ring is not None and unknown is None and 0 <= now - ring.read_at < REFRESH_MS:
            return ring
        with self._lock:
            # Another thread may have read it while this one waited. Whoever sends forged tokens
            # with unknown key ids makes us look no more than once a second.
            fresh_ms = REFRESH_MS if unknown is None else 1_000
            if self._ring is None or not 0 <= now - self._ring.read_at < fresh_ms:
                self._ring = self._load()
            return self._ring

    def _load(self) -> _Ring:
        read_at = self._clock.now()
        try:
            with reading(self._engine) as db:
                rows = db.execute(select(data_key).order_by(data_key.c.id)).all()
        except (DatabaseUnavailable, DatabaseError) as error:
            raise KeysUnavailable("the data keys cannot be read") from error
        if not rows:
            raise KeysUnavailable("there is no data key yet; `onecert db upgrade` makes the first")
        return _Ring(read_at, {row.id: self._unwrap(row) for row in rows}, tuple(_data_key(row) for row in rows))

    def _unwrap(self, row: Row[Any]) -> KeyMaterial:
        try:
            suite = parse_suite(row.algorithm)
            secret = KeyMaterial(suite, self._master_key).open("wrap", row.wrapped, join(row.id, suite))
        except (ValueError, SealBroken):
            raise KeysUnavailable("this is not the master key that the data keys were made with") from None
        return KeyMaterial(suite, secret)


def _data_key(row: Row[Any]) -> DataKey:
    return DataKey(row.id, row.algorithm, row.created_at, row.retired_at)


def _to_text(sealed: bytes) -> str:
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()


def _from_text(token: str) -> bytes:
    try:
        sealed = base64.b64decode(token.encode("ascii") + b"=" * (-len(token) % 4), b"-_", validate=True)
    except (ValueError, binascii.Error):
        raise SealBroken("the token is not ours") from None
    if _to_text(sealed) != token:  # base64 has several spellings of one value; a token has one
        raise SealBroken("the token is not ours")
    return sealed
