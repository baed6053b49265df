"""Find the part that a receipt is about: by our reference, by the gateway's id for it, or, for a message in doubt, by
the number, the minute of submission and the contract's extension digits.

Ids are compared in every spelling that gateways use, and only within their life: gateways count from 1 again after a
restart, and CMPP's Msg_Id has no year. Where a receipt tells a number, the part must have gone to it. A receipt whose
part is unknown is kept: its response may come later, or its message may turn out to be in doubt.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Row, delete, func, select, tuple_, update

from config.db.engine import id_in, upsert
from config.ground import Ground
from sms_port.ledger.states import FAILED, OPEN, grouped
from sms_port.message_reference import is_unnamed, spellings_of, unnamed_id
from sms_port.models import ReceiptStatus, State, attempt, message, part, unmatched

AROUND_MS = 120_000
"""A receipt tells the minute of submission, by the gateway's clock."""

LIFE_MS = 96 * 3_600_000
"""How long an id counts: longer than receipts are waited for."""

UNMATCHED_KEPT_MS = 72 * 3_600_000
ALIVE = (*OPEN, State.ACCEPTED)
NO_NUMBER = bytes(32)
"""The index of a receipt that tells no mobile number."""

PartKey = tuple[bytes, int, int]
"""(message, sending, number of the part)."""


@dataclass(frozen=True)
class Clues:
    """A receipt's clues besides its id: the number, the contract's extension digits, the minute of submission
    (epoch ms; 0: unknown), and further ids under which it may be known.
    """

    phone: str = field(repr=False)
    extension: str
    submitted_at: int
    other_names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Clue:
    """A receipt as it is matched. `indexes`: the number's blind indexes; none when it tells no mobile number."""

    names: tuple[str, ...]
    indexes: tuple[bytes, ...] = field(repr=False)
    extension: str
    submitted_at: int
    status: ReceiptStatus
    at: int

    @property
    def spellings(self) -> tuple[str, ...]:
        """The ids under which its part may be stored, the likeliest first."""
        own = [name for name in self.names if not is_unnamed(name)]
        found = [*own, *(other for name in own for other in spellings_of(name))]
        found += [unnamed_id(index) for index in self.indexes]
        return tuple(dict.fromkeys(found))


def assign(db: Connection, link: str, clues: Sequence[Clue]) -> tuple[set[bytes], list[Clue]]:
    """Note receipts at the parts whose ids they name. Returns the messages concerned, and the clues without a part."""
    wanted = {name for clue in clues for name in clue.spellings}
    indexes = {index for clue in clues for index in clue.indexes} if all(clue.indexes for clue in clues) else set()
    candidates = _candidates(db, link, wanted, indexes, min((clue.at for clue in clues), default=0))
    noted: list[tuple[PartKey, ReceiptStatus]] = []
    taken: set[PartKey] = set()
    left: list[Clue] = []
    for clue in clues:
        fitting = [row for name in clue.spellings for row in candidates.get(name, ()) if _may_be(row, clue)]
        if not fitting:
            left.append(clue)
        elif (row := _choose(fitting, clue, taken)) is not None:
            noted.append((_key(row), clue.status))
            taken.add(_key(row))
    note(db, link, noted)
    return {key[0] for key, _ in noted}, left


Ids = Mapping[tuple[bytes, int], Sequence[str]]
"""(message, sending) -> the gateway's id of each part, "" where it gave none."""


def name_parts(db: Connection, link: str, named: Ids, indexes: Mapping[bytes, bytes], now: int) -> None:
    """Store the gateway's ids for the parts of (message, sending); `indexes`: message -> blind index of its number."""
    rows = [
        {
            "link": link,
            "provider_id": unnamed_id(indexes[key[0]]) if is_unnamed(name) else name,
            "message": key[0],
            "sending": key[1],
            "number": number,
            "phone_index": indexes[key[0]],
            "statuses": 0,
            "at": now,
        }
        for key, names in named.items()
        for number, name in enumerate(names, 1)
        if name
    ]
    if rows:
        db.execute(upsert(part, db.dialect.name, update=["at"]), rows)


def take_back(db: Connection, link: str, named: Ids) -> set[bytes]:
    """Take back ids that were matched by number, where the gateway's response names another. Returns the messages.

    Their receipts are kept again: they are about another part, often of the same message.
    """
    known = select(part).where(part.c.link == link, id_in(part.c.message, {key[0] for key in named}))
    wrong = [row for row in db.execute(known) if _contradicts(row, named)]
    for row in wrong:
        mine = (part.c.message == row.message) & (part.c.sending == row.sending) & (part.c.number == row.number)
        db.execute(delete(part).where(part.c.link == link, part.c.provider_id == row.provider_id, mine))
    keep_unmatched(db, link, [clue for row in wrong for clue in _clues_of(row)])
    return {row.message for row in wrong}


def assign_kept(db: Connection, *, link: str, clues: Sequence[Clue]) -> set[bytes]:
    """Note kept receipts at their parts, and keep them no longer. Returns the messages concerned."""
    messages, left = assign(db, link, clues)
    forget_unmatched(db, link, set(clues) - set(left))
    return messages


def keep_unmatched(db: Connection, link: str, clues: Sequence[Clue]) -> None:
    """Keep receipts whose part nobody knows."""
    rows = [
        {
            "link": link,
            "reference": clue.names[0],
            "phone_index": clue.indexes[0] if clue.indexes else NO_NUMBER,
            "extension": clue.extension,
            "submitted_at": clue.submitted_at,
            "status": clue.status,
            "at": clue.at,
        }
        for clue in clues
    ]
    if rows:
        db.execute(upsert(unmatched, db.dialect.name, update=["submitted_at", "extension", "at"]), rows)


def find_unmatched(
    db: Connection, link: str, names: Collection[str], indexes: Collection[bytes], *, lock: bool = False
) -> list[Clue]:
    """Return kept receipts that may be about parts of these ids; where a part has none, about its number."""
    wanted = {other for name in names if not is_unnamed(name) for other in spellings_of(name)}
    fitting: ColumnElement[bool] = unmatched.c.reference.in_(sorted(wanted))
    if any(map(is_unnamed, names)):
        fitting |= id_in(unmatched.c.phone_index, indexes)
    look = select(unmatched).where(unmatched.c.link == link, fitting)
    return [read_clue(row) for row in db.execute(look.with_for_update() if lock else look)]


def forget_unmatched(db: Connection, link: str, clues: Iterable[Clue]) -> None:
    """Delete kept receipts that have found their part; not others of that part, which may have come meanwhile."""
    keys = [(clue.names[0], clue.indexes[0] if clue.indexes else NO_NUMBER, clue.status) for clue in clues]
    columns = (unmatched.c.reference, unmatched.c.phone_index, unmatched.c.status)
    for start in range(0, len(keys), 500):
        mine = tuple_(*columns).in_(keys[start : start + 500])
        db.execute(delete(unmatched).where(unmatched.c.link == link, mine))


def read_clue(row: Row[Any]) -> Clue:
    """Return a kept receipt as a clue."""
    indexes = (row.phone_index,) if any(row.phone_index) else ()
    return Clue(
        (row.reference,),
        indexes,
        row.extension,
        row.submitted_at,
        ReceiptStatus(row.status),
        row.at,
    )


def make_clue(ground: Ground, name: str, clues: Clues, status: ReceiptStatus, *, is_mobile: bool) -> Clue:
    """Return a fresh receipt as a clue."""
    indexes = tuple(ground.keys.phone_indexes(clues.phone)) if is_mobile else ()
    return Clue((name, *clues.other_names), indexes, clues.extension, clues.submitted_at, status, ground.clock.now())


def _candidates(
    db: Connection, link: str, names: Collection[str], indexes: Collection[bytes], oldest: int
) -> dict[str, list[Row[Any]]]:
    """Parts by id, with the state of their message and the start of its first attempt under that sending.

    Only those of the numbers in `indexes`, unless it is empty.
    """
    first = (
        select(func.min(attempt.c.started_at))
        .where(attempt.c.message == part.c.message, attempt.c.sending == part.c.sending)
        .scalar_subquery()
    )
    columns: list[Column[Any]] = [*part.c, message.c.state]
    look = select(*columns, first.label("started_at")).join(message, message.c.id == part.c.message)
    wanted = (part.c.link == link) & part.c.provider_id.in_(sorted(names)) & (part.c.at > oldest - LIFE_MS)
    if indexes:
        wanted &= id_in(part.c.phone_index, indexes) | part.c.phone_index.is_(None)
    rows: list[Row[Any]] = list(db.execute(look.where(wanted)))
    return grouped((str(row.provider_id), row) for row in rows)


def _may_be(row: Row[Any], clue: Clue) -> bool:
    """Return whether a receipt can be about this part: its own number, and not from before it was sent."""
    if clue.indexes and row.phone_index is not None and row.phone_index not in clue.indexes:
        return False
    return row.started_at is None or clue.at >= row.started_at


def _choose(fitting: Sequence[Row[Any]], clue: Clue, taken: Collection[PartKey]) -> Row[Any] | None:
    """The one part that is meant; None when several messages can be, or when the receipt is an old one come again."""
    alive = [row for row in fitting if row.state in ALIVE]
    free = [row for row in alive if not row.statuses and _key(row) not in taken]
    for rows in (free, alive):
        near = [row for row in rows if clue.submitted_at and abs(row.at - clue.submitted_at) <= AROUND_MS] or rows
        best = [row for row in near if row.provider_id == near[0].provider_id]  # the likeliest spelling
        if best and len({row.message for row in best}) == 1:
            return min(best, key=lambda row: (row.sending, row.number))
        if best:
            return None
    return _corrected(fitting, clue)


def _corrected(fitting: Sequence[Row[Any]], clue: Clue) -> Row[Any] | None:
    """The one part that was reported as failed and, by this receipt of the same minute, arrived after all."""
    if clue.status is not ReceiptStatus.DELIVERED:
        return None
    rows = [row for row in fitting if row.state in FAILED and (row.statuses or 0) >> ReceiptStatus.FAILED & 1]
    rows = [row for row in rows if abs(row.at - clue.submitted_at) <= AROUND_MS]
    return rows[0] if len({row.message for row in rows}) == 1 else None


def _key(row: Row[Any]) -> PartKey:
    return row.message, row.sending, row.number


def note(db: Connection, link: str, noted: Iterable[tuple[PartKey, ReceiptStatus]]) -> None:
    """Add statuses to parts; what is noted there already stays."""
    alike = grouped(((sending, number, status), owner) for (owner, sending, number), status in noted)
    for (sending, number, status), ids in alike.items():
        mine = (part.c.link == link) & id_in(part.c.message, ids)
        mine &= (part.c.sending == sending) & (part.c.number == number)
        db.execute(update(part).where(mine).values(statuses=func.coalesce(part.c.statuses, 0).op("|")(1 << status)))


def _contradicts(row: Row[Any], named: Ids) -> bool:
    names = named.get((row.message, row.sending), ())
    name = names[row.number - 1] if row.number <= len(names) else ""
    unclear = not name or is_unnamed(name) or is_unnamed(row.provider_id)
    return not unclear and name != row.provider_id


def _clues_of(row: Row[Any]) -> list[Clue]:
    """Return the receipts that are noted at a part as they came, save for what nobody keeps."""
    indexes = (row.phone_index,) if row.phone_index is not None and any(row.phone_index) else ()
    statuses = [status for status in ReceiptStatus if (row.statuses or 0) >> status & 1]
    return [Clue((row.provider_id,), indexes, "", 0, status, row.at) for status in statuses]
