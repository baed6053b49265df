"""Store a partner's answers, or a failed try. Does not settle the wave; `advance` does, after the commit."""

from collections.abc import Collection, Mapping, Sequence
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
from query.waves.quarantine import CRASHES_TO_QUARANTINE
from query.waves.questions import (
    ISOLATE_AFTER_TRIES,
    Lease,
    QuestionState,
    StoredAnswer,
    answer_row,
    open_answers,
)
from query.waves.waves import STAGE_OF, mark_broken, split_members

_SPREAD = SystemRandom()


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """The answers of one call, by inquiry, to a partner's questions of one kind about these waves.

    `lease`: under which the call was made; None: the partner called back by itself. `retry_rest_now`: some items were
    not asked; retry them without back-off. `callback_after_s`: the partner announced a callback; do not ask again for
    this many seconds.
    """

    partner: str
    kind: str
    waves: Collection[int]
    answers: Mapping[bytes, StoredAnswer] = field(repr=False)
    lease: Lease | None = None
    retry_rest_now: bool = False
    callback_after_s: float = 0


def record(
    ground: Ground, lease: Lease, answers: Mapping[bytes, StoredAnswer], *, retry_rest_now: bool = False
) -> list[int]:
    """Record the answers to leased questions; as `record_all`."""
    return record_all(
        ground,
        [RecordedCall(lease.partner, lease.kind, frozenset(lease.tries), answers, lease, retry_rest_now)],
    )


def record_all(ground: Ground, calls: Sequence[RecordedCall]) -> list[int]:
    """Record the answers of calls of one kind in one transaction. Returns the waves that `advance` must look at.

    The first answer of each item is kept. A question with items still owed is due again by the partner's schedule. An
    answer for an item that left its wave, or that is answered already, changes nothing.
    """
    waves = transact(ground.engine, partial(_record, ground=ground, calls=calls))
    failpoint("record.after_commit")
    return waves


def release_lease(ground: Ground, lease: Lease, at_least: int = 0, *, portion: bool = False) -> None:
    """Make the questions of a failed call due again, after at least `at_least` ms. Does nothing if the lease was lost.

    `portion`: the call held only some of the items. If the partner answered others before, these items fail and not
    the partner, so the delay stops growing and other portions are tried soon.
    """
    failed = lease.failed + 1
    delayed = min(failed, ISOLATE_AFTER_TRIES) if portion and lease.answered else failed
    due_at = ground.clock.now() + max(_delay(ground, lease.partner, delayed), at_least)
    _make_due(ground, lease, due_at=due_at, failed=failed)


def reschedule(ground: Ground, lease: Lease, due_at: int) -> None:
    """Make leased questions that were not asked after all due at `due_at` (epoch ms); this is not a failed try."""
    _make_due(ground, lease, due_at=due_at)


def postpone(ground: Ground, partner: str, until: int) -> None:
    """Ask this partner nothing before `until` (epoch ms), for example because of its Retry-After."""
    due = (question.c.partner == partner) & (question.c.state == QuestionState.DUE) & (question.c.due_at < until)
    transact(ground.engine, lambda db: db.execute(update(question).where(due).values(due_at=until)))


def _make_due(ground: Ground, lease: Lease, **values: int) -> None:
    def unlease(db: Connection) -> None:
        for wave_id, tries in sorted(lease.tries.items()):
            mine = (question.c.wave == wave_id, question.c.partner == lease.partner, question.c.kind == lease.kind)
            held = (question.c.state == QuestionState.LEASED, question.c.tries == tries)
            db.execute(update(question).where(*mine, *held).values(state=QuestionState.DUE, **values))
        failpoint("give_back.before_commit")

    transact(ground.engine, unlease)


def _delay(ground: Ground, partner_code: str, failed: int) -> int:
    """Return the milliseconds until a question is asked again that has failed this many times in a row."""
    partner = ground.catalogues.current().partner(partner_code)
    schedule = partner.retry_s if partner is not None else ()
    return retry_delay(schedule, failed, _SPREAD.uniform(-0.2, 0.2))


def _record(db: Connection, *, ground: Ground, calls: Sequence[RecordedCall]) -> list[int]:
    waves = _lock_waves(db, calls)
    call_of = {(wave_id, call.partner): call for call in calls for wave_id in call.waves}
    changed: list[dict[str, Any]] = []
    still_open = {wave_id: row.open for wave_id, row in waves.items()}
    answered: set[int] = set()
    broken: set[int] = set()
    for row in _lock_questions(db, calls):
        call = call_of.get((row.wave, row.partner))
        if call is None or row.wave not in waves or row.state == QuestionState.DONE:
            continue
        try:
            values = _with_answers(ground, row, split_members(waves[row.wave].members), call.answers)
        except SealBroken:
            broken.add(row.wave)
            continue
        has_news = values["answers"] != row.answers
        if call.lease is None and not has_news:
            continue
        changed.append({**values, **_next_try(ground, call, row, values["n"], has_news)})
        if has_news:
            answered.add(row.wave)
            still_open[row.wave] -= int(row.answers is None)
    if changed:
        columns = ["state", "due_at", "failed", "lost", "n", "answers"]
        db.execute(upsert(question, db.dialect.name, update=columns), changed)
    complete = _mark(db, {wave_id: still_open[wave_id] for wave_id in answered})
    if broken:
        mark_broken(db, sorted(broken))
    failpoint("record.before_commit")
    return sorted({*complete, *broken})


def _mark(db: Connection, still_open: Mapping[int, int]) -> list[int]:
    """Store the number of open questions of each wave; mark and return the waves without any, for `advance`."""
    for left in set(still_open.values()):
        ids = sorted(wave_id for wave_id, number in still_open.items() if number == left)
        look = {} if left else {"look": 1}
        db.execute(update(wave).where(wave.c.id.in_(ids)).values(open=left, **look))
    return sorted(wave_id for wave_id, number in still_open.items() if number == 0)


def _with_answers(
    ground: Ground, row: Row[Any], members: tuple[bytes, ...], answers: Mapping[bytes, StoredAnswer]
) -> dict[str, Any]:
    """Return a question's row with the new answers in their places. Without news the sealed bytes stay the same."""
    before = open_answers(ground, row, members)
    after = [old if old is not None else answers.get(member) for old, member in zip(before, members, strict=True)]
    if after == before:
        return dict(row._mapping)
    lost = row.lost if row.lost < CRASHES_TO_QUARANTINE else 0
    return {
        **row._mapping,
        "lost": lost,
        **answer_row(ground, row.wave, row.partner, row.kind, after, members),
    }


def _next_try(ground: Ground, call: RecordedCall, row: Row[Any], owed: int, has_news: bool) -> dict[str, Any]:
    """Return a question's state, due time and failures after a call; nothing when another worker has the lease."""
    if owed == 0:
        return {"state": QuestionState.DONE}
    lease = call.lease
    if lease is None or row.state != QuestionState.LEASED or row.tries != lease.tries[row.wave]:
        return {}
    now = ground.clock.now()
    if call.callback_after_s:
        return {"state": QuestionState.DUE, "due_at": now + int(call.callback_after_s * SECOND)}
    if has_news and call.retry_rest_now:
        return {"state": QuestionState.DUE, "due_at": now}
    failed = 0 if has_news else row.failed + 1
    # Only some items were asked: the others did not fail, so their delay stops growing.
    delayed = min(failed, ISOLATE_AFTER_TRIES) if call.retry_rest_now else failed
    return {"state": QuestionState.DUE, "failed": failed, "due_at": now + _delay(ground, call.partner, delayed)}


def _lock_waves(db: Connection, calls: Sequence[RecordedCall]) -> dict[int, Row[Any]]:
    mine = select(wave.c.id, wave.c.open, wave.c.members).where(wave.c.id.in_(_waves(calls)))
    rows = db.execute(mine.where(wave.c.stage == STAGE_OF[calls[0].kind]).order_by(wave.c.id).with_for_update()).all()
    return dict(zip((row.id for row in rows), rows, strict=True))


def _lock_questions(db: Connection, calls: Sequence[RecordedCall]) -> Sequence[Row[Any]]:
    columns, partners = question.c, sorted({call.partner for call in calls})
    mine = (columns.wave.in_(_waves(calls)), columns.partner.in_(partners), columns.kind == calls[0].kind)
    ordered = select(question).where(*mine).order_by(columns.wave, columns.partner)
    return db.execute(ordered.with_for_update()).all()


def _waves(calls: Sequence[RecordedCall]) -> list[int]:
    return sorted({wave_id for call in calls for wave_id in call.waves})
