"""Whose part a gateway speaks of: by our reference, by its own name for it, or, after an answer was lost, by what else
the report tells (the extension of the sender, or the number and the minute).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sqlalchemy import Column, Connection, Row, delete, select

from config.crypto.key_ring import KeyRing
from config.db.engine import id_in, reading, transact, upsert
from config.errors import SealBroken
from config.ground import Ground
from sms_port.ledger.payload import open_payload
from sms_port.ledger.states import grouped
from sms_port.message_reference import extension_of, parse_reference
from sms_port.models import Lane, State, attempt, message, part, receipt, unmatched

CANDIDATES = 1_000
AROUND_MS = 120_000
"""A report tells the minute of submission, by the gateway's clock."""

UNMATCHED_KEPT_MS = 72 * 3_600_000
AT_ONCE = 500


@dataclass(frozen=True)
class Clues:
    """What a report tells besides its name: the number, the sender's extension, the minute (epoch ms; 0: unknown)."""

    phone: str = field(repr=False)
    extension: str
    submitted_at: int


@dataclass(frozen=True)
class _Clue:
    reference: str
    extension: str
    phone_index: bytes = field(repr=False)
    submitted_at: int


def find_owners(db: Connection, ground: Ground, link: str, named: Mapping[str, Clues | None]) -> set[bytes]:
    """The messages of which these references name a part; references nobody knows are kept for `match_again`."""
    owners: dict[str, bytes] = {name: parsed[0] for name in named if (parsed := parse_reference(name))}
    theirs = [reference for reference in named if reference not in owners]
    if theirs:
        mine = (part.c.link == link) & part.c.provider_id.in_(theirs)
        known = db.execute(select(part.c.provider_id, part.c.message).where(mine))
        owners |= {row[0]: row[1] for row in known}
    clues = [_clue(ground, name, trace) for name, trace in named.items() if trace is not None and name not in owners]
    if clues:
        owners |= _match(db, ground, link, clues)
        _keep(db, ground, link, [clue for clue in clues if clue.reference not in owners])
    return set(owners.values())


def name_parts(db: Connection, link: str, named: Mapping[tuple[bytes, int], Sequence[str]], now: int) -> None:
    """Note what a gateway calls the parts of (message, sending)."""
    rows = [
        {"link": link, "provider_id": name, "message": key[0], "sending": key[1], "number": number, "at": now}
        for key, names in named.items()
        for number, name in enumerate(names, 1)
        if name
    ]
    if rows:
        db.execute(upsert(part, db.dialect.name, update=["message", "sending", "number", "at"]), rows)


def already_known(db: Connection, link: str, names: Sequence[str]) -> set[str]:
    """Those of a gateway's names under which receipts are kept already."""
    early = (receipt.c.link == link) & receipt.c.reference.in_(names)
    return set(db.scalars(select(receipt.c.reference).where(early)))


def match_again(ground: Ground) -> dict[str, set[bytes]]:
    """Try receipts that nobody knew once more, since a message may have become unknown after they came.

    Returns the messages they now belong to, by link.
    """
    found = _named_since(ground)
    with reading(ground.engine) as db:
        doubtful = select(message.c.link).where(message.c.state == State.UNKNOWN, message.c.lane.in_(list(Lane)))
        links = [str(link) for link in db.scalars(doubtful.distinct()) if link is not None]
        known = unmatched.c.link.in_(links)
        rows = db.execute(select(unmatched).where(known).limit(AT_ONCE)).all() if links else []
    for link, members in grouped((row.link, row) for row in rows).items():
        clues = [_Clue(row.reference, row.extension, row.phone_index, row.submitted_at) for row in members]
        if matched := transact(ground.engine, partial(_match_kept, ground=ground, link=link, clues=clues)):
            found[link] = found.get(link, set()) | matched
    return found


def _named_since(ground: Ground) -> dict[str, set[bytes]]:
    """Receipts whose part was given its name after they came, by a process that died before it looked."""
    same = (part.c.link == unmatched.c.link) & (part.c.provider_id == unmatched.c.reference)
    look = select(unmatched.c.link, unmatched.c.reference, part.c.message).join(part, same).limit(AT_ONCE)
    with reading(ground.engine) as db:
        rows = db.execute(look).all()
    found: dict[str, set[bytes]] = {}
    for link, members in grouped((str(row.link), row) for row in rows).items():
        gone = (unmatched.c.link == link) & unmatched.c.reference.in_([row.reference for row in members])
        transact(ground.engine, partial(Connection.execute, statement=delete(unmatched).where(gone)))
        found[link] = {row.message for row in members}
    return found


def _match_kept(db: Connection, *, ground: Ground, link: str, clues: Sequence[_Clue]) -> set[bytes]:
    owners = _match(db, ground, link, clues)
    if owners:
        db.execute(delete(unmatched).where(unmatched.c.link == link, unmatched.c.reference.in_(list(owners))))
    return set(owners.values())


def _clue(ground: Ground, reference: str, trace: Clues) -> _Clue:
    return _Clue(reference, trace.extension, ground.keys.phone_index(trace.phone), trace.submitted_at)


def _keep(db: Connection, ground: Ground, link: str, clues: Sequence[_Clue]) -> None:
    now = ground.clock.now()
    rows = [{"link": link, "at": now, **vars(clue)} for clue in clues]
    if rows:
        db.execute(upsert(unmatched, db.dialect.name, update=["at"]), rows)


def _match(db: Connection, ground: Ground, link: str, clues: Sequence[_Clue]) -> dict[str, bytes]:
    """Reference -> message, for clues that fit exactly one message in doubt; its next part gets the name."""
    doubts, now = _doubts(db, ground, link), ground.clock.now()
    matched: dict[str, bytes] = {}
    rows: list[dict[str, Any]] = []
    for clue in clues:
        fitting = [doubt for doubt in doubts if doubt.free and doubt.fits(clue)]
        if len(fitting) == 1:
            row = fitting[0].row
            values = {"message": row.id, "sending": row.sending, "number": fitting[0].free.pop(0), "at": now}
            rows.append({"link": link, "provider_id": clue.reference, **values})
            matched[clue.reference] = row.id
    if rows:
        db.execute(upsert(part, db.dialect.name, update=["message", "sending", "number", "at"]), rows)
    return matched


@dataclass
class _Doubt:
    """A message in doubt, the numbers of its parts that have no name yet, and its number's indexes once needed."""

    keys: KeyRing
    row: Row[Any]
    free: list[int]
    indexes: Sequence[bytes] | None = field(default=None, repr=False)

    def fits(self, clue: _Clue) -> bool:
        """Whether the report that gave this clue can be about this message."""
        if clue.extension:
            return clue.extension == extension_of(self.row.id, len(clue.extension))
        if clue.submitted_at and abs(clue.submitted_at - self.row.started_at) > AROUND_MS:
            return False
        if self.indexes is None:
            self.indexes = self._indexes()
        return clue.phone_index in self.indexes

    def _indexes(self) -> Sequence[bytes]:
        try:
            return self.keys.phone_indexes(open_payload(self.keys, self.row.id, self.row.sealed).phone)
        except SealBroken:
            return ()


def _doubts(db: Connection, ground: Ground, link: str) -> list[_Doubt]:
    last = (attempt.c.message == message.c.id) & (attempt.c.number == message.c.attempts)
    columns: list[Column[Any]] = [message.c.id, message.c.sending, message.c.sealed]
    columns += [attempt.c.parts, attempt.c.started_at]
    doubtful = (message.c.state == State.UNKNOWN) & message.c.lane.in_(list(Lane)) & (message.c.link == link)
    rows = db.execute(select(*columns).join(attempt, last).where(doubtful).limit(CANDIDATES)).all()
    known = select(part.c.message, part.c.sending, part.c.number).where(id_in(part.c.message, [row.id for row in rows]))
    named = {(row[0], row[1], row[2]) for row in db.execute(known)} if rows else set()
    return [
        _Doubt(ground.keys, row, [n for n in range(1, row.parts + 1) if (row.id, row.sending, n) not in named])
        for row in rows
    ]
