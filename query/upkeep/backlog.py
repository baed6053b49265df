"""Measure the backlog for the metrics.

Alert on the age of the oldest due question, not on CPU.
"""

import time
from collections import Counter
from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, select

from config.db.engine import reading
from config.ground import Ground
from config.processes.heartbeats import ROLES, read_processes
from config.telemetry import metrics
from enterprises.circuit_breaker import all_health
from query.inquiry import State
from query.models import inquiry, question
from query.objections.listing import overdue_by_partner
from query.objections.models import objection
from query.objections.rules.objection import OPEN
from query.waves.questions import due_by
from sms_port.ledger.totals import count_owed, link_states

STATES_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Backlog:
    """The age of the oldest due question in ms (0: none is due), inquiries not closed, messages not handed over."""

    oldest_due_ms: int
    inquiries_open: int
    messages_owed: int


def backlog(ground: Ground) -> Backlog:
    """Measure the backlog at this moment."""
    now = ground.clock.now()
    unsettled = inquiry.c.state.in_([State.CHECKING, State.ASKING, State.REPLYING])
    with reading(ground.engine) as db:
        oldest = db.execute(select(func.min(question.c.due_at)).where(due_by(ground, now))).scalar()
        count = db.execute(select(func.count()).select_from(inquiry).where(unsettled)).scalar_one()
        owed = count_owed(db)
    return Backlog(now - oldest if oldest is not None else 0, count, owed)


class StatePublisher:
    """Sets the gauges of what is alive, open and late, in this process, the clock; every STATES_S at most."""

    def __init__(self) -> None:
        self._next = 0.0

    def publish_states(self, ground: Ground) -> None:
        """Set them if it is time to."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + STATES_S
            _publish_states(ground)


publish_states = StatePublisher().publish_states


def _publish_states(ground: Ground) -> None:
    now = ground.clock.now()
    catalogue, health = ground.catalogues.current(), all_health(ground, ground.catalogues.current().partners)
    alive = Counter(one.role for one in read_processes(ground) if one.alive)
    with reading(ground.engine) as db:
        links = link_states(db, now)
        open_now = select(func.count()).select_from(objection).where(objection.c.state.in_(OPEN))
        objections = db.execute(open_now).scalar_one()
        oldest = db.execute(select(func.min(inquiry.c.erase_at))).scalar()
        overdue = overdue_by_partner(db, now)
    enabled = [link.code for link in catalogue.links if link.enabled]
    metrics.set_states(
        processes={role: alive[role] for role in ROLES},
        breakers={partner.code: health[partner.code].breaker == "open" for partner in catalogue.partners},
        links={code: links.get(code, (False, 0))[0] for code in enabled},
        rates={code: links.get(code, (False, 0))[1] for code in enabled},
        overdue={one.code: overdue.get(one.code, 0) for one in catalogue.partners if one.kind == "enterprise"},
        objections=objections,
        erasure_ms=max(now - oldest, 0) if oldest is not None else 0,
    )


def publish_backlog(ground: Ground) -> None:
    """Set the backlog's gauges in this process, the clock."""
    found = backlog(ground)
    metrics.set_backlog(
        now=ground.clock.now(),
        oldest_due_ms=found.oldest_due_ms,
        messages_owed=found.messages_owed,
        inquiries_open=found.inquiries_open,
    )
