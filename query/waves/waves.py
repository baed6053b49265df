"""Waves: inquiries of one service that are asked together, stored as one row with everything in member order.

A process that changes a wave or an answer of its questions holds the lock on the wave's row, taken before any
question's.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Any, Final, TypeAlias

from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from config.crypto.suites import hmac_equal
from config.db.engine import is_duplicate, skip_locked
from config.errors import KeyTaken, SealBroken
from config.ground import Ground
from query.inquiry import INTERNET_ACCOUNTS, State, Times, accepted_at, check_by, decide_by
from query.models import question, wave
from query.moves import lock_phones
from query.waves.questions import COUNT, IDENTITY, QuestionState, answer_row, digest_of, open_answers
from query.waves.wave_ids import wave_ids

Identity: TypeAlias = dict[str, str]


class Stage(IntEnum):
    """The kind of answers a wave waits for; the numbers are stored."""

    IDENTITY = 0
    COUNT = 1
    OVER = 2


STAGE_OF: Final = {IDENTITY: Stage.IDENTITY, COUNT: Stage.COUNT}
"""The stage in which a kind of question is asked; before and after it, its answers change nothing."""
KIND_OF: Final = {stage: kind for kind, stage in STAGE_OF.items()}


@dataclass(frozen=True, slots=True)
class Wave:
    """An open wave in memory. `phones` and `identities` (if still kept) are in the order of `members`.

    Its hash is that of its id: the identities are dicts, and have none.
    """

    id: int
    service: str
    stage: Stage
    open: int
    carrier: str | None
    members: tuple[bytes, ...]
    phones: tuple[str, ...] = field(repr=False)
    identities: tuple[Identity, ...] | None = field(repr=False)
    made_at: int

    def __hash__(self) -> int:
        return hash(self.id)

    def only(self, places: Iterable[int]) -> "Wave":
        """Return this wave with the members at these places, in their order."""
        kept = list(places)
        return replace(
            self,
            members=tuple(self.members[place] for place in kept),
            phones=tuple(self.phones[place] for place in kept),
            identities=tuple(self.identities[place] for place in kept) if self.identities is not None else None,
        )

    def deadline(self, member: bytes, times: Times, closed: Sequence[str] = ()) -> int:
        """Return when this stage is over for a member, answered or not. `closed`: the asked partner's closed hours."""
        if self.stage is Stage.IDENTITY:
            return check_by(accepted_at(member), times)
        return decide_by(self.service, accepted_at(member), self.made_at, times, closed)


def add_wave(db: Connection, ground: Ground, new: Wave, times: Times) -> None:
    """Store a new wave. Raises KeyTaken when another process made the same id; `transact` then runs all again."""
    try:
        db.execute(insert(wave).values(id=new.id, **_columns(ground, new, times)))
    except IntegrityError as error:
        if not is_duplicate(error):
            raise
        wave_ids.begin_anew()
        raise KeyTaken("wave") from error


def rewrite_wave(db: Connection, ground: Ground, changed: Wave, times: Times) -> None:
    """Store a changed wave. The caller holds its lock."""
    db.execute(update(wave).where(wave.c.id == changed.id).values(**_columns(ground, changed, times)))


def lock_wave(db: Connection, ground: Ground, wave_id: int) -> Wave | None:
    """Lock a marked wave and return it; None if it is not marked or another process has it."""
    mine = select(wave).where(wave.c.id == wave_id, wave.c.look == 1, wave.c.stage < Stage.OVER)
    row = db.execute(skip_locked(mine)).first()
    return open_wave(ground, row) if row is not None else None


def open_wave(ground: Ground, row: Row[Any]) -> Wave:
    """Read a stored row as a Wave.

    Raises SealBroken when a list was sealed for another wave, stage or other members, or has not one entry a member.
    """
    members = split_members(row.members)

    def opened(column: str, sealed: bytes) -> list[Any]:
        place = _place(row.id, row.stage, members)
        listed: list[Any] = json.loads(ground.keys.open(sealed, table="wave", column=column, row=place))
        if not len(listed) == len(members) == row.n:
            raise SealBroken("a wave holds more or fewer entries than it has members")
        return listed

    identities = None
    if row.identities is not None:
        identities = opened(_identity_column(row.service, row.stage), row.identities)
    return Wave(
        id=row.id,
        service=row.service,
        stage=Stage(row.stage),
        open=row.open,
        carrier=row.carrier,
        members=members,
        phones=tuple(opened("phones", row.phones or b"")),
        identities=tuple(identities) if identities is not None else None,
        made_at=row.made_at,
    )


def lock_members(db: Connection, ground: Ground, whole: Wave, state: State) -> set[bytes]:
    """Lock the members of a wave that are in `state`.

    Raises SealBroken when the number that the wave has for one of them is not the one in the inquiry's own row: an SMS
    goes only to the number that was proved at submission.
    """
    own = lock_phones(db, whole.members, state, wave=whole.id)
    for member, phone in zip(whole.members, whole.phones, strict=True):
        if member not in own:
            continue
        known = ground.keys.open(own[member] or b"", table="inquiry", column="phone", row=member)
        if not hmac_equal(known, phone.encode()):
            raise SealBroken("a wave has another number for an inquiry than its own row")
    return set(own)


def split_members(joined: bytes) -> tuple[bytes, ...]:
    """Return the ids that a `members` column holds one after the other."""
    return tuple(joined[start : start + 16] for start in range(0, len(joined), 16))


def mark_broken(db: Connection, ids: Sequence[int]) -> None:
    """Have `advance` look at waves that do not open, so that it rebuilds them."""
    db.execute(update(wave).where(wave.c.id.in_(ids), wave.c.stage < Stage.OVER).values(look=1))


def shrink(
    db: Connection, ground: Ground, whole: Wave, places: Sequence[int], times: Times, decide_at: int | None = None
) -> None:
    """Keep in a wave only the members still owed something, and in its questions only their answers.

    `decide_at`: the earliest deadline of a member (epoch ms), if not by the service's patience alone.
    """
    rewrite_wave(db, ground, whole.only(places), times)
    if decide_at is not None:
        db.execute(update(wave).where(wave.c.id == whole.id).values(decide_at=decide_at))
    if len(places) == len(whole.members):
        return
    for row in db.execute(_questions(whole)).all():
        answers = open_answers(ground, row, whole.members)
        kept = [answers[place] for place in places] if row.answers is not None else None
        members = [whole.members[place] for place in places]
        values = answer_row(ground, row.wave, row.partner, row.kind, kept, members)
        if values["n"] == 0:
            values["state"] = QuestionState.DONE
        this = (question.c.wave == row.wave, question.c.partner == row.partner, question.c.kind == row.kind)
        db.execute(update(question).where(*this).values(**values))


def close_questions(db: Connection, wave_id: int, kind: str) -> None:
    """End a kind of question whose answers no longer belong to the wave's members."""
    these = update(question).where(question.c.wave == wave_id, question.c.kind == kind)
    db.execute(these.values(answers=None, state=QuestionState.DONE, n=0))


def finish(db: Connection, wave_id: int) -> None:
    """End a wave: erase phones, identities and answers, and close its questions."""
    over = {"stage": Stage.OVER, "look": 0, "open": 0, "phones": None, "identities": None}
    db.execute(update(wave).where(wave.c.id == wave_id).values(**over))
    db.execute(update(question).where(question.c.wave == wave_id).values(answers=None, state=QuestionState.DONE, n=0))


def _questions(whole: Wave) -> Any:
    mine = select(question).where(question.c.wave == whole.id, question.c.kind == KIND_OF[whole.stage])
    return mine.order_by(question.c.partner).with_for_update()


def _columns(ground: Ground, of: Wave, times: Times) -> dict[str, Any]:
    return {
        "service": of.service,
        "stage": of.stage,
        "open": of.open,
        "look": 0,
        "carrier": of.carrier,
        "n": len(of.members),
        "members": b"".join(of.members),
        "phones": _sealed(ground, of, "phones", of.phones),
        "identities": _sealed(ground, of, _identity_column(of.service, of.stage), of.identities)
        if of.identities is not None
        else None,
        "made_at": of.made_at,
        "decide_at": min(of.deadline(member, times) for member in of.members),
    }


def _sealed(ground: Ground, of: Wave, column: str, listed: Sequence[Any]) -> bytes:
    plain = json.dumps(listed, ensure_ascii=False, separators=(",", ":"))
    return ground.keys.seal(plain.encode(), table="wave", column=column, row=_place(of.id, of.stage, of.members))


def _identity_column(service: str, stage: int) -> str:
    """The column as its content key knows it: ID digits live six hours, the month of a number longer."""
    return "held" if (service, stage) == (INTERNET_ACCOUNTS, Stage.COUNT) else "identities"


def _place(wave_id: int, stage: int, members: Sequence[bytes]) -> str:
    return f"{wave_id}|{int(stage)}|{digest_of(members)}"
