"""Count inquiries by day, service, entrance, state and outcome. Never one citizen's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import func, select

from config.db.engine import reading
from config.ground import Ground
from config.times.formats import SHANGHAI_OFFSET_MS, shanghai
from query.inquiry import DAY, Outcome, State
from query.models import inquiry, question
from query.waves.questions import QuestionState, due_by, of_partners


@dataclass(frozen=True, slots=True)
class Group:
    """The number of inquiries of one day, service, entrance, state and outcome (None: not decided yet)."""

    day: str
    service: str
    entrance: str
    state: str
    outcome: str | None
    inquiries: int


@dataclass(frozen=True, slots=True)
class Share:
    """The share, 0..1, of a service's decided inquiries that ended with this outcome."""

    service: str
    outcome: str
    inquiries: int
    share: float


@dataclass(frozen=True, slots=True)
class Waits:
    """A partner's open questions, their items, and since when (epoch ms) the oldest is due, if any is."""

    questions: int
    items: int
    oldest_due: int | None


def begin_of(now: int, days: int) -> int:
    """Return when the first of the last `days` days began in Shanghai, including today; epoch ms."""
    return _midnight(now) - (days - 1) * DAY


def groups(ground: Ground, since: int) -> list[Group]:
    """Return the inquiries accepted from `since` on, the latest day first.

    One statement per day, read to the end.
    """
    now = ground.clock.now()
    days = range(_midnight(now), since - 1, -DAY)
    return [group for day in days for group in _groups_of(ground, day)]


def shares(found: list[Group]) -> list[Share]:
    """Return the shares of the outcomes of each service."""
    ended: Counter[tuple[str, str]] = Counter()
    whole: Counter[str] = Counter()
    for group in found:
        if group.outcome is not None:
            ended[group.service, group.outcome] += group.inquiries
            whole[group.service] += group.inquiries
    return [
        Share(service, outcome, number, round(number / whole[service], 4))
        for (service, outcome), number in sorted(ended.items())
    ]


def waiting_by_partner(ground: Ground) -> dict[str, Waits]:
    """Return the open questions of each partner."""
    now = ground.clock.now()
    counts = (func.count().label("questions"), func.sum(question.c.n).label("items"))
    mine = select(question.c.partner, *counts).where(of_partners(ground), question.c.state < QuestionState.DONE)
    late = select(question.c.partner, func.min(question.c.due_at).label("oldest")).where(due_by(ground, now))
    with reading(ground.engine) as db:
        rows = db.execute(mine.group_by(question.c.partner)).all()
        oldest = {row.partner: row.oldest for row in db.execute(late.group_by(question.c.partner))}
    return {row.partner: Waits(row.questions, int(row.items), oldest.get(row.partner)) for row in rows}


def _midnight(moment: int) -> int:
    return (moment + SHANGHAI_OFFSET_MS) // DAY * DAY - SHANGHAI_OFFSET_MS


def _groups_of(ground: Ground, midnight: int) -> Iterator[Group]:
    columns = (inquiry.c.service, inquiry.c.entrance, inquiry.c.state, inquiry.c.outcome)
    # Rows are sorted by id, and an id begins with its time.
    first, behind = (moment.to_bytes(6, "big") + bytes(10) for moment in (midnight, midnight + DAY))
    counted = select(*columns, func.count().label("n")).where(inquiry.c.id >= first, inquiry.c.id < behind)
    with reading(ground.engine) as db:
        rows = db.execute(counted.group_by(*columns).order_by(*columns)).all()
    for row in rows:
        outcome = Outcome(row.outcome).name.lower() if row.outcome is not None else None
        day = f"{shanghai(midnight):%Y-%m-%d}"
        yield Group(day, row.service, row.entrance, State(row.state).name.lower(), outcome, row.n)
