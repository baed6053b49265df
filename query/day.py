"""The 24-hour rule: one accepted inquiry per number and service in 24 hours, across entrances and sessions.

`last_inquiry` has one row per number and service, and taking it is one conditional upsert: of two sessions with two
right codes, the second waits for the first one's lock and then finds the row taken.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, column, delete, func, select
from sqlalchemy.dialects import mysql, sqlite

from query.codes import Holder
from query.errors import TooSoon
from query.inquiry import GAP, SECOND, accepted_at
from query.models import last_inquiry


def claim_day(db: Connection, holder: Holder, inquiry: bytes, now: int) -> TooSoon | None:
    """Take the number's next 24 hours for `inquiry`; TooSoon (nothing is taken) when they are another's.

    While keys rotate a number has several indexes, and all of its rows are taken, always in the same order.
    """
    take = _take(db.dialect.name, now - GAP)
    for index in sorted(holder.indexes):
        db.execute(take, {"phone_index": index, "service": holder.service, "accepted_at": now, "inquiry": inquiry})
    mine = (last_inquiry.c.phone_index.in_(holder.indexes), last_inquiry.c.service == holder.service)
    held = db.execute(select(last_inquiry.c.accepted_at, last_inquiry.c.inquiry).where(*mine)).all()
    others = [row.accepted_at for row in held if row.inquiry != inquiry]
    if not others:
        return None
    # What we took was free, that is, absent or older than the gap: without it the rule is the same.
    db.execute(delete(last_inquiry).where(*mine, last_inquiry.c.inquiry == inquiry))
    return TooSoon(-(-(max(others) + GAP - now) // SECOND))


def release_day(db: Connection, inquiries: Sequence[bytes]) -> None:
    """Give back the 24 hours that these inquiries took, under whatever index; what another took since stays."""
    # The times come first because they are indexed; the ids decide.
    taken_at = last_inquiry.c.accepted_at.in_({accepted_at(number) for number in inquiries})
    db.execute(delete(last_inquiry).where(taken_at, last_inquiry.c.inquiry.in_(inquiries)))


def _take(dialect: str, free_until: int) -> Any:
    table = last_inquiry
    if dialect == "sqlite":
        lite = sqlite.insert(table)
        taken = {"inquiry": lite.excluded.inquiry, "accepted_at": lite.excluded.accepted_at}
        where = table.c.accepted_at <= free_until
        return lite.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=taken, where=where)
    insert = mysql.insert(table)
    free = table.c.accepted_at <= free_until

    def if_free(name: str) -> Any:
        # VALUES() and not the row alias of MySQL 8, which MariaDB lacks.
        return func.if_(free, func.values(column(name)), table.c[name])

    # In this order: MySQL assigns from left to right, and `free` reads accepted_at.
    return insert.on_duplicate_key_update([("inquiry", if_free("inquiry")), ("accepted_at", if_free("accepted_at"))])
