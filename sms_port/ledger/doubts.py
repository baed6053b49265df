"""Match kept receipts to messages in doubt, by the number they went to. Run by the sweep, never as receipts arrive.

A receipt is bound only when exactly one message can be meant. A message that is still being sent to the number, whose
response may come any moment, makes the receipt wait. When as many receipts as parts can be meant, all of them are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sqlalchemy import Column, Connection, Row, func, literal, select

from config.db.engine import id_in, reading, transact, upsert
from config.errors import SealBroken
from config.ground import Ground
from sms_port.ledger.payload import open_payload
from sms_port.ledger.receipt_matching import AROUND_MS, Clue, assign_kept, forget_unmatched, note, read_clue
from sms_port.ledger.states import grouped
from sms_port.message_reference import UNNAMED, extension_of, is_unnamed, unnamed_id
from sms_port.models import Lane, State, attempt, message, part, unmatched

CANDIDATES = 20_000
"""Messages of one link in doubt, or being sent, that are looked at in one sweep, the oldest first."""

NUMBERS_AT_ONCE = 500
NAMED_AT_ONCE = 500


@dataclass(eq=False)
class _Candidate:
    """A message that may be meant, with the numbers of its parts that have no id yet."""

    row: Row[Any]
    indexes: tuple[bytes, ...] = field(repr=False)
    free: list[int]

    @property
    def is_sending(self) -> bool:
        return bool(self.row.state == State.SENDING)

    def fits(self, clue: Clue) -> bool:
        """Return whether a receipt to its number can be about it: the extension decides, else the minute."""
        if not self.free or clue.at < self.row.started_at:
            return False
        if clue.extension:
            return clue.extension == extension_of(bytes(self.row.id), len(clue.extension))
        return not clue.submitted_at or abs(clue.submitted_at - self.row.started_at) <= AROUND_MS


_Match = tuple[Clue, _Candidate, int, bool]
"""A receipt, its message, the number of the part, and whether its status is told of that very part."""

Settle = Callable[[Connection, str, set[bytes]], None]
"""(db, link, messages): move messages as far as the receipts of their parts allow."""


def match_doubts(ground: Ground, settle: Settle) -> None:
    """Match all kept receipts once more, and settle their messages in the same transaction."""
    _match_named(ground, settle)
    doubtful = select(message.c.link).where(message.c.state == State.UNKNOWN, message.c.lane.in_(list(Lane)))
    with reading(ground.engine) as db:
        links = [str(link) for link in db.scalars(doubtful.distinct()) if link is not None]
        links = [link for link in links if db.execute(_kept(link).limit(1)).first() is not None]
    for link in links:
        transact(ground.engine, partial(_match_link, ground=ground, link=link, settle=settle))


def _match_named(ground: Ground, settle: Settle) -> None:
    """Match receipts whose part was given its id after they came, by a process that died before it looked."""
    stand_in = literal(f"{UNNAMED}-") + func.lower(func.substr(func.hex(unmatched.c.phone_index), 1, 24))
    newest = select(*unmatched.c).distinct().order_by(unmatched.c.at.desc()).limit(NAMED_AT_ONCE)
    rows: list[Row[Any]] = []
    with reading(ground.engine) as db:
        for name in (unmatched.c.reference, stand_in):
            same = (part.c.link == unmatched.c.link) & (part.c.provider_id == name)
            rows += db.execute(newest.join(part, same & (part.c.phone_index == unmatched.c.phone_index))).all()

    def work(db: Connection, link: str, clues: Sequence[Clue]) -> None:
        settle(db, link, assign_kept(db, link=link, clues=list(dict.fromkeys(clues))))

    for link, members in grouped((str(row.link), read_clue(row)) for row in rows).items():
        transact(ground.engine, partial(work, link=link, clues=members))


def _match_link(db: Connection, *, ground: Ground, link: str, settle: Settle) -> None:
    candidates = _find_candidates(db, ground, link)
    by_number = grouped((candidate.indexes[0], candidate) for candidate in candidates if candidate.indexes)
    wanted = {index: number for number, members in by_number.items() for index in members[0].indexes}
    kept = _find_clues(db, link, sorted(wanted))
    clues = grouped((wanted[clue.indexes[0]], clue) for clue in _strongest(kept))
    bound = [pair for number, members in clues.items() for pair in _bind(members, by_number[number])]
    bound = _still_in_doubt(db, bound)
    if not bound:
        return
    now = ground.clock.now()
    rows = [
        {
            "link": link,
            "provider_id": unnamed_id(clue.indexes[0]) if is_unnamed(clue.names[0]) else clue.names[0],
            "message": candidate.row.id,
            "sending": candidate.row.sending,
            "number": number,
            "phone_index": clue.indexes[0],
            "statuses": 0,
            "at": now,
        }
        for clue, candidate, number, _ in bound
    ]
    db.execute(upsert(part, db.dialect.name, update=["at"]), rows)
    parts = [((bytes(one.row.id), one.row.sending, number), clue.status, told) for clue, one, number, told in bound]
    note(db, link, [(key, status) for key, status, told in parts if told])
    found = {_place(clue) for clue, *_ in bound}
    forget_unmatched(db, link, [clue for clue in kept if _place(clue) in found])
    settle(db, link, {row["message"] for row in rows})


def _still_in_doubt(db: Connection, bound: Sequence[_Match]) -> list[_Match]:
    """Lock the messages, and leave out those whose answer has come meanwhile."""
    ids = {candidate.row.id for _, candidate, *_ in bound}
    mine = id_in(message.c.id, ids) & (message.c.state == State.UNKNOWN)
    locked = set(db.scalars(select(message.c.id).where(mine).with_for_update())) if ids else set()
    return [match for match in bound if match[1].row.id in locked]


def _bind(clues: Sequence[Clue], candidates: Sequence[_Candidate]) -> list[_Match]:
    """Return the matches of the receipts of one number whose message is certain."""
    fitting = {clue: tuple(candidate for candidate in candidates if candidate.fits(clue)) for clue in clues}
    bound: list[_Match] = []
    for members, alike in grouped((fitting[clue], clue) for clue in clues).items():
        others = [clue for clue in clues if clue not in alike and set(fitting[clue]) & set(members)]
        if not members or others or any(candidate.is_sending for candidate in members):
            continue
        parts = [(candidate, number) for candidate in members for number in candidate.free]
        statuses = {clue.status for clue in alike}
        if len(members) > 1 and len(alike) != len(parts):
            continue
        if len(alike) > len(parts) and len(statuses) > 1:
            continue
        # of several messages whose receipts differ, each was taken; which one arrived nobody can tell
        told = len(members) == 1 or len(statuses) == 1
        pairs = zip(alike, parts, strict=False)
        bound += [(clue, candidate, n, told) for clue, (candidate, n) in pairs]
    return bound


def _kept(link: str) -> Any:
    return select(unmatched.c.link).where(unmatched.c.link == link)


def _find_clues(db: Connection, link: str, indexes: Sequence[bytes]) -> list[Clue]:
    """Return the kept receipts of these numbers."""
    found: list[Clue] = []
    for start in range(0, len(indexes), NUMBERS_AT_ONCE):
        some = id_in(unmatched.c.phone_index, indexes[start : start + NUMBERS_AT_ONCE])
        found += map(read_clue, db.execute(select(unmatched).where(unmatched.c.link == link, some)))
    return found


def _place(clue: Clue) -> tuple[str, bytes]:
    """Return what the contradictory receipts of one part have in common."""
    return clue.names[0], clue.indexes[0]


def _strongest(clues: Sequence[Clue]) -> list[Clue]:
    """Return one receipt of each part: of contradictory ones that of the delivery."""
    return list({_place(clue): clue for clue in sorted(clues, key=lambda clue: -clue.status)}.values())


def _find_candidates(db: Connection, ground: Ground, link: str) -> list[_Candidate]:
    last = (attempt.c.message == message.c.id) & (attempt.c.number == message.c.attempts)
    columns: list[Column[Any]] = [message.c.id, message.c.state, message.c.sending, message.c.sealed]
    columns += [attempt.c.parts, attempt.c.started_at]
    open_ = message.c.state.in_([State.UNKNOWN, State.SENDING]) & message.c.lane.in_(list(Lane))
    look = select(*columns).join(attempt, last).where(open_, message.c.link == link).order_by(message.c.id)
    rows = db.execute(look.limit(CANDIDATES)).all()
    known = select(part.c.message, part.c.sending, part.c.number).where(id_in(part.c.message, [row.id for row in rows]))
    named = {(row[0], row[1], row[2]) for row in db.execute(known)} if rows else set()
    return [
        _Candidate(
            row,
            _indexes_of(ground, row),
            [n for n in range(1, row.parts + 1) if (row.id, row.sending, n) not in named],
        )
        for row in rows
    ]


def _indexes_of(ground: Ground, row: Row[Any]) -> tuple[bytes, ...]:
    try:
        return tuple(ground.keys.phone_indexes(open_payload(ground.keys, row.id, row.sealed).phone))
    except SealBroken:
        return ()
