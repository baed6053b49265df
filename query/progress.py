"""The progress of an inquiry, for the session that submitted it only. Never a count, never a reason.

For the first five seconds every inquiry looks the same. A carrier's mismatch takes milliseconds and enterprises take
longer; without that time, anyone who only read the code off a screen would learn whether the ID digits are right.
"""

import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

from sqlalchemy import Connection, Row, case, func, select

from config.db.engine import reading
from config.ground import Ground
from query.errors import NotFound
from query.inquiry import INTERNET_ACCOUNTS, MINUTE, OWNER_SEES, UNIFORM_MS, State, reply_by
from query.models import inquiry, question
from query.services import times_of
from query.waves.questions import COUNT, QuestionState

ENDING: Final = 4
"""The last digits of a number that, with the reference, show a progress."""

Status = Literal["asking", "closed"]


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress that the owner sees. Times in epoch ms.

    `asked` and `answered` (partners): from UNIFORM_MS after acceptance on, while `asking`. `closed_at`: the minute.
    """

    reference: str
    service: str
    phone: str
    status: Status
    accepted_at: int
    reply_by: int
    asked: int | None
    answered: int | None
    closed_at: int | None


def progress(ground: Ground, reference: str, owner: bytes) -> Progress:
    """Return the progress of one's own inquiry, for 48 h from acceptance; raise NotFound for everything else."""
    return _progress(ground, reference, lambda row: hmac.compare_digest(row.owner, owner))


def progress_by_ending(ground: Ground, reference: str, ending: str | None) -> Progress:
    """Return the progress that its owner sees to whoever has the reference and the number's last four digits.

    `ending` None: they were checked before. Raises NotFound, also for a wrong ending and after 48 h.
    """
    seen = _progress(ground, reference, lambda row: True)
    if ending is not None and not hmac.compare_digest(seen.phone[-ENDING:], ending):
        raise NotFound("no such inquiry")
    return seen


def parse_reference(reference: str) -> int:
    """Return the number of a reference; raises NotFound when it is none."""
    if re.fullmatch("[1-9][0-9]{11}", reference) is None:
        raise NotFound("no such inquiry")
    return int(reference)


def _progress(ground: Ground, reference: str, is_shown: Callable[[Row[Any]], bool]) -> Progress:
    number = parse_reference(reference)
    with reading(ground.engine) as db:
        now = ground.clock.now()
        row = db.execute(select(inquiry).where(inquiry.c.reference == number)).first()
        if row is None or not _is_kept(row, now) or not is_shown(row):
            raise NotFound("no such inquiry")
        seen = _shown(db, ground, row) if now >= row.accepted_at + UNIFORM_MS else _UNIFORM
    times = times_of(ground.catalogues.current(), row.service)
    masked = ground.keys.open(row.masked, table="inquiry", column="masked", row=row.id)
    return Progress(
        reference=reference,
        service=row.service,
        phone=masked.decode(),
        status=seen.status,
        accepted_at=row.accepted_at,
        reply_by=reply_by(row.accepted_at, times),
        asked=seen.asked,
        answered=seen.answered,
        closed_at=seen.closed_at,
    )


@dataclass(frozen=True, slots=True)
class _Shown:
    """The part of the progress that depends on how far the inquiry is."""

    status: Status
    asked: int | None = None
    answered: int | None = None
    closed_at: int | None = None


_UNIFORM: Final = _Shown("asking")


def _shown(db: Connection, ground: Ground, row: Row[Any]) -> _Shown:
    """The progress as it may be seen: the same for a mismatch, a match and a carrier that is silent.

    A reply that was given up (CLOSED without a time) is not shown as sent.
    """
    if row.state == State.CLOSED and row.closed_at is not None:
        return _Shown("closed", closed_at=row.closed_at // MINUTE * MINUTE)
    if row.state == State.ASKING:
        return _Shown("asking", *_partners(db, row))
    asked = _asked_partners(ground, row.service)
    return _Shown("asking", asked, 0 if row.state == State.CHECKING else asked)


def _asked_partners(ground: Ground, service: str) -> int:
    catalogue = ground.catalogues.current()
    return len(catalogue.enterprises() if service == INTERNET_ACCOUNTS else catalogue.carriers())


def _is_kept(row: Row[Any], now: int) -> bool:
    return row.owner is not None and row.masked is not None and now < row.accepted_at + OWNER_SEES


def _partners(db: Connection, row: Row[Any]) -> tuple[int, int]:
    done = func.sum(case((question.c.state == QuestionState.DONE, 1), else_=0))
    counts = select(func.count(), done).where(question.c.wave == row.wave, question.c.kind == COUNT)
    asked, answered = db.execute(counts).one()
    return asked, int(answered or 0)
