"""Write down what a link said about attempts, at once or when it was asked later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import Column, Connection, Row, select, update

from config.db.engine import id_in, reading, transact
from config.failpoints import failpoint
from config.ground import Ground
from sms_port.ledger.receipt_matching import already_known, name_parts
from sms_port.ledger.receipts import settle_receipts
from sms_port.ledger.states import KINDS, OPEN, OnOutcome, grouped, move, settle
from sms_port.links.link import Accepted, NotSent, Rejected, SendResult, Unknown
from sms_port.models import AttemptResult, Lane, State, attempt, message
from sms_port.sending.claims import Attempt

BACKOFF_MS = (1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 120_000, 300_000)

ATTEMPT_RESULTS = {
    Accepted: AttemptResult.ACCEPTED,
    Rejected: AttemptResult.REJECTED,
    NotSent: AttemptResult.NOT_SENT,
    Unknown: AttemptResult.UNKNOWN,
}


def record(
    ground: Ground, on_outcome: OnOutcome, offers: Sequence[Attempt], results: Mapping[str, SendResult], *, asked: bool
) -> None:
    """Write down how attempts ended, as the link said at once or (`asked`) when asked later.

    A late answer still counts while the message is unknown; one about an earlier attempt only
    closes that attempt.
    """

    def work(db: Connection) -> None:
        now = ground.clock.now()
        ended = ((offer, results[offer.reference]) for offer in offers if offer.reference in results)
        alike = grouped(((offer.number, result), offer.message_id) for offer, result in ended)
        for (number, result), ids in alike.items():
            _close_attempts(db, ids, number, result, now)
            rows = _still_open(db, ids, number, result)
            for state, members in grouped((_state_after(result, row, asked), row) for row in rows).items():
                _apply_result(db, on_outcome, members, state, result, asked=asked, now=now, number=number)
        for link, names in named.items():
            name_parts(db, link, names, now)
        failpoint("send.before_record_commit")

    named: dict[str, dict[tuple[bytes, int], tuple[str, ...]]] = {}
    for offer in offers:
        if ids := _ids(results, offer.reference):
            named.setdefault(offer.link, {})[offer.message_id, offer.sending] = ids
    transact(ground.engine, work)
    for link, names in named.items():
        _apply_early(ground, on_outcome, link, names)


def _apply_early(
    ground: Ground, on_outcome: OnOutcome, link: str, names: Mapping[tuple[bytes, int], tuple[str, ...]]
) -> None:
    """Receipts that came before their parts had names count now."""
    owners = {name: key[0] for key, ids in names.items() for name in ids if name}
    with reading(ground.engine) as db:
        early = already_known(db, link, list(owners))
    if early:
        ids = {owners[name] for name in early}
        transact(ground.engine, partial(settle_receipts, ground=ground, on_outcome=on_outcome, link=link, ids=ids))


def _ids(results: Mapping[str, SendResult], reference: str) -> tuple[str, ...]:
    result = results.get(reference)
    return result.ids if isinstance(result, Accepted | Unknown) else ()


def _close_attempts(db: Connection, ids: Sequence[bytes], number: int, result: SendResult, now: int) -> None:
    mine = id_in(attempt.c.message, ids) & (attempt.c.number == number)
    values = {"closing": ATTEMPT_RESULTS[type(result)], "code": result.code or None, "ended_at": now}
    db.execute(update(attempt).where(mine).values(**values))


def _still_open(db: Connection, ids: Sequence[bytes], number: int, result: SendResult) -> Sequence[Row[Any]]:
    states = [State.SENDING] if isinstance(result, Unknown) else [State.SENDING, State.UNKNOWN]
    mine = id_in(message.c.id, ids) & (message.c.attempts == number) & message.c.state.in_(states)
    columns: list[Column[Any]] = [message.c.id, message.c.lane, message.c.sending]
    return db.execute(select(*columns).where(mine).with_for_update()).all()


def _state_after(result: SendResult, row: Row[Any], asked: bool) -> State:
    if isinstance(result, Accepted):
        return State.ACCEPTED
    if isinstance(result, Unknown):
        return State.UNKNOWN
    if isinstance(result, Rejected) and result.permanent:
        # the resend failed for good, but its first sending stays unknown
        return State.FAILED if row.sending == 1 else State.UNKNOWN_FINAL
    if asked and row.lane == Lane.CODE:
        return State.UNKNOWN_FINAL  # a code is never sent again once it may have been sent
    return State.DUE


def _apply_result(
    db: Connection,
    on_outcome: OnOutcome,
    rows: Sequence[Row[Any]],
    state: State,
    result: SendResult,
    *,
    asked: bool,
    now: int,
    number: int,
) -> None:
    ids = [row.id for row in rows]
    if state in KINDS:
        settle(db, on_outcome, rows, state, now, result.code)
    elif state is State.UNKNOWN:
        move(db, ids, [State.SENDING], state=state, unknown_at=now, due_at=now)
    else:
        again = now + BACKOFF_MS[min(number, len(BACKOFF_MS)) - 1]
        # asked: the link that may have seen it keeps it, and knows it by the same reference
        free = {} if asked else {"link": None}
        move(db, ids, OPEN, state=state, due_at=again, unknown_at=None, **free)
