"""Write down what a link said about attempts, at once or when it was asked later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import Column, Connection, Row, select, update

from config.db.engine import among, reading, transact
from config.failpoints import failpoint
from config.ground import Ground
from sms_port.ledger.receipt_matching import name_parts, said_before
from sms_port.ledger.receipts import settle_words
from sms_port.ledger.states import KINDS, OPEN, OnOutcome, grouped, move, settle
from sms_port.links.link import Accepted, Ending, NotSent, Rejected, Unknown
from sms_port.models import Closing, Lane, State, attempt, message
from sms_port.sending.claims import Attempt

BACKOFF_MS = (1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 120_000, 300_000)

CLOSINGS = {
    Accepted: Closing.ACCEPTED,
    Rejected: Closing.REJECTED,
    NotSent: Closing.NOT_SENT,
    Unknown: Closing.UNKNOWN,
}


def record(
    ground: Ground, on_outcome: OnOutcome, offers: Sequence[Attempt], endings: Mapping[str, Ending], *, asked: bool
) -> None:
    """Write down how attempts ended, as the link said at once or (`asked`) when asked later.

    A late answer still counts while the message is unknown; one about an earlier attempt only
    closes that attempt.
    """

    def work(db: Connection) -> None:
        now = ground.clock.now()
        ended = ((offer, endings[offer.reference]) for offer in offers if offer.reference in endings)
        alike = grouped(((offer.number, ending), offer.message_id) for offer, ending in ended)
        for (number, ending), ids in alike.items():
            _close_attempts(db, ids, number, ending, now)
            rows = _still_open(db, ids, number, ending)
            for state, members in grouped((_landing(ending, row, asked), row) for row in rows).items():
                _land(db, on_outcome, members, state, ending, asked=asked, now=now, number=number)
        for link, names in named.items():
            name_parts(db, link, names, now)
        failpoint("send.before_record_commit")

    named: dict[str, dict[tuple[bytes, int], tuple[str, ...]]] = {}
    for offer in offers:
        if ids := _ids(endings, offer.reference):
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
        early = said_before(db, link, list(owners))
    if early:
        ids = {owners[name] for name in early}
        transact(ground.engine, partial(settle_words, ground=ground, on_outcome=on_outcome, link=link, ids=ids))


def _ids(endings: Mapping[str, Ending], reference: str) -> tuple[str, ...]:
    ending = endings.get(reference)
    return ending.ids if isinstance(ending, Accepted | Unknown) else ()


def _close_attempts(db: Connection, ids: Sequence[bytes], number: int, ending: Ending, now: int) -> None:
    mine = among(attempt.c.message, ids) & (attempt.c.number == number)
    values = {"closing": CLOSINGS[type(ending)], "code": ending.code or None, "ended_at": now}
    db.execute(update(attempt).where(mine).values(**values))


def _still_open(db: Connection, ids: Sequence[bytes], number: int, ending: Ending) -> Sequence[Row[Any]]:
    states = [State.SENDING] if isinstance(ending, Unknown) else [State.SENDING, State.UNKNOWN]
    mine = among(message.c.id, ids) & (message.c.attempts == number) & message.c.state.in_(states)
    columns: list[Column[Any]] = [message.c.id, message.c.lane, message.c.sending]
    return db.execute(select(*columns).where(mine).with_for_update()).all()


def _landing(ending: Ending, row: Row[Any], asked: bool) -> State:
    if isinstance(ending, Accepted):
        return State.ACCEPTED
    if isinstance(ending, Unknown):
        return State.UNKNOWN
    if isinstance(ending, Rejected) and ending.permanent:
        # the resend failed for good, but its first sending stays unknown
        return State.FAILED if row.sending == 1 else State.UNKNOWN_FINAL
    if asked and row.lane == Lane.CODE:
        return State.UNKNOWN_FINAL  # a code is never sent again once it may have been sent
    return State.DUE


def _land(
    db: Connection,
    on_outcome: OnOutcome,
    rows: Sequence[Row[Any]],
    state: State,
    ending: Ending,
    *,
    asked: bool,
    now: int,
    number: int,
) -> None:
    ids = [row.id for row in rows]
    if state in KINDS:
        settle(db, on_outcome, rows, state, now, ending.code)
    elif state is State.UNKNOWN:
        move(db, ids, [State.SENDING], state=state, unknown_at=now, due_at=now)
    else:
        again = now + BACKOFF_MS[min(number, len(BACKOFF_MS)) - 1]
        # asked: the link that may have seen it keeps it, and knows it by the same reference
        free = {} if asked else {"link": None}
        move(db, ids, OPEN, state=state, due_at=again, unknown_at=None, **free)
