"""The key ring: what seals personal data at rest, indexes phones blindly and signs what is ours.

The master key is outside the database and opens the data keys in it, which do the work. A sealed
value names its data key, so keys can be changed while values of several live side by side.
"""

import base64
import binascii
import threading
from collections.abc import Callable
from contextlib import nullcontext

from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.exc import DatabaseError, IntegrityError

from config.crypto.content_keys import CLASS_OF, SETTLING_MS, ContentKey, tend
from config.crypto.data_keys import (
    CONTENT_FORMAT,
    FORMAT,
    HEADER_BYTES,
    INDEX_LIFE_MS,
    MOST_KEYS,
    DataKey,
    Ring,
    data_key,
    describe,
    header,
    holds,
    insert_key,
    load_ring,
    retire_old,
    revoke_earlier,
    rewrap,
    wrap_with,
)
from config.crypto.suites import KeyMaterial, Suite, join, parse_suite
from config.db.engine import is_duplicate, reading
from config.errors import DatabaseUnavailable, KeysUnavailable, SealBroken
from config.times.clock import Clock

__all__ = ["INDEX_LIFE_MS", "SETTLING_MS", "DataKey", "KeyRing", "data_key"]

REFRESH_MS = 20_000
KEY_LIFE_MS = 90 * 24 * 3_600_000
"""After this the clock process makes the next data key."""


class KeyRing:
    """Seals, opens, indexes and signs. Reads the data keys from the database when first asked.

    Every method raises KeysUnavailable while the database does not answer or holds no data key,
    or when the master key does not open them.
    """

    def __init__(
        self, engine: Engine, master_key: bytes, suite: str, clock: Clock, previous_master_key: bytes = b""
    ) -> None:
        self._engine = engine
        self._master_key = master_key
        self._master_keys = [key for key in (master_key, previous_master_key) if key]
        self._suite: Suite = parse_suite(suite)
        self._clock = clock
        self._lock = threading.Lock()
        self._ring: Ring | None = None

    def seal(self, plain: bytes, *, table: str, column: str, row: bytes | int | str) -> bytes:
        """format | key id | nonce | ciphertext | tag: opens only at this table, column and row.

        Columns of CLASS_OF are sealed under a content key, and open as long as that lives.
        """
        return self._seal("seal", plain, (table, column, row), kind=CLASS_OF.get((table, column)))

    def open(self, sealed: bytes, *, table: str, column: str, row: bytes | int | str) -> bytes:
        """Return what was sealed for this place; SealBroken when it is not from there or was altered."""
        return self._open("seal", sealed, (table, column, row), kind=CLASS_OF.get((table, column)))

    def seal_token(self, purpose: str, payload: bytes, occasion: bytes | None = None) -> str:
        """A sealed, URL-safe text that only `open_token` with the same purpose opens.

        With an `occasion`, under one key, the same payload gives the same text.
        """
        return _to_text(self._seal("token", payload, (purpose,), occasion, kind="token"))

    def open_token(self, purpose: str, token: str) -> bytes:
        """The payload of a token; SealBroken when it is not ours, made for another purpose, or its key is over."""
        sealed = _from_text(token)
        if sealed[:1] == bytes((FORMAT,)) and self._read(self._clock.now()).content.live("token", 0):
            raise SealBroken("the token is of a kind that is not made any more")
        return self._open("token", sealed, (purpose,), kind="token")

    def phone_index(self, phone: str) -> bytes:
        """The blind index of a phone under the current key: 32 bytes to write."""
        return self.phone_indexes(phone)[0]

    def phone_indexes(self, phone: str, *, retired: bool = False) -> list[bytes]:
        """The blind indexes of a phone under every live key, the current first: to look for.

        `retired`: under every key there ever was, for rows that are kept for longer than 30 days.
        """
        now = self._clock.now()
        ring = self._read(now)
        live = ring.live(now)
        wanted = [*live, *(key_id for key_id in ring.keys if key_id not in live)] if retired else live
        return [ring.keys[key_id].mac("phone-index", phone.encode()) for key_id in wanted]

    def mac(self, purpose: str, *parts: bytes | str | int, at: int | None = None) -> bytes:
        """A MAC of 32 bytes over the parts, for this purpose; the same before and after a rotation.

        It uses the oldest data key that is not revoked, since audit rows must verify after years, and sessions must
        outlive a rotation; with `at` (epoch ms), the one that did so then.
        """
        now = self._clock.now()
        return self._read(now).mac_key(now if at is None else at).mac(f"mac/{purpose}", join(*parts))

    def believed_macs(self, purpose: str, *parts: bytes | str | int) -> list[bytes]:
        """The MACs under every data key that is not revoked: what was signed anew just before a revocation holds."""
        now = self._clock.now()
        ring = self._read(now)
        keys = [ring.keys[row.id] for row in ring.rows if holds(row, now)]
        return [key.mac(f"mac/{purpose}", join(*parts)) for key in keys]

    def seal_newest(self, db: Connection, plain: bytes, *, table: str, column: str, row: bytes | int | str) -> bytes:
        """Seal under the newest data key, one that this transaction has just made included."""
        ring = self._load(db)
        key_id = ring.rows[-1].id
        head = header(FORMAT, key_id)
        return head + ring.keys[key_id].seal("seal", plain, join(table, column, row, key_id))

    def newest_signer(self, db: Connection) -> Callable[..., bytes]:
        """Return `mac` under the newest data key, one that this transaction has just made included."""
        ring = self._load(db)
        key = ring.keys[ring.rows[-1].id]
        return lambda purpose, *parts: key.mac(f"mac/{purpose}", join(*parts))

    def code_macs(self, purpose: str, *parts: bytes | str | int) -> list[bytes]:
        """MACs under short-lived keys, the current first: to write the first, and to look for all of them."""
        now = self._clock.now()
        live = self._read(now).content.live("code", now)
        if not live:
            return [self.mac(purpose, *parts)]
        return [key.material.mac(f"mac/{purpose}", join(*parts, key.id)) for key in live]

    def content_macs(self, kind: str, purpose: str, *parts: bytes | str | int) -> list[bytes]:
        """MACs under the content keys of a class, the current first; none when the class has no key."""
        now = self._clock.now()
        live = self._read(now).content.live(kind, now)
        return [key.material.mac(f"mac/{purpose}", join(*parts, key.id)) for key in live]

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
        """Return whether no data key was ever made."""
        return not db.execute(select(func.count()).select_from(data_key)).scalar_one()

    def ensure_first(self, db: Connection, now: int) -> bool:
        """Make data key 1 when there is none; False when there is, or another process made it."""
        if not self.is_empty(db):
            return False
        try:
            with db.begin_nested():
                tend(db, now, self._suite, wrap_with(insert_key(db, 1, now, self._suite, self._master_key), 1))
        except IntegrityError as error:
            if not is_duplicate(error):
                raise
            return False
        return True

    def tend(self, db: Connection, now: int) -> None:
        """Make the content keys that are due, and destroy those that are over; for the clock process."""
        ring = self._load(db)
        key_id = ring.current(now)
        tend(db, now, self._suite, wrap_with(ring.keys[key_id], key_id))

    def is_old(self, db: Connection, now: int) -> bool:
        """Return whether the newest data key is due to be followed."""
        return self._load(db).rows[-1].created_at + KEY_LIFE_MS <= now

    def rotate(self, db: Connection, now: int, *, revoke: bool = False) -> int:
        """Make the next data key; it is used after a minute. Returns its number.

        Keys that were followed by another one more than 30 days ago are retired: they still open
        what they sealed, but phones are no longer looked for under them. `revoke`: earlier keys may be in somebody's
        hands. Sessions, tickets and codes made so far end, MACs are made and believed under the new key alone once it
        is used, and content keys are wrapped by it.
        """
        rows = [describe(row) for row in db.execute(select(data_key).order_by(data_key.c.id).with_for_update())]
        key_id = rows[-1].id + 1 if rows else 1
        if key_id > MOST_KEYS:
            raise KeysUnavailable("no data key number is left")
        fresh = insert_key(db, key_id, now, self._suite, self._master_key)
        if revoke:
            revoke_earlier(db, self._load(db), key_id, fresh, now, self._suite)
        retire_old(db, rows, now)
        return key_id

    def rewrap(self, db: Connection) -> int:
        """Wrap every data key with the master key that is configured now. Returns how many there are."""
        return rewrap(db, self._master_key, self._master_keys)

    def _seal(
        self,
        purpose: str,
        plain: bytes,
        place: tuple[bytes | str | int, ...],
        occasion: bytes | None = None,
        kind: str | None = None,
    ) -> bytes:
        now = self._clock.now()
        ring = self._read(now)
        content = ring.content.current(kind, now) if kind is not None else None
        if content is not None:
            head = header(CONTENT_FORMAT, content.short_id)
            return head + content.material.seal(purpose, plain, join(*place, content.short_id), occasion)
        key_id = ring.current(now)
        head = header(FORMAT, key_id)
        return head + ring.keys[key_id].seal(purpose, plain, join(*place, key_id), occasion)

    def _open(
        self, purpose: str, sealed: bytes, place: tuple[bytes | str | int, ...], kind: str | None = None
    ) -> bytes:
        if len(sealed) < HEADER_BYTES or sealed[0] not in (FORMAT, CONTENT_FORMAT):
            raise SealBroken("the sealed value has an unknown format")
        key_id = int.from_bytes(sealed[1:HEADER_BYTES], "big")
        if sealed[0] == CONTENT_FORMAT:
            key = self._content_key(kind or "", key_id)
            return key.material.open(purpose, sealed[HEADER_BYTES:], join(*place, key_id))
        return self._key(key_id).open(purpose, sealed[HEADER_BYTES:], join(*place, key_id))

    def _content_key(self, kind: str, short_id: int) -> ContentKey:
        found = self._read(self._clock.now()).content.find(kind, short_id)
        if found is None:
            found = self._read(self._clock.now(), unknown=short_id).content.find(kind, short_id)
        if found is None:
            raise SealBroken("the key of the sealed value was destroyed, or is another class's")
        return found

    def _key(self, key_id: int) -> KeyMaterial:
        ring = self._read(self._clock.now())
        if key_id not in ring.keys:
            ring = self._read(self._clock.now(), unknown=key_id)
        try:
            return ring.keys[key_id]
        except KeyError:
            raise SealBroken("the sealed value names a data key that does not exist") from None

    def _read(self, now: int, unknown: int | None = None) -> Ring:
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

    def _load(self, db: Connection | None = None) -> Ring:
        read_at = self._clock.now()
        try:
            with nullcontext(db) if db is not None else reading(self._engine) as source:
                return load_ring(source, read_at, self._master_keys)
        except (DatabaseUnavailable, DatabaseError) as error:
            raise KeysUnavailable("the data keys cannot be read") from error


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
