"""Erase data that has been kept long enough; nothing here decides anything.

State moves erase ID digits at the verdict, and numbers and counts with the reply. This file erases by time alone, and
is the safety net under the moves: ID digits do not outlive their six hours even in a wave that cannot be settled.
"""

import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import groupby
from typing import Any, Final

from sqlalchemy import Column, Connection, Row, Table, delete, select, update

from config.db.engine import id_in, skip_locked, transact
from config.failpoints import failpoint
from config.ground import Ground
from config.telemetry import metrics
from query.inquiry import DAY, HOUR, INDEX_KEPT, MASKED_KEPT, PHONE_KEPT, ROWS_KEPT, State
from query.models import code_sent, inquiry, last_inquiry, notice, question, session_end, verification_code, wave
from query.notices import KEPT, LATE, NoticeState
from query.waves.waves import Stage

BATCH_SIZE: Final = 500
BUDGET_S: Final = 1.0
"""Time for erasing within one sweep, of which there is one every two seconds."""
CODE_KEPT: Final = HOUR
IDENTITY_KEPT: Final = 6 * HOUR
SAFETY_MARGIN: Final = HOUR // 6
WAVE_KEPT: Final = INDEX_KEPT

ERASURES: Final[Sequence[tuple[int, tuple[str, ...]]]] = (
    (MASKED_KEPT, ("masked", "contact")),
    (PHONE_KEPT, ("phone", "identity")),
    (INDEX_KEPT, ("phone_index", "owner", "submission", "fingerprint")),
)
"""(age of the inquiry in ms, columns erased then), in order."""


def erase(ground: Ground, budget_s: float = BUDGET_S) -> None:
    """Erase everything that is kept too long, in small transactions, until nothing is left or the budget is spent.

    Rows that somebody holds are passed over, and nobody waits for more than a batch.
    """
    now, deadline = ground.clock.now(), time.monotonic() + budget_s
    left = list(STEPS)
    while left:
        left = [name for name in left if _erase_batch(ground, name, now) >= BATCH_SIZE]
        if time.monotonic() >= deadline:
            return


def _erase_batch(ground: Ground, name: str, now: int) -> int:
    rows = transact(ground.engine, partial(STEPS[name], now=now))
    metrics.count_erased(name, rows)
    failpoint("erase.after_step")
    return rows


def columns_to_erase(age: int) -> tuple[tuple[str, ...], int | None]:
    """Return the columns an inquiry of this age (ms) must not hold, and the age of the next erasure (None: none)."""
    gone = tuple(column for limit, columns in ERASURES if age >= limit for column in columns)
    return gone, next((limit for limit, _ in ERASURES if age < limit), None)


def _erase_inquiries(db: Connection, now: int) -> int:
    due = select(inquiry.c.id, inquiry.c.accepted_at).where(inquiry.c.erase_at <= now)
    rows = db.execute(skip_locked(due.order_by(inquiry.c.erase_at).limit(BATCH_SIZE))).all()

    def step(row: Row[tuple[bytes, int]]) -> tuple[tuple[str, ...], int | None]:
        return columns_to_erase(now - row.accepted_at)

    for (columns, look_again), alike in groupby(rows, step):
        group = list(alike)
        values: dict[str, Any] = dict.fromkeys(columns)
        values["erase_at"] = inquiry.c.accepted_at + look_again if look_again is not None else None
        db.execute(update(inquiry).where(id_in(inquiry.c.id, [row.id for row in group])).values(**values))
    return len(rows)


def _purge_inquiries(db: Connection, now: int) -> int:
    """Delete the rows of inquiries of which nothing personal is left; figures of days are kept elsewhere."""
    # an id begins with its time, and is what the rows are sorted by
    before = max(now - ROWS_KEPT, 0).to_bytes(6, "big") + bytes(10)
    old = select(inquiry.c.id).where(
        inquiry.c.id < before, inquiry.c.erase_at.is_(None), inquiry.c.state == State.CLOSED
    )
    ids = list(db.execute(skip_locked(old.order_by(inquiry.c.id).limit(BATCH_SIZE))).scalars())
    if ids:
        # between them as well: a scan of the table, which the optimizer may prefer, would wait for rows of others
        db.execute(delete(inquiry).where(inquiry.c.id.between(ids[0], ids[-1]), id_in(inquiry.c.id, ids)))
    return len(ids)


def _erase_identities(db: Connection, now: int) -> int:
    """Erase identities of waves and inquiries that should have been settled by now, as a safety net."""
    late = (
        wave.c.stage.in_([Stage.IDENTITY, Stage.COUNT]),
        wave.c.decide_at <= now - SAFETY_MARGIN,
        wave.c.identities.is_not(None),
    )
    db.execute(update(wave).where(*late).values(identities=None))
    unsettled = (
        inquiry.c.state.in_([State.CHECKING, State.ASKING]),
        inquiry.c.accepted_at <= now - IDENTITY_KEPT - SAFETY_MARGIN,
    )
    found = select(inquiry.c.id).where(*unsettled, inquiry.c.identity.is_not(None)).limit(BATCH_SIZE)
    ids = list(db.execute(skip_locked(found)).scalars())
    if ids:
        db.execute(update(inquiry).where(id_in(inquiry.c.id, ids)).values(identity=None))
    return len(ids)


def _erase_codes(db: Connection, now: int) -> int:
    return _delete_oldest(db, verification_code, verification_code.c.expires_at, now - CODE_KEPT)


def _erase_codes_sent(db: Connection, now: int) -> int:
    return _delete_oldest(db, code_sent, code_sent.c.sent_at, now - DAY)


def _erase_session_ends(db: Connection, now: int) -> int:
    return _delete_oldest(db, session_end, session_end.c.until_at, now)


def _erase_days(db: Connection, now: int) -> int:
    return _delete_oldest(db, last_inquiry, last_inquiry.c.accepted_at, now - INDEX_KEPT)


def _delete_oldest(db: Connection, table: Table, moment: Column[int], until: int) -> int:
    """Delete rows whose time is up to `until`, the oldest first, at most BATCH_SIZE at a time."""
    oldest = list(db.execute(select(moment).where(moment <= until).order_by(moment).limit(BATCH_SIZE)).scalars())
    return db.execute(delete(table).where(moment <= oldest[-1])).rowcount if oldest else 0


def _erase_waves(db: Connection, now: int) -> int:
    """Delete finished waves. They hold no personal data, only ids, and are kept as long as an index is."""
    over = select(wave.c.id).where(wave.c.stage == Stage.OVER, wave.c.decide_at <= now - WAVE_KEPT).limit(BATCH_SIZE)
    ids = list(db.execute(over).scalars())
    if ids:
        db.execute(delete(question).where(question.c.wave.in_(ids)))
        db.execute(delete(wave).where(wave.c.id.in_(ids)))
    return len(ids)


def _erase_notices(db: Connection, now: int) -> int:
    """Erase the openid of notices too late to be sent or never settled; delete all notices after some days."""
    standing = notice.c.state.in_([NoticeState.OWED, NoticeState.SENDING])
    late = update(notice).where(standing, notice.c.owed_at <= now - LATE)
    db.execute(late.values(state=NoticeState.FAILED, openid=None, word="late"))
    return _delete_oldest(db, notice, notice.c.owed_at, now - KEPT)


STEPS: Final[dict[str, Callable[..., int]]] = {
    "inquiry": _erase_inquiries,
    "identity": _erase_identities,
    "verification_code": _erase_codes,
    "code_sent": _erase_codes_sent,
    "session_end": _erase_session_ends,
    "last_inquiry": _erase_days,
    "wave": _erase_waves,
    "notice": _erase_notices,
    "closed_inquiry": _purge_inquiries,
}
"""Each erases a batch that is due at `now` and returns how many rows; the name is that of the metric."""
