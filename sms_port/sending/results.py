"""Record the results of attempts, those that a link gave at once and those it gave later or when asked.

A result that comes while the database is away is kept in memory and recorded when it is back: a message that was
answered must not be in doubt.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Column, Connection, Row, select, update

from config.db.engine import id_in, transact
from config.errors import DatabaseUnavailable
from config.failpoints import failpoint
from config.ground import Ground
from config.telemetry.log import get_logger
from sms_port.errors import LedgerRaced
from sms_port.ledger.receipt_matching import name_parts, take_back
from sms_port.ledger.receipts import apply_early
from sms_port.ledger.states import KINDS, OPEN, OnOutcome, grouped, move, settle
from sms_port.links.link import Accepted, NotSent, Rejected, SendResult, Unknown
from sms_port.models import AttemptResult, Lane, State, attempt, message
from sms_port.sending.claims import Attempt

BACKOFF_MS = (1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 120_000, 300_000)

MOST_KEPT = 20_000
RETRIED_AT_ONCE = 500
log = get_logger(__name__)

ATTEMPT_RESULTS = {
    Accepted: AttemptResult.ACCEPTED,
    Rejected: AttemptResult.REJECTED,
    NotSent: AttemptResult.NOT_SENT,
    Unknown: AttemptResult.UNKNOWN,
}


class Results:
    """Records results; keeps, up to a bound, those that cannot be recorded now. Safe to share between threads."""

    def __init__(self, ground: Ground, on_outcome: OnOutcome) -> None:
        self._ground, self._on_outcome = ground, on_outcome
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[Attempt, SendResult, bool]] = OrderedDict()

    def record(self, offers: Sequence[Attempt], results: Mapping[str, SendResult], *, asked: bool) -> None:
        """Record results now, or keep them for `retry`."""
        try:
            record(self._ground, self._on_outcome, offers, results, asked=asked)
        except (DatabaseUnavailable, LedgerRaced) as error:
            known = [(offer, results[offer.reference]) for offer in offers if offer.reference in results]
            log.warning("results_kept", results=len(known), code=error.code)
            self._keep(known, asked)

    def retry(self) -> None:
        """Record what was kept, as far as the database takes it."""
        while self._kept:
            with self._lock:
                some = [self._kept.popitem(last=False)[1] for _ in range(min(RETRIED_AT_ONCE, len(self._kept)))]
            for asked in (False, True):
                alike = [(offer, result) for offer, result, was_asked in some if was_asked is asked]
                if alike and not self._retry(alike, asked):
                    return

    def _retry(self, known: Sequence[tuple[Attempt, SendResult]], asked: bool) -> bool:
        results = {offer.reference: result for offer, result in known}
        try:
            record(self._ground, self._on_outcome, [offer for offer, _ in known], results, asked=asked)
        except (DatabaseUnavailable, LedgerRaced):
            self._keep(known, asked)
            return False
        log.info("results_recorded", results=len(known))
        return True

    def _keep(self, known: Sequence[tuple[Attempt, SendResult]], asked: bool) -> None:
        with self._lock:
            for offer, result in known:
                if isinstance(result, Unknown) and offer.reference in self._kept:
                    continue  # a clear result is known already
                self._kept[offer.reference] = (offer, result, asked)
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)


def record(
    ground: Ground, on_outcome: OnOutcome, offers: Sequence[Attempt], results: Mapping[str, SendResult], *, asked: bool
) -> None:
    """Record how attempts ended, as the link said at once or (`asked`) when asked later.

    A late result still counts while the message is unknown; one of an earlier attempt only closes that attempt.
    """
    named: dict[str, dict[tuple[bytes, int], tuple[str, ...]]] = {}
    for offer in offers:
        if ids := _ids(results, offer.reference):
            named.setdefault(offer.link, {})[offer.message_id, offer.sending] = ids
    indexes = {
        offer.message_id: ground.keys.phone_index(offer.phone)
        for offer in offers
        if any((offer.message_id, offer.sending) in names for names in named.values())
    }

    def work(db: Connection) -> None:
        now = ground.clock.now()
        ended = ((offer, results[offer.reference]) for offer in offers if offer.reference in results)
        alike = grouped(((offer.number, result), offer.message_id) for offer, result in ended)
        doubted: set[bytes] = set()
        for (number, result), ids in alike.items():
            _close_attempts(db, ids, number, result, now)
            rows = _still_open(db, ids, number, result)
            doubted |= set(ids) - {row.id for row in rows if row.state == State.SENDING}
            for state, members in grouped((_state_after(result, row, asked), row) for row in rows).items():
                _apply_result(db, on_outcome, members, state, result, asked=asked, now=now, number=number)
        for link, names in named.items():
            _take_back(db, link, {key: ids for key, ids in names.items() if key[0] in doubted}, now)
            name_parts(db, link, names, indexes, now)
        failpoint("send.before_record_commit")

    transact(ground.engine, work)
    for link, names in named.items():
        given = [name for ids in names.values() for name in ids if name]
        apply_early(ground, on_outcome, link, given, {indexes[key[0]] for key in names})


def _take_back(db: Connection, link: str, names: Mapping[tuple[bytes, int], Sequence[str]], now: int) -> None:
    """Undo what was matched by number, where the gateway's late response contradicts it: the message is accepted."""
    wrong = take_back(db, link, names) if names else set()
    reported = message.c.state.in_([State.DELIVERED, State.UNDELIVERED, State.MIXED])
    if wrong:
        log.warning("match_taken_back", link=link, messages=len(wrong))
        back = update(message).where(id_in(message.c.id, wrong), reported)
        db.execute(back.values(state=State.ACCEPTED, due_at=now))


def _ids(results: Mapping[str, SendResult], reference: str) -> tuple[str, ...]:
    result = results.get(reference)
    return result.ids if isinstance(result, Accepted | Unknown) else ()


def _close_attempts(db: Connection, ids: Sequence[bytes], number: int, result: SendResult, now: int) -> None:
    mine = id_in(attempt.c.message, ids) & (attempt.c.number == number)
    values = {"result": ATTEMPT_RESULTS[type(result)], "code": result.code or None, "ended_at": now}
    db.execute(update(attempt).where(mine).values(**values))


def _still_open(db: Connection, ids: Sequence[bytes], number: int, result: SendResult) -> Sequence[Row[Any]]:
    states = [State.SENDING] if isinstance(result, Unknown) else [State.SENDING, State.UNKNOWN]
    mine = id_in(message.c.id, ids) & (message.c.attempts == number) & message.c.state.in_(states)
    columns: list[Column[Any]] = [message.c.id, message.c.lane, message.c.sending, message.c.state]
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
