"""The budgets of a number's codes as the database knows them: Redis counts first, and may be emptied at any moment."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from threading import Lock
from typing import Final

from sqlalchemy import Connection, Engine, insert, select

from config.catalogue.limits import Limits
from config.db.engine import reading
from config.ground import Ground
from query.errors import Unavailable
from query.inquiry import DAY
from query.models import code_sent
from sms_port.ledger.messages import FIRST_BY_MS
from sms_port.ledger.totals import count_due_by
from sms_port.models import Lane

SENT_WITHIN_S: Final = 60
"""A code that could not be sent within this time is refused at once: it would come after the citizen has left."""

LOOK_S: Final = 1.0


def has_room(db: Connection, limits: Limits, indexes: Sequence[bytes], now: int, *, identified: bool) -> bool:
    """Return whether one more code may go to a number today, in all and of the share of senders without identity."""
    recent = select(code_sent.c.identified).where(code_sent.c.sent_at > now - DAY)
    sent = list(db.execute(recent.where(code_sent.c.phone_index.in_(indexes))).scalars())
    if len(sent) >= limits.codes_per_phone_day:
        return False
    return identified or sent.count(False) < limits.codes_per_phone_day_web


def note_sent(db: Connection, message: bytes, index: bytes, now: int, *, identified: bool) -> None:
    """Keep that a code was owed to a number."""
    row = {"message": message, "phone_index": index, "sent_at": now, "identified": identified}
    db.execute(insert(code_sent).values(**row))


@dataclass(slots=True)
class _Look:
    """The number of codes due before one of this kind, and when it was looked up (monotonic s)."""

    at: float
    ahead: int


class CodeQueue:
    """The backlog in the lane of codes, looked up once a second. One a process; threads share it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._looks: dict[tuple[Engine, bool], _Look] = {}

    def admit(self, ground: Ground, *, identified: bool) -> None:
        """Raise Unavailable when a code owed now could not be sent within SENT_WITHIN_S at the links' pace."""
        pace = ground.catalogues.current().codes_per_second()
        most = pace * SENT_WITHIN_S
        ahead = self._ahead(ground, most, identified=identified)
        if pace and ahead >= most:
            raise Unavailable("more codes wait than the links can send within a minute", retry_after=ceil(ahead / pace))

    def _ahead(self, ground: Ground, most: int, *, identified: bool) -> int:
        key, now = (ground.engine, identified), time.monotonic()
        with self._lock:
            known = self._looks.get(key)
            if known is not None and now - known.at < LOOK_S:
                return known.ahead
            by = ground.clock.now() - (FIRST_BY_MS if identified else 0)
            with reading(ground.engine) as db:
                ahead = count_due_by(db, Lane.CODE, by, max(most, 1))
            self._looks[key] = _Look(now, ahead)
            return ahead


code_queue: Final = CodeQueue()
