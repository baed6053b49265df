"""Everything that is kept about a number, found by its blind index under every key there ever was.

Never a count, a finding, an ID digit or the number itself: the operator tells the citizen that it is kept, not what.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, LargeBinary, Row, Table, func, select

from config.db.types import RawBytes
from config.ground import Ground
from config.times.formats import shanghai
from query.helps.models import help_block, help_offer
from query.inquiry import HOUR, INDEX_KEPT, Outcome, State
from query.models import code_sent, inquiry, last_inquiry, notice, verification_code
from query.objections.models import objection, objection_quota
from query.objections.rules.objection import State as ObjectionState
from query.texts.models import conversation
from query.watches.models import watch
from query.watches.watch import State as WatchState
from sms_port.models import inbound, opt_out, unmatched

UNNAMED: Final = ("id", "wave")


@dataclass(frozen=True, slots=True)
class Record:
    """A row about a number: its kind, its name for the operator, its state, its time (epoch ms), and what it holds."""

    kind: str
    name: str
    state: str
    at: int
    holds: tuple[str, ...]


def find_records(db: Connection, ground: Ground, phone: str) -> list[Record]:
    """Return what is kept about a number, the oldest of each kind first."""
    indexes = ground.keys.phone_indexes(phone, retired=True)
    return [
        *(_inquiry(row) for row in find_inquiries(db, ground.clock.now(), indexes)),
        *_notices(db, ground, indexes),
        *(_objection(row) for row in _rows(db, objection, objection.c.phone_index.in_(indexes))),
        *(_watch(row) for row in _rows(db, watch, watch.c.phone_index.in_(indexes))),
        *_quota(db, ground, phone),
        *_counted(db, "code", verification_code, verification_code.c.created_at, indexes),
        *_counted(db, "code sent", code_sent, code_sent.c.sent_at, indexes),
        *_counted(db, "rule of 24 hours", last_inquiry, last_inquiry.c.accepted_at, indexes),
        *_counted(db, "text to us", inbound, inbound.c.at, indexes),
        *_counted(db, "receipt", unmatched, unmatched.c.at, indexes),
        *_counted(db, "conversation by text", conversation, conversation.c.expires_at, indexes),
        *_counted(db, "offer of a relative", help_offer, help_offer.c.made_at, indexes),
        *_counted(db, "offers of relatives stopped", help_block, help_block.c.at, indexes),
        *_counted(db, "codes stopped", opt_out, opt_out.c.at, indexes),
    ]


def find_inquiries(db: Connection, now: int, indexes: Sequence[bytes]) -> Iterator[Row[Any]]:
    """Yield the inquiries of a number, hour by hour of their ids.

    They have no index by number, since each inquiry would pay for it; an hour is read within a statement's time.
    """
    for hour in range((now - INDEX_KEPT) // HOUR, now // HOUR + 1):
        begin, end = (((hour + more) * HOUR).to_bytes(6, "big") + bytes(10) for more in (0, 1))
        within = (inquiry.c.id >= begin, inquiry.c.id < end)
        mine = select(inquiry).where(*within, inquiry.c.phone_index.in_(indexes))
        yield from db.execute(mine.order_by(inquiry.c.id)).all()


def _rows(db: Connection, table: Table, mine: ColumnElement[bool]) -> Sequence[Row[Any]]:
    return db.execute(select(table).where(mine).order_by(table.c.id)).all()


def _inquiry(row: Row[Any]) -> Record:
    outcome = f", {Outcome(row.outcome).name.lower()}" if row.outcome is not None else ""
    state = f"{State(row.state).name.lower()}{outcome}"
    return Record(f"inquiry ({row.service})", str(row.reference), state, row.accepted_at, _holds(inquiry, row))


def _notices(db: Connection, ground: Ground, indexes: Sequence[bytes]) -> Iterator[Record]:
    references = [row.reference for row in find_inquiries(db, ground.clock.now(), indexes)]
    for row in db.execute(select(notice).where(notice.c.reference.in_(references)).order_by(notice.c.reference)):
        yield Record("notice", str(row.reference), "", row.owed_at, _holds(notice, row))


def _objection(row: Row[Any]) -> Record:
    state = ObjectionState(row.state).name.lower()
    return Record("objection", str(row.reference), state, row.accepted_at, _holds(objection, row))


def _watch(row: Row[Any]) -> Record:
    return Record("alerts", row.id.hex(), WatchState(row.state).name.lower(), row.started_at, _holds(watch, row))


def _quota(db: Connection, ground: Ground, phone: str) -> Iterator[Record]:
    year = shanghai(ground.clock.now()).year
    mine = objection_quota.c.holder == ground.keys.mac("objection-quota", year, phone)
    for row in db.execute(select(objection_quota).where(mine)):
        yield Record("objections of the year", str(year), str(row.used), 0, ("holder",))


def _counted(
    db: Connection, kind: str, table: Table, at: ColumnElement[int], indexes: Sequence[bytes]
) -> Iterator[Record]:
    """One record for all rows of a kind that have no name."""
    found = select(func.count(), func.max(at)).where(table.c.phone_index.in_(indexes))
    number, last = db.execute(found).one()
    if number:
        yield Record(kind, "", f"{number} rows", last, ("phone_index",))


def _holds(table: Table, row: Row[Any]) -> tuple[str, ...]:
    """The sealed values and MACs that a row still has."""
    held = [column.name for column in table.columns if isinstance(column.type, RawBytes | LargeBinary)]
    return tuple(name for name in held if name not in UNNAMED and getattr(row, name) is not None)
