"""The administrators' actions, one row each, written in the transaction that did the thing.

Every row's MAC covers the row and the MAC before it, so a row that was altered, slipped in or taken out of the middle
shows. The head, a row of its own under a MAC, names the last row: so does a chain that was cut off at its end.
"""

import getpass
import socket
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from sqlalchemy import Column, Connection, Row, SmallInteger, String, Table, insert, select, update

from config.crypto.key_ring import KeyRing
from config.crypto.suites import hmac_equal
from config.db.engine import metadata, upsert
from config.db.types import Mac32, Ms, Serial
from config.telemetry.log import get_logger, mask
from config.times.clock import Clock

START = bytes(32)
HEAD = 1
NEW_HEAD = "audit.head"
"""The action of a row that says: there was no head here that holds, so rows cut off before this one do not show."""
SUBJECT_CHARS, DETAIL_CHARS = 128, 500
log = get_logger(__name__)

audit = Table(
    "audit",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=False),
    Column("at", Ms, nullable=False),
    Column("actor", String(96), nullable=False),
    Column("action", String(64), nullable=False),
    Column("subject", String(SUBJECT_CHARS), nullable=False),
    Column("detail", String(DETAIL_CHARS), nullable=False),
    Column("mac", Mac32, nullable=False),
)

# One row: the number and MAC of the last row of `audit`, and a MAC over both.
audit_head = Table(
    "audit_head",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("last", Serial, nullable=False),
    Column("chain", Mac32, nullable=False),
    Column("mac", Mac32, nullable=False),
)


class AuditContext(Protocol):
    """The part of the Ground that recording needs."""

    @property
    def keys(self) -> KeyRing:
        """Signs the row."""
        ...

    @property
    def clock(self) -> Clock:
        """Dates the row."""
        ...


@dataclass(frozen=True, slots=True)
class Entry:
    """One action: when (epoch ms), who, what, to what, and a sentence."""

    id: int
    at: int
    actor: str
    action: str
    subject: str
    detail: str


@dataclass(frozen=True, slots=True)
class Break:
    """A break of the chain: the first row that was altered or cut off, or the last one before a false head."""

    row: int
    kind: Literal["altered", "cut", "head"]


def record(
    db: Connection, ground: AuditContext, action: str, subject: str, detail: str = "", actor: str | None = None
) -> None:
    """Write one row in the caller's transaction. `action` is what was done: `secret.set`.

    `actor` is the operating system's user on this host unless given.
    """
    begin_head(db, ground)
    _append(db, ground, action, subject, detail, actor or current_actor())


def begin_head(db: Connection, ground: AuditContext) -> bool:
    """Give a chain whose head is missing or does not hold a new one, and a row that says so. Whether it had to.

    A chain that was made before there were heads is such a chain, once.
    """
    head = _read_head(db)
    if head is not None and _holds(ground.keys, head):
        return False
    last = db.execute(select(audit.c.id, audit.c.mac).order_by(audit.c.id.desc()).limit(1)).first()
    if last is None and head is None:
        return False
    _write_head(db, ground.keys, last.id if last else 0, last.mac if last else START)
    _append(db, ground, NEW_HEAD, "audit", "begun anew: rows cut off before this one do not show", current_actor())
    return True


def sign_head_again(db: Connection, keys: KeyRing) -> None:
    """Sign the head with the newest data key, before the earlier ones are revoked."""
    head = _read_head(db)
    if head is not None and _holds(keys, head):
        mac = keys.newest_signer(db)("audit.head", head.last, head.chain)
        db.execute(update(audit_head).values(mac=mac))


def verify(db: Connection, keys: KeyRing) -> Break | None:
    """Return the first break of the hash chain, or None. Call with writers excluded."""
    head = _read_head(db)
    before, expected_id = START, 1
    for row in db.execute(select(audit).order_by(audit.c.id)):
        if row.id != expected_id or not hmac_equal(row.mac, _mac(keys, before, _entry(row))):
            return Break(int(row.id), "altered")
        before, expected_id = row.mac, row.id + 1
    if head is None:
        return Break(expected_id - 1, "head") if expected_id > 1 else None
    if not _holds(keys, head) or head.last < expected_id - 1:
        return Break(expected_id - 1, "head")
    return Break(expected_id, "cut") if head.last >= expected_id else None


def new_heads(db: Connection) -> list[int]:
    """The rows at which the head was begun anew."""
    return list(db.execute(select(audit.c.id).where(audit.c.action == NEW_HEAD).order_by(audit.c.id)).scalars())


def listing(db: Connection, limit: int = 100) -> list[Entry]:
    """The latest rows, the newest first."""
    rows = db.execute(select(audit).order_by(audit.c.id.desc()).limit(limit))
    return [_entry(row) for row in rows]


def current_actor() -> str:
    """`user@host`: who runs this command."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        user = "unknown"
    return f"{user}@{socket.gethostname()}"


def _append(db: Connection, ground: AuditContext, action: str, subject: str, detail: str, actor: str) -> None:
    # The number follows the head's, not the last row's: what was cut off stays a gap for ever.
    head = _read_head(db)
    entry = Entry(
        id=head.last + 1 if head else 1,
        at=ground.clock.now(),
        actor=actor[:96],
        action=action[:64],
        subject=mask(subject)[:SUBJECT_CHARS],
        detail=mask(detail)[:DETAIL_CHARS],
    )
    mac = _mac(ground.keys, head.chain if head else START, entry)
    db.execute(insert(audit).values(**_columns(entry), mac=mac))
    _write_head(db, ground.keys, entry.id, mac)
    log.info("audit", audit_id=entry.id, action=entry.action, subject=entry.subject, actor=entry.actor)


def _write_head(db: Connection, keys: KeyRing, last: int, chain: bytes) -> None:
    head = {"id": HEAD, "last": last, "chain": chain, "mac": keys.mac("audit.head", last, chain)}
    db.execute(upsert(audit_head, db.dialect.name, [head], update=["last", "chain", "mac"]))


def _read_head(db: Connection) -> Row[Any] | None:
    return db.execute(select(audit_head).with_for_update()).first()


def _holds(keys: KeyRing, head: Row[Any]) -> bool:
    return any(hmac_equal(head.mac, mac) for mac in keys.believed_macs("audit.head", head.last, head.chain))


def _mac(keys: KeyRing, before: bytes, entry: Entry) -> bytes:
    return keys.mac("audit", before, *_columns(entry).values(), at=entry.at)


def _columns(entry: Entry) -> dict[str, int | str]:
    return {
        "id": entry.id,
        "at": entry.at,
        "actor": entry.actor,
        "action": entry.action,
        "subject": entry.subject,
        "detail": entry.detail,
    }


def _entry(row: Row[Any]) -> Entry:
    return Entry(row.id, row.at, row.actor, row.action, row.subject, row.detail)
