"""The catalogue in the database: numbered versions, never changed, the highest of them in force.

A version carries a MAC, so that whoever writes to the database alone cannot send citizens' numbers elsewhere.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection, Engine, Integer, Select, String, Table, Text, func, insert, select, update
from sqlalchemy.dialects import mysql

from config.catalogue.document import load_catalogue
from config.catalogue.schema import Catalogue
from config.crypto.key_ring import KeyRing
from config.crypto.suites import hmac_equal
from config.db.engine import metadata, reading
from config.db.types import Mac32, Ms
from config.errors import CatalogueInvalid
from config.telemetry.log import get_logger
from config.times.clock import Clock

CHECK_EVERY_MS = 2_000
NOTE_CHARS = 200

log = get_logger(__name__)

catalogue_version = Table(
    "catalogue_version",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("document", Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb"), nullable=False),
    Column("mac", Mac32, nullable=False),
    Column("note", String(NOTE_CHARS), nullable=False),
    Column("actor", String(96), nullable=False),
    Column("applied_at", Ms, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Version:
    """One line of the history; `applied_at` in epoch ms."""

    number: int
    note: str
    actor: str
    applied_at: int


class CatalogueStore:
    """Reads the catalogue in force and adds new versions. One for each process; threads may share it."""

    def __init__(self, engine: Engine, keys: KeyRing, clock: Clock) -> None:
        self._engine = engine
        self._keys = keys
        self._clock = clock
        self._lock = threading.Lock()
        self._current: Catalogue | None = None
        self._looked_at = 0

    def current(self) -> Catalogue:
        """The catalogue in force, at most 2 s old.

        A version that was tampered with, or that this release cannot read, changes nothing for a process that knows an
        earlier one. CatalogueInvalid when it knows none.
        """
        now = self._clock.now()
        current = self._current
        if current is not None and 0 <= now - self._looked_at < CHECK_EVERY_MS:
            return current
        with self._lock:
            if self._current is None or not 0 <= now - self._looked_at < CHECK_EVERY_MS:
                self._current = self._look(self._current)
                self._looked_at = now
            return self._current

    def apply(self, db: Connection, text: str, note: str, actor: str, now: int) -> int:
        """Check `text` and add it as the next version, in the caller's transaction; returns its number.

        Raises CatalogueInvalid; IntegrityError when somebody else added a version at the same time.
        """
        number = (db.execute(select(func.max(catalogue_version.c.number))).scalar() or 0) + 1
        load_catalogue(text, number)
        row = {"number": number, "document": text, "note": note[:NOTE_CHARS], "actor": actor[:96], "applied_at": now}
        db.execute(insert(catalogue_version).values(**row, mac=self._mac(number, text)))
        self.forget()
        return number

    def document(self, number: int | None = None, db: Connection | None = None) -> str:
        """The text of a version, comments and all; without a number, of the one in force."""
        if db is None:
            with reading(self._engine) as own:
                return self.document(number, own)
        wanted = select(catalogue_version)
        wanted = wanted.where(catalogue_version.c.number == number) if number is not None else _latest(wanted)
        row = db.execute(wanted).first()
        if row is None:
            raise CatalogueInvalid(_absent(number))
        if not any(hmac_equal(row.mac, mac) for mac in self._keys.believed_macs("catalogue", row.number, row.document)):
            raise CatalogueInvalid(f"version {row.number} of the catalogue was altered in the database; roll back")
        return str(row.document)

    def sign_again(self, db: Connection) -> None:
        """Sign every version that holds with the newest data key, before the earlier ones are revoked."""
        sign = self._keys.newest_signer(db)
        for row in db.execute(select(catalogue_version)).all():
            if any(hmac_equal(row.mac, mac) for mac in self._keys.believed_macs("catalogue", row.number, row.document)):
                this = update(catalogue_version).where(catalogue_version.c.number == row.number)
                db.execute(this.values(mac=sign("catalogue", row.number, row.document)))

    def history(self) -> list[Version]:
        """Every version, the newest first."""
        columns = catalogue_version.c
        listed = select(columns.number, columns.note, columns.actor, columns.applied_at).order_by(columns.number.desc())
        with reading(self._engine) as db:
            return [Version(*row) for row in db.execute(listed)]

    def forget(self) -> None:
        """Look into the database the next time the catalogue is wanted."""
        with self._lock:
            self._looked_at = 0

    def _look(self, known: Catalogue | None) -> Catalogue:
        with reading(self._engine) as db:
            number = db.execute(select(func.max(catalogue_version.c.number))).scalar()
            if known is not None and known.version == number:
                return known
            try:
                return load_catalogue(self.document(number, db), number or 0)
            except CatalogueInvalid as fault:
                if known is None:
                    raise
                log.error("catalogue_not_followed", version=number, kept=known.version, reason=fault.detail)
                return known

    def _mac(self, number: int, text: str) -> bytes:
        return self._keys.mac("catalogue", number, text)


def _latest(wanted: Select[Any]) -> Select[Any]:
    return wanted.order_by(catalogue_version.c.number.desc()).limit(1)


def _absent(number: int | None) -> str:
    if number is None:
        return (
            "there is no catalogue yet: `onecert config default > FILE` writes one to edit, "
            "`onecert config apply FILE` makes it the first"
        )
    return f"the catalogue has no version {number}; `onecert config history` lists them"
