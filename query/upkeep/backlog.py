"""Measure the backlog for the metrics.

Alert on the age of the oldest due question, not on CPU.
"""

from dataclasses import dataclass

from sqlalchemy import func, select

from config.db.engine import reading
from config.ground import Ground
from config.telemetry import metrics
from query.inquiry import State
from query.models import inquiry, question
from query.waves.questions import due_by
from sms_port.ledger.totals import count_owed


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


def publish_backlog(ground: Ground) -> None:
    """Set the backlog's gauges in this process, the clock."""
    found = backlog(ground)
    metrics.set_backlog(
        now=ground.clock.now(),
        oldest_due_ms=found.oldest_due_ms,
        messages_owed=found.messages_owed,
        inquiries_open=found.inquiries_open,
    )
