"""Questions: one wave put to one partner, with its answers sealed once, in member order."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256
from typing import Any, Final, TypeAlias

from sqlalchemy import ColumnElement, Connection, Row, insert, select, update

from config.db.engine import skip_locked
from config.errors import SealBroken
from config.ground import Ground
from query.models import question

IDENTITY: Final = "identity"
COUNT: Final = "count"


class QuestionState(IntEnum):
    """The state of a question; the numbers are stored."""

    DUE = 0
    LEASED = 1
    DONE = 2


StoredAnswer: TypeAlias = str | dict[str, int] | None
"""Counts by application, or a word: a verdict, REFUSED, UNAVAILABLE. None: still owed."""

REFUSED: Final = "refused"
UNAVAILABLE: Final = "unavailable"

MAX_QUESTIONS_PER_CALL: Final = 64
"""Maximum number of questions in one call, whatever the batch size: each costs a row to write."""

ISOLATE_AFTER_TRIES: Final = 3
"""After this many tries in a row without an answer a question travels alone, so that it spoils no other."""


@dataclass(frozen=True, slots=True)
class Lease:
    """Questions of one partner, kind and service that this process may ask until `until` (epoch ms).

    `tries`: the number of the try, by wave; a worker that returns with another number has lost the lease. `failed`:
    tries in a row without an answer. `answered`: whether an earlier try brought an answer. `more`: whether other
    questions were due that did not fit. `lost`: how many leases of the question ran out.
    """

    partner: str
    kind: str
    service: str
    tries: Mapping[int, int]
    until: int
    failed: int = 0
    answered: bool = False
    more: bool = False
    lost: int = 0


def add_question(
    db: Connection,
    wave_id: int,
    service: str,
    partners: Sequence[str],
    kind: str,
    n: int,
    *,
    now: int,
    leases: Mapping[str, int],
) -> None:
    """Store a wave's question to each of `partners`: due now, or leased to the caller until `leases` says."""
    rows = [
        {
            "wave": wave_id,
            "partner": partner,
            "kind": kind,
            "service": service,
            "state": QuestionState.LEASED if partner in leases else QuestionState.DUE,
            "due_at": now,
            "lease_until": leases.get(partner, 0),
            "tries": int(partner in leases),
            "failed": 0,
            "n": n,
        }
        for partner in partners
    ]
    if rows:
        db.execute(insert(question), rows)


def of_partners(ground: Ground) -> ColumnElement[bool]:
    """Build a condition for questions to the catalogue's partners.

    Each is named, or the index (partner, state, due_at) would not be used.
    """
    return question.c.partner.in_([partner.code for partner in ground.catalogues.current().partners])


def due_by(ground: Ground, now: int) -> ColumnElement[bool]:
    """Build a condition for questions to any partner that are due at `now`."""
    return of_partners(ground) & (question.c.state == QuestionState.DUE) & (question.c.due_at <= now)


def claim(db: Connection, partner: str, batch: int, now: int, lease_until: int) -> Lease | None:
    """Lease due questions of one kind and service, the oldest first, up to a batch of items; None: nothing is due."""
    columns = question.c
    seen = (columns.wave, columns.kind, columns.service, columns.tries, columns.failed, columns.lost, columns.n)
    answered = columns.answers.is_not(None).label("answered")
    due = (question.c.partner == partner, question.c.state == QuestionState.DUE, question.c.due_at <= now)
    oldest = select(*seen, answered).where(*due).order_by(question.c.due_at).limit(MAX_QUESTIONS_PER_CALL)
    rows = db.execute(skip_locked(oldest)).all()
    if not rows:
        return None
    taken = _fitting(rows, batch)
    first = rows[0]
    this = (
        question.c.partner == partner,
        question.c.kind == first.kind,
        question.c.wave.in_([row.wave for row in taken]),
    )
    values = {"state": QuestionState.LEASED, "lease_until": lease_until, "tries": question.c.tries + 1}
    db.execute(update(question).where(*this).values(**values))
    return Lease(
        partner,
        first.kind,
        first.service,
        {row.wave: row.tries + 1 for row in taken},
        lease_until,
        failed=max(row.failed for row in taken),
        answered=any(row.answered for row in taken),
        more=len(taken) < len(rows) or len(rows) == MAX_QUESTIONS_PER_CALL,
        lost=first.lost,
    )


def _fitting(rows: Sequence[Row[Any]], batch: int) -> list[Row[Any]]:
    """Return the first row, and rows of its kind and service while the batch has room."""
    first, room = rows[0], batch - rows[0].n
    taken = [first]
    if _travels_alone(first):
        return taken
    for row in rows[1:]:
        alike = (row.kind, row.service) == (first.kind, first.service) and not _travels_alone(row)
        if alike and row.n <= room:
            taken.append(row)
            room -= row.n
    return taken


def _travels_alone(row: Row[Any]) -> bool:
    return bool(row.failed >= ISOLATE_AFTER_TRIES or row.lost)


def answer_row(
    ground: Ground,
    wave_id: int,
    partner: str,
    kind: str,
    answers: Sequence[StoredAnswer] | None,
    members: Sequence[bytes],
) -> dict[str, Any]:
    """Return the columns that hold answers: `n` still owed, and the answers sealed (None: none has come at all)."""
    if answers is None:
        return {"n": len(members), "answers": None}
    plain = json.dumps(list(answers), separators=(",", ":")).encode()
    sealed = ground.keys.seal(plain, table="question", column="answers", row=_place(wave_id, partner, kind, members))
    return {"n": sum(answer is None for answer in answers), "answers": sealed}


def open_answers(ground: Ground, row: Row[Any], members: Sequence[bytes]) -> list[StoredAnswer]:
    """Open the answers of a question's row, in member order.

    Raises SealBroken when they were sealed for another wave, partner, kind or other members.
    """
    if row.answers is None:
        return [None] * len(members)
    place = _place(row.wave, row.partner, row.kind, members)
    answers: list[StoredAnswer] = json.loads(
        ground.keys.open(row.answers, table="question", column="answers", row=place)
    )
    if len(answers) != len(members):
        raise SealBroken("a question holds more or fewer answers than its wave has members")
    return answers


def digest_of(members: Sequence[bytes]) -> str:
    """Return the SHA-256 of the member ids in their order: it binds a sealed list to its inquiries."""
    return sha256(b"".join(members)).hexdigest()


def _place(wave_id: int, partner: str, kind: str, members: Sequence[bytes]) -> str:
    return f"{wave_id}|{partner}|{kind}|{digest_of(members)}"
