"""The 24-hour rule: one accepted inquiry per number and service in 24 hours, across entrances and sessions.

`last_inquiry` has one row per number and service, reserved by one conditional upsert: of two sessions with two right
codes, the second waits for the first one's lock and then finds the row taken.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnClause,
    Connection,
    bindparam,
    column,
    delete,
    func,
    insert,
    literal_column,
    select,
)
from sqlalchemy.dialects import mysql, sqlite

from query.errors import TooSoon
from query.inquiry import GAP, SECOND, accepted_at
from query.intake.codes import PhoneHolder
from query.models import last_inquiry

_GAP: Final[ColumnClause[int]] = literal_column(str(GAP), BigInteger)
"""Written into the statement, not bound: PyMySQL joins many rows into one statement only when nothing else is bound."""

_HOLDERS_OF_DAYS = select(
    last_inquiry.c.phone_index, last_inquiry.c.service, last_inquiry.c.accepted_at, last_inquiry.c.inquiry
)
_HOLDERS_OF_DAYS = _HOLDERS_OF_DAYS.where(last_inquiry.c.phone_index.in_(bindparam("indexes", expanding=True)))


@dataclass(frozen=True, slots=True)
class Reservation:
    """An inquiry that needs its number's next 24 hours."""

    holder: PhoneHolder
    inquiry: bytes
    now: int


def reserve(db: Connection, reservations: Sequence[Reservation]) -> dict[bytes, TooSoon]:
    """Reserve the next 24 hours of distinct numbers. Return the inquiries that are too soon: nothing is kept.

    While keys rotate a number has several indexes, and all its rows are reserved, always in the same order.
    """
    wanted = [_row(reservation, index) for reservation in reservations for index in reservation.holder.indexes]
    wanted.sort(key=lambda day: (day["phone_index"], day["service"]))
    # Most numbers have no row, and then the count says that all are reserved; if not, those inserted stay.
    if not wanted or db.execute(_insert_absent(db.dialect.name), wanted).rowcount == len(wanted):
        return {}
    db.execute(_replace_expired(db.dialect.name), wanted)
    return _too_soon(db, reservations, [day["phone_index"] for day in wanted])


def _too_soon(db: Connection, reservations: Sequence[Reservation], indexes: Sequence[bytes]) -> dict[bytes, TooSoon]:
    held = {(row.phone_index, row.service): row for row in db.execute(_HOLDERS_OF_DAYS, {"indexes": indexes})}
    refused: dict[bytes, TooSoon] = {}
    for reservation in reservations:
        days = [held[index, reservation.holder.service] for index in reservation.holder.indexes]
        others = [day.accepted_at for day in days if day.inquiry != reservation.inquiry]
        if others:
            refused[reservation.inquiry] = TooSoon(-(-(max(others) + GAP - reservation.now) // SECOND))
    _undo(db, [row.phone_index for row in held.values() if row.inquiry in refused], list(refused))
    return refused


def _undo(db: Connection, indexes: Sequence[bytes], inquiries: Sequence[bytes]) -> None:
    """Delete rows reserved for a refused inquiry. They had been free before: absent, or older than the gap."""
    if indexes:
        db.execute(
            delete(last_inquiry).where(last_inquiry.c.phone_index.in_(indexes), last_inquiry.c.inquiry.in_(inquiries))
        )


def release_reservations(db: Connection, inquiries: Sequence[bytes]) -> None:
    """Release the 24 hours reserved by these inquiries, under any index. Reservations made since by others stay."""
    # The times narrow the search because they are indexed; the ids decide.
    taken_at = last_inquiry.c.accepted_at.in_({accepted_at(number) for number in inquiries})
    db.execute(delete(last_inquiry).where(taken_at, last_inquiry.c.inquiry.in_(inquiries)))


def _row(reservation: Reservation, index: bytes) -> dict[str, Any]:
    return {
        "phone_index": index,
        "service": reservation.holder.service,
        "accepted_at": reservation.now,
        "inquiry": reservation.inquiry,
    }


@cache
def _insert_absent(dialect: str) -> Any:
    """Build an INSERT of the missing rows. Its row count is the number inserted (unlike an upsert's)."""
    return insert(last_inquiry).prefix_with("OR IGNORE" if dialect == "sqlite" else "IGNORE")


@cache
def _replace_expired(dialect: str) -> Any:
    table = last_inquiry
    if dialect == "sqlite":
        lite = sqlite.insert(table)
        taken = {"inquiry": lite.excluded.inquiry, "accepted_at": lite.excluded.accepted_at}
        where = table.c.accepted_at <= lite.excluded.accepted_at - _GAP
        return lite.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=taken, where=where)
    ours = mysql.insert(table)
    # VALUES() and not the row alias of MySQL 8, which MariaDB lacks.
    free = table.c.accepted_at <= func.values(column("accepted_at")) - _GAP

    def if_free(name: str) -> Any:
        return func.if_(free, func.values(column(name)), table.c[name])

    # In this order: MySQL assigns from left to right, and `free` reads accepted_at.
    return ours.on_duplicate_key_update([("inquiry", if_free("inquiry")), ("accepted_at", if_free("accepted_at"))])
