"""Delete what the ledger has kept long enough: in batches, until nothing is left or the time budget is spent."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from sqlalchemy import Column, Connection, Table, delete, select

from config.db.engine import id_in, reading, skip_locked, transact
from config.ground import Ground
from config.telemetry.metrics import count_erased
from sms_port.ledger.receipt_matching import UNMATCHED_KEPT_MS
from sms_port.models import Lane, State, attempt, inbound, inbound_segment, message, part, receipt, unmatched

DAY_MS: Final = 86_400_000
NAMES_KEPT_MS: Final = 30 * DAY_MS
SEGMENTS_KEPT_MS: Final = 3_600_000
"""How long the rest of a long text is waited for."""
ROWS_KEPT_MS: Final = 62 * DAY_MS
"""How long a settled message and its attempts are kept; they hold nothing personal any more."""
BATCH_SIZE: Final = 500
BUDGET_S: Final = 0.5

AGES: Final[tuple[tuple[Table, Column[Any], int], ...]] = (
    (part, part.c.at, NAMES_KEPT_MS),
    (receipt, receipt.c.received_at, NAMES_KEPT_MS),
    (inbound, inbound.c.at, NAMES_KEPT_MS),
    (inbound_segment, inbound_segment.c.at, SEGMENTS_KEPT_MS),
    (unmatched, unmatched.c.at, UNMATCHED_KEPT_MS),
)


def forget(ground: Ground, now: int, budget_s: float = BUDGET_S) -> None:
    """Delete ids of parts, receipts, texts and settled messages whose time is over at `now` (epoch ms)."""
    left: list[Callable[[], int]] = [partial(_forget_older, ground, *age, now) for age in AGES]
    left.append(partial(_purge_messages, ground, now))
    deadline = time.monotonic() + budget_s
    while left:
        left = [step for step in left if step() >= BATCH_SIZE]
        if time.monotonic() >= deadline:
            return


def _forget_older(ground: Ground, table: Table, at: Column[Any], kept: int, now: int) -> int:
    oldest = select(at).where(at <= now - kept).order_by(at).limit(BATCH_SIZE)
    with reading(ground.engine) as db:
        times = list(db.scalars(oldest))
    if not times:
        return 0
    gone = delete(table).where(at <= times[-1])
    return _count(table, transact(ground.engine, lambda db: db.execute(gone).rowcount))


def _purge_messages(ground: Ground, now: int) -> int:
    settled = [state for state in State if state > State.ACCEPTED]
    # by state and lane, so that the index (state, lane, due_at) is used to its end; settled, `due_at` is when it was
    old = message.c.lane.in_(list(Lane)) & (message.c.due_at <= now - ROWS_KEPT_MS)
    return sum(_count(message, transact(ground.engine, partial(_purge, old=old, state=state))) for state in settled)


def _purge(db: Connection, *, old: Any, state: State) -> int:
    found = select(message.c.id).where(message.c.state == state, old).limit(BATCH_SIZE)
    ids = list(db.execute(skip_locked(found)).scalars())
    db.execute(delete(attempt).where(id_in(attempt.c.message, ids)))
    db.execute(delete(message).where(id_in(message.c.id, ids)))
    return len(ids)


def _count(table: Table, rows: int) -> int:
    count_erased(table.name, rows)
    return rows
