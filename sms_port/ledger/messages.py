"""The ledger's verbs for others: owe a message, and sweep what stands too long.

A message is written in the transaction that owes it (`owe`), sent by the gateway process
(`gateway.py`), and news to its owner exactly once (`outcomes.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Row, insert, select
from sqlalchemy.exc import IntegrityError

from config.db.engine import id_in, is_duplicate, reading, skip_locked, transact
from config.failpoints import failpoint
from config.ground import Ground
from sms_port.errors import MessageConflict, MessageTooLong
from sms_port.ledger.doubts import match_doubts
from sms_port.ledger.payload import ERASED, Payload, fingerprint, seal_payload
from sms_port.ledger.receipts import settle_receipts
from sms_port.ledger.retention import forget
from sms_port.ledger.states import OnOutcome, Outcome, move, settle
from sms_port.models import Lane, State, message
from sms_port.segments import PART_UNITS, units

__all__ = ["Lane", "OnOutcome", "Outcome", "Owed", "owe", "resend", "sweep"]

MAX_PARTS = 8
KEPT_MS = 72 * 3_600_000
"""How long a message that names no expiry is worth sending."""

RESEND_AFTER_MS = 30 * 60_000
"""How long a receipt is waited for after an unknown outcome, before the one flagged resend."""

FIRST_BY_MS = 60_000
"""How much earlier a message falls due that goes first; a lane is sent in the order of `due_at`."""

SILENT_MS = 72 * 3_600_000
"""How long receipts of an accepted message are waited for."""

SWEPT_AT_ONCE = 500


@dataclass(frozen=True)
class Owed:
    """A message to be sent once.

    `id` is 16 bytes and its idempotency key. After `expires_at` (epoch ms) it is not sent any
    more. `resend_text` allows one flagged resend with these words after an unknown outcome; a code
    has none. `first`: before every other message of its lane that was owed within a minute.
    """

    id: bytes
    lane: Lane
    phone: str = field(repr=False)
    text: str = field(repr=False)
    expires_at: int | None = None
    resend_text: str | None = field(default=None, repr=False)
    first: bool = False


def owe(db: Connection, ground: Ground, messages: Sequence[Owed]) -> None:
    """Write down messages in the caller's transaction; ring the gateway after its commit.

    Owing the same message again changes nothing; the same id with other words is a
    MessageConflict, for as long as the words are kept. MessageTooLong above 8 parts.
    """
    if not messages:
        return
    now = ground.clock.now()
    rows = [_row(ground, owed, now) for owed in messages]
    try:
        db.execute(insert(message), rows)
    except IntegrityError as error:
        if not is_duplicate(error):
            raise
        _owe_what_is_new(db, rows)


def _row(ground: Ground, owed: Owed, now: int) -> dict[str, Any]:
    if max(units(owed.text), units(owed.resend_text or "")) > MAX_PARTS * PART_UNITS:
        raise MessageTooLong(f"{MAX_PARTS} parts at most")
    payload = Payload(owed.phone, owed.text, owed.resend_text)
    return {
        "id": owed.id,
        "lane": owed.lane,
        "state": State.DUE,
        "due_at": now - FIRST_BY_MS if owed.first else now,
        "expires_at": owed.expires_at if owed.expires_at is not None else now + KEPT_MS,
        "created_at": now,
        "attempts": 0,
        "sending": 1,
        "resendable": owed.lane is Lane.REPLY and owed.resend_text is not None,
        "fingerprint": fingerprint(ground.keys, owed.lane, payload),
        "sealed": seal_payload(ground.keys, owed.id, payload),
    }


def _owe_what_is_new(db: Connection, rows: Sequence[dict[str, Any]]) -> None:
    # The statement that met a known id may have written other rows before it: those are known too.
    ids = [row["id"] for row in rows]
    found = db.execute(select(message.c.id, message.c.fingerprint).where(id_in(message.c.id, ids)))
    known = {row.id: row.fingerprint for row in found}
    fresh = {row["id"]: row for row in rows if row["id"] not in known}
    known |= {row["id"]: row["fingerprint"] for row in fresh.values()}
    if any(known[row["id"]] not in (row["fingerprint"], ERASED) for row in rows):
        raise MessageConflict("a message with this id says something else")
    if fresh:
        db.execute(insert(message), list(fresh.values()))


def sweep(ground: Ground, on_outcome: OnOutcome) -> int:
    """Find what stands too long; called every few seconds by the clock process. Returns how many moved.

    A lease that ran out becomes unknown; an unknown reply is resent once, flagged, after 30 min
    without a receipt; whatever cannot be sent in time or known any more is given up and erased.
    """
    now = ground.clock.now()
    ended = _sweep_all(ground, _lease_ended(now), partial(_doubt, now=now))
    match_doubts(ground, lambda db, link, ids: settle_receipts(db, ground, on_outcome, link, ids))
    steps = [
        (_can_be_resent(now), partial(_resend, now=now)),
        (_never_known(now), partial(_close, on_outcome=on_outcome, state=State.UNKNOWN_FINAL, now=now)),
        (_never_sent(now), partial(_close, on_outcome=on_outcome, state=State.EXPIRED, now=now)),
        (_in(State.ACCEPTED) & (message.c.due_at <= now - SILENT_MS), partial(_fall_silent, now=now)),
    ]
    forget(ground, now)
    moved = [_sweep_all(ground, found, act) for found, act in steps]
    if ended or moved[0]:
        ground.bell.notify_gateway()
    return ended + sum(moved)


def resend(db: Connection, ground: Ground, message_id: bytes) -> bool:
    """Send a reply in doubt once more now, flagged, without waiting for a receipt; False when it cannot be."""
    now = ground.clock.now()
    mine = (message.c.id == message_id) & _first_of_two() & (message.c.expires_at > now)
    columns: list[Column[Any]] = [message.c.id, message.c.lane]
    rows = db.execute(select(*columns).where(mine, message.c.state == State.UNKNOWN).with_for_update()).all()
    _resend(db, rows, now=now)
    return bool(rows)


def _sweep_all(
    ground: Ground, found: ColumnElement[bool], act: Callable[[Connection, Sequence[Row[Any]]], None]
) -> int:
    def once(db: Connection) -> int:
        these = select(message.c.id, message.c.lane).where(id_in(message.c.id, ids), found)
        rows = db.execute(skip_locked(these)).all()
        act(db, rows)
        failpoint("ledger.before_commit")
        return len(rows)

    total = 0
    # looked for without locks first: the gateway must not skip what this only walks past
    while ids := _peek(ground, found):
        count = transact(ground.engine, once)
        total += count
        if not count:
            break
    return total


def _peek(ground: Ground, found: ColumnElement[bool]) -> list[bytes]:
    with reading(ground.engine) as db:
        return list(db.scalars(select(message.c.id).where(found).limit(SWEPT_AT_ONCE)))


def _in(state: State) -> ColumnElement[bool]:
    # both lanes by name, so that the index (state, lane, due_at) is used to its end
    return (message.c.state == state) & message.c.lane.in_(list(Lane))


def _lease_ended(now: int) -> ColumnElement[bool]:
    return _in(State.SENDING) & (message.c.due_at <= now)


def _first_of_two() -> ColumnElement[bool]:
    return message.c.resendable & (message.c.sending == 1)


def _can_be_resent(now: int) -> ColumnElement[bool]:
    waited = message.c.unknown_at <= now - RESEND_AFTER_MS
    return _in(State.UNKNOWN) & waited & _first_of_two() & (message.c.expires_at > now)


def _never_known(now: int) -> ColumnElement[bool]:
    waited = (message.c.unknown_at <= now - RESEND_AFTER_MS) & ~_first_of_two()
    unknown = _in(State.UNKNOWN) & (waited | (message.c.expires_at <= now))
    # a resend that was never sent leaves the first sending as unknown as it was
    unsent_resend = _in(State.DUE) & (message.c.sending == 2) & (message.c.expires_at <= now)
    return unknown | unsent_resend


def _never_sent(now: int) -> ColumnElement[bool]:
    return _in(State.DUE) & (message.c.expires_at <= now)


def _doubt(db: Connection, rows: Sequence[Row[Any]], *, now: int) -> None:
    move(db, [row.id for row in rows], [State.SENDING], state=State.UNKNOWN, unknown_at=now, due_at=now)


def _resend(db: Connection, rows: Sequence[Row[Any]], *, now: int) -> None:
    ids = [row.id for row in rows]
    move(db, ids, [State.UNKNOWN], state=State.DUE, sending=2, due_at=now, unknown_at=None, link=None)


def _fall_silent(db: Connection, rows: Sequence[Row[Any]], *, now: int) -> None:
    # its owner heard "accepted" long ago and is not told again
    move(db, [row.id for row in rows], [State.ACCEPTED], state=State.EXPIRED, due_at=now)


def _close(db: Connection, rows: Sequence[Row[Any]], *, on_outcome: OnOutcome, state: State, now: int) -> None:
    settle(db, on_outcome, rows, state, now, "expired" if state is State.EXPIRED else "unknown")
