"""The administrators' actions, one row each, written in the transaction that did the thing.

Every row's MAC covers the row and the MAC before it, so a row that was altered, slipped in or
taken out of the middle shows. Rows cut off at the end show against the log, which names each row.
"""

import getpass
import socket
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Column, Connection, Row, String, Table, insert, select

from config.clock import Clock
from config.db import Mac32, Ms, Serial, metadata
from config.keys import KeyRing
from config.log import get_logger, mask
from config.sealing import hmac_equal

START = bytes(32)
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


class Witness(Protocol):
    """What recording needs of the ground."""

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


def record(
    db: Connection, ground: Witness, action: str, subject: str, detail: str = "", actor: str | None = None
) -> None:
    """Write one row in the caller's transaction. `action` is what was done: `secret.set`.

    `actor` is the operating system's user on this host unless given.
    """
    last = db.execute(select(audit.c.id, audit.c.mac).order_by(audit.c.id.desc()).limit(1).with_for_update()).first()
    entry = Entry(
        id=last.id + 1 if last else 1,
        at=ground.clock.now(),
        actor=(actor or current_actor())[:96],
        action=action[:64],
        subject=mask(subject)[:SUBJECT_CHARS],
        detail=mask(detail)[:DETAIL_CHARS],
    )
    mac = _mac(ground.keys, last.mac if last else START, entry)
    db.execute(insert(audit).values(**_columns(entry), mac=mac))
    log.info("audit", audit_id=entry.id, action=entry.action, subject=entry.subject, actor=entry.actor)


def verify(db: Connection, keys: KeyRing) -> int | None:
    """The number of the first row that was altered, or whose neighbour is gone; None when all hold."""
    before, expected_id = START, 1
    for row in db.execute(select(audit).order_by(audit.c.id)):
        if row.id != expected_id or not hmac_equal(row.mac, _mac(keys, before, _entry(row))):
            return int(row.id)
        before, expected_id = row.mac, row.id + 1
    return None


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


def _mac(keys: KeyRing, before: bytes, entry: Entry) -> bytes:
    return keys.mac("audit", before, *_columns(entry).values())


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
