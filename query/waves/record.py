"""Recording what a partner said, or that it said nothing. Never looks further: that is `advance`, after the commit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from secrets import SystemRandom
from typing import Any

from sqlalchemy import Connection, Row, select, update

from config.db.engine import transact, upsert
from config.errors import SealBroken
from config.failpoints import failpoint
from config.ground import Ground
from query.inquiry import SECOND, retry_delay
from query.models import question, wave
from query.waves.quarantine import DEATHS
from query.waves.questions import ALONE_AFTER, CALLED_BACK, Answer, Lease, QuestionState, answer_row, open_answers
from query.waves.waves import STAGE_OF, mark_broken, split_members

_SPREAD = SystemRandom()


@dataclass(frozen=True, slots=True)
class Said:
    """What one call brought: id -> answer, the first of which is kept.

    `rest_at_once`: not all items were asked, and the rest need not wait. `later_s`: the partner will call back, and so
    long it is left alone.
    """

    lease: Lease
    answers: Mapping[bytes, Answer] = field(repr=False)
    rest_at_once: bool = False
    later_s: float = 0


def record(ground: Ground, lease: Lease, answers: Mapping[bytes, Answer], *, rest_at_once: bool = False) -> list[int]:
    """Keep the first answer of each item; what is still owed is due again by the partner's schedule.

    An answer for an item that left its wave, or that is answered already, changes nothing. Returns the waves in which
    there is something for `advance` now.
    """
    return record_all(ground, [Said(lease, answers, rest_at_once)])


def record_all(ground: Ground, said: Sequence[Said]) -> list[int]:
    """`record` what several partners, each once, said to questions of one kind; in one transaction."""
    looks = transact(ground.engine, partial(_record, ground=ground, said={one.lease.partner: one for one in said}))
    failpoint("record.after_commit")
    return looks


def give_back(ground: Ground, lease: Lease, at_least: int = 0, *, portion: bool = False) -> None:
    """Make the questions of a lease due again, after `at_least` ms; answers stay. A lost lease gives nothing back.

    `portion`: the call that failed held only some of the items. If the partner answered others of them before, it is
    these items that fail and not the partner, and trying other portions need not wait ever longer.
    """
    failed = lease.failed + 1
    waits = min(failed, ALONE_AFTER) if portion and lease.answered else failed
    due_at = ground.clock.now() + max(_delay(ground, lease, waits), at_least)

    _make_due(ground, lease, due_at=due_at, failed=failed)


def put_back(ground: Ground, lease: Lease, due_at: int) -> None:
    """Make questions that were leased and not asked after all due at `due_at`, as if nobody had taken them."""
    _make_due(ground, lease, due_at=due_at)


def _make_due(ground: Ground, lease: Lease, **values: int) -> None:
    def unlease(db: Connection) -> None:
        for wave_id, tries in sorted(lease.tries.items()):
            mine = _mine(lease, wave_id) & (question.c.state == QuestionState.LEASED) & (question.c.tries == tries)
            db.execute(update(question).where(mine).values(state=QuestionState.DUE, **values))
        failpoint("give_back.before_commit")

    transact(ground.engine, unlease)


def slow_down(ground: Ground, partner: str, until: int) -> None:
    """Ask this partner nothing before `until`: its own wish (Retry-After) holds for every question to it."""
    due = (question.c.partner == partner) & (question.c.state == QuestionState.DUE) & (question.c.due_at < until)
    transact(ground.engine, lambda db: db.execute(update(question).where(due).values(due_at=until)))


def _delay(ground: Ground, lease: Lease, failed: int) -> int:
    """Milliseconds until a question is asked again that has `failed` so many times in a row."""
    partner = ground.catalogues.current().partner(lease.partner)
    schedule = partner.retry_s if partner is not None else ()
    return retry_delay(schedule, failed, _SPREAD.uniform(-0.2, 0.2))


def _record(db: Connection, *, ground: Ground, said: Mapping[str, Said]) -> list[int]:
    waves = _lock_waves(db, said)
    changed: list[dict[str, Any]] = []
    still_open = {wave_id: row.open for wave_id, row in waves.items()}
    told: set[int] = set()
    broken: set[int] = set()
    for row in _lock_questions(db, said):
        lease = said[row.partner].lease
        if row.wave not in waves or row.wave not in lease.tries or row.state == QuestionState.DONE:
            continue
        try:
            values = _answered(ground, row, split_members(waves[row.wave].members), said[row.partner].answers)
        except SealBroken:
            broken.add(row.wave)
            continue
        news = values["answers"] != row.answers
        if lease.tries[row.wave] == CALLED_BACK and not news:
            continue
        changed.append({**values, **_next_try(ground, said[row.partner], row, values["n"], news)})
        if news:
            told.add(row.wave)
            still_open[row.wave] -= int(row.answers is None)
    if changed:
        columns = ["state", "due_at", "failed", "lost", "n", "answers"]
        db.execute(upsert(question, db.dialect.name, update=columns), changed)
    looks = _mark(db, {wave_id: still_open[wave_id] for wave_id in told})
    if broken:
        mark_broken(db, sorted(broken))
        looks = sorted({*looks, *broken})
    failpoint("record.before_commit")
    return looks


def _mark(db: Connection, still_open: Mapping[int, int]) -> list[int]:
    """Note how many questions of each wave are open; returns those for `advance`, in which none is."""
    for left in set(still_open.values()):
        ids = sorted(wave_id for wave_id, number in still_open.items() if number == left)
        look = {} if left else {"look": 1}
        db.execute(update(wave).where(wave.c.id.in_(ids)).values(open=left, **look))
    return sorted(wave_id for wave_id, number in still_open.items() if number == 0)


def _answered(
    ground: Ground, row: Row[Any], members: tuple[bytes, ...], answers: Mapping[bytes, Answer]
) -> dict[str, Any]:
    """A question's row with the new answers in their places; the same answers, sealed as they were, without news."""
    before = open_answers(ground, row, members)
    after = [old if old is not None else answers.get(member) for old, member in zip(before, members, strict=True)]
    if after == before:
        return dict(row._mapping)
    told = answer_row(ground, row.wave, row.partner, row.kind, after, members)
    return {**row._mapping, "lost": row.lost if row.lost < DEATHS else 0, **told}


def _next_try(ground: Ground, said: Said, row: Row[Any], owed: int, news: bool) -> dict[str, Any]:
    """State, time and failures of a question after a call; nothing, when another worker has the lease by now."""
    lease = said.lease
    if owed == 0:
        return {"state": QuestionState.DONE}
    if row.state != QuestionState.LEASED or row.tries != lease.tries[row.wave]:
        return {}
    if said.later_s:
        return {"state": QuestionState.DUE, "due_at": ground.clock.now() + int(said.later_s * SECOND)}
    if news and said.rest_at_once:
        return {"state": QuestionState.DUE, "due_at": ground.clock.now()}
    failed = 0 if news else row.failed + 1
    # Only some were asked: the others did not fail, and need not wait ever longer for their turn.
    waits = min(failed, ALONE_AFTER) if said.rest_at_once else failed
    return {"state": QuestionState.DUE, "failed": failed, "due_at": ground.clock.now() + _delay(ground, lease, waits)}


def _lock_waves(db: Connection, said: Mapping[str, Said]) -> dict[int, Row[Any]]:
    mine = select(wave.c.id, wave.c.open, wave.c.members).where(wave.c.id.in_(_waves(said)))
    rows = db.execute(mine.where(wave.c.stage == STAGE_OF[_kind(said)]).order_by(wave.c.id).with_for_update()).all()
    return dict(zip((row.id for row in rows), rows, strict=True))


def _lock_questions(db: Connection, said: Mapping[str, Said]) -> Sequence[Row[Any]]:
    columns = question.c
    mine = (columns.wave.in_(_waves(said)), columns.partner.in_(sorted(said)), columns.kind == _kind(said))
    ordered = select(question).where(*mine).order_by(columns.wave, columns.partner)
    return db.execute(ordered.with_for_update()).all()


def _waves(said: Mapping[str, Said]) -> list[int]:
    return sorted({wave_id for one in said.values() for wave_id in one.lease.tries})


def _kind(said: Mapping[str, Said]) -> str:
    return next(iter(said.values())).lease.kind


def _mine(lease: Lease, wave_id: int) -> Any:
    return (question.c.wave == wave_id) & (question.c.partner == lease.partner) & (question.c.kind == lease.kind)
