"""How far an inquiry is, for the session that submitted it and for nobody else. Never a count, never a reason."""

import hmac
import re
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, case, func, select

from config.db import reading
from config.ground import Ground
from query.errors import NotFound
from query.inquiry import OWNER_SEES, STATUS, State, reply_by
from query.models import inquiry, question
from query.offer import times_of
from query.questions import COUNT, QuestionState


@dataclass(frozen=True, slots=True)
class Progress:
    """What the progress page shows; `asked` and `answered` (partners) only while they are asked. Times in epoch ms."""

    reference: str
    service: str
    phone: str
    status: str
    accepted_at: int
    reply_by: int
    asked: int | None
    answered: int | None
    closed_at: int | None


def progress(ground: Ground, reference: str, owner: bytes) -> Progress:
    """The progress of one's own inquiry, for 48 h from acceptance; raises NotFound for everything else."""
    if re.fullmatch("[1-9][0-9]{11}", reference) is None:
        raise NotFound("no such inquiry")
    with reading(ground.engine) as db:
        row = db.execute(select(inquiry).where(inquiry.c.reference == int(reference))).first()
        if row is None or not _may_see(row, owner, ground.clock.now()):
            raise NotFound("no such inquiry")
        asked, answered = _partners(db, row) if row.state == State.ASKING else (None, None)
    times = times_of(ground.catalogues.current(), row.service)
    masked = ground.keys.open(row.masked, table="inquiry", column="masked", row=row.id)
    return Progress(
        reference=reference,
        service=row.service,
        phone=masked.decode(),
        status=STATUS[_told(row)],
        accepted_at=row.accepted_at,
        reply_by=reply_by(row.accepted_at, times),
        asked=asked,
        answered=answered,
        closed_at=row.closed_at,
    )


def _told(row: Row[Any]) -> State:
    """The state as its owner sees it: a reply that was given up (CLOSED without a time) is not told as sent."""
    state = State(row.state)
    return State.REPLYING if state is State.CLOSED and row.closed_at is None else state


def _may_see(row: Row[Any], owner: bytes, now: int) -> bool:
    if row.owner is None or row.masked is None or now >= row.accepted_at + OWNER_SEES:
        return False
    return hmac.compare_digest(row.owner, owner)


def _partners(db: Connection, row: Row[Any]) -> tuple[int, int]:
    done = func.sum(case((question.c.state == QuestionState.DONE, 1), else_=0))
    counts = select(func.count(), done).where(question.c.wave == row.wave, question.c.kind == COUNT)
    asked, answered = db.execute(counts).one()
    return asked, int(answered or 0)
