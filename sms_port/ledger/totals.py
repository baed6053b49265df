"""Counts of messages by state, for operators; never whose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, func, select

from sms_port.ledger.states import OPEN
from sms_port.models import Lane, State, link_health, message

FRESH_MS: Final = 30_000
"""A link whose sending process wrote nothing for this time is not up."""

_OWED = (message.c.state.in_(OPEN), message.c.lane.in_(list(Lane)))
"""Both lanes by name, so that the index (state, lane, due_at) is used to its end."""


@dataclass(frozen=True, slots=True)
class Totals:
    """A count of messages of one link, lane and state; `link` is None before one has been chosen."""

    link: str | None
    lane: str
    state: str
    messages: int


def totals(db: Connection, since: int) -> list[Totals]:
    """Count the messages written since `since` (epoch ms), by link, lane and state."""
    groups = (message.c.link, message.c.lane, message.c.state)
    # An id begins with its time, and is what the rows are sorted by.
    fresh = select(*groups, func.count().label("n")).where(message.c.id >= since.to_bytes(6, "big") + bytes(10))
    rows = db.execute(fresh.group_by(*groups)).all()
    found = [Totals(row.link, Lane(row.lane).name.lower(), State(row.state).name.lower(), row.n) for row in rows]
    return sorted(found, key=lambda one: (one.link or "", one.lane, one.state))


def count_due_by(db: Connection, lane: Lane, by: int, most: int) -> int:
    """Return how many messages of a lane are due up to `by` (epoch ms) and were not offered yet; at most `most`."""
    due = (message.c.state == State.DUE) & (message.c.lane == lane) & (message.c.due_at <= by)
    found = select(message.c.id).where(due).limit(most).subquery()
    return db.execute(select(func.count()).select_from(found)).scalar_one()


def count_owed(db: Connection) -> int:
    """Return how many messages no gateway is known to have yet."""
    return db.execute(select(func.count()).select_from(message).where(*_OWED)).scalar_one()


def link_states(db: Connection, now: int) -> dict[str, tuple[bool, int]]:
    """Return for each link whether it is up and its pace in parts a second, as the sending process wrote it down."""
    rows = db.execute(select(link_health)).all()
    return {row.link: (row.status.startswith("up") and now - row.seen_at <= FRESH_MS, row.rate) for row in rows}


def oldest_owed(db: Connection) -> int | None:
    """When the oldest message was written (epoch ms) that no gateway is known to have yet; None: there is none."""
    oldest: int | None = db.execute(select(func.min(message.c.created_at)).where(*_OWED)).scalar()
    return oldest
