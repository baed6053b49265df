"""Change the state of messages and report outcomes to their owner.

Nobody else writes `message.state`. Every change names the states it may come from and reads how
many rows it moved, so a final state is never left, but for FAILED, and an outcome is never reported twice.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from sqlalchemy import Connection, Row, update

from config.db.engine import id_in
from config.telemetry.metrics import count_messages
from sms_port.errors import LedgerRaced
from sms_port.ledger.payload import ERASED
from sms_port.models import Lane, State, message

OPEN = (State.DUE, State.SENDING, State.UNKNOWN)
"""The states in which the message is still owed."""

FAILED = (State.UNDELIVERED, State.MIXED)
"""The states that a receipt of the delivery, coming after one of the failure, still corrects."""

Item = TypeVar("Item")
Key = TypeVar("Key", bound=Hashable)
Kind = Literal["accepted", "failed", "unknown_final"]

KINDS: dict[State, Kind] = {
    State.ACCEPTED: "accepted",
    State.DELIVERED: "accepted",
    State.UNDELIVERED: "accepted",
    State.MIXED: "accepted",
    State.FAILED: "failed",
    State.EXPIRED: "failed",
    State.UNKNOWN_FINAL: "unknown_final",
}


@dataclass(frozen=True)
class Outcome:
    """Outcome of an owed message, reported exactly once; `code` says why it is not `accepted`."""

    message_id: bytes
    lane: Lane
    kind: Kind
    at: int
    code: str = ""


OnOutcome = Callable[[Connection, Sequence[Outcome]], None]
"""Called in the transaction that records the outcomes, so that both are stored or neither."""


def move(db: Connection, ids: Sequence[bytes], old: Sequence[State], **values: Any) -> None:
    """Change messages that this transaction has locked; LedgerRaced if one is not in an `old` state."""
    if not ids:
        return
    found = id_in(message.c.id, ids) & message.c.state.in_(old)
    if db.execute(update(message).where(found).values(**values)).rowcount != len(ids):
        raise LedgerRaced("a message moved while it was locked")


def settle(
    db: Connection, on_outcome: OnOutcome, rows: Sequence[Row[Any]], state: State, now: int, code: str = ""
) -> None:
    """Move locked, open messages (rows with `id`, `lane`) to a state that ends them; erase and report them."""
    if not rows:
        return
    move(db, [row.id for row in rows], OPEN, state=state, due_at=now, sealed=None, fingerprint=ERASED)
    outcomes = [Outcome(row.id, Lane(row.lane), KINDS[state], now, code) for row in rows]
    on_outcome(db, outcomes)
    for lane, number in Counter(outcome.lane for outcome in outcomes).items():
        count_messages(lane.name.lower(), KINDS[state], number)


def grouped(pairs: Iterable[tuple[Key, Item]]) -> dict[Key, list[Item]]:
    """Return the items by key, so that one statement can change all that change alike."""
    groups: dict[Key, list[Item]] = defaultdict(list)
    for key, item in pairs:
        groups[key].append(item)
    return groups
