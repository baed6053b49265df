"""Record receipts of a message's parts, and move the message accordingly.

Receipts are only ever added. They may come twice, in any order, before the gateway's own response, or for a message
that we do not know: all are kept, and the state moves forward only. A gateway names a part by our reference or by an id
of its own; `receipt_matching` finds the part.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Column, Connection, Row, func, select

from config.db.engine import id_in, reading, transact, upsert
from config.failpoints import failpoint
from config.ground import Ground
from config.phone_numbers import PHONE
from sms_port.ledger.receipt_matching import (
    Clue,
    Clues,
    assign,
    assign_kept,
    find_unmatched,
    keep_unmatched,
    make_clue,
)
from sms_port.ledger.states import FAILED, OPEN, OnOutcome, grouped, move, settle
from sms_port.message_reference import build_reference, parse_reference
from sms_port.models import ReceiptStatus, State, attempt, message, part, receipt

__all__ = ["Clues", "Receipt", "apply_early", "record_receipts", "settle_receipts", "verdict_of"]


@dataclass(frozen=True)
class Receipt:
    """The network's receipt for one part (counted from 1) of what a link knows by `reference`.

    A reference that is an id of the gateway names a part by itself; `clues` is what else tells which part it is.
    """

    link: str
    reference: str
    part: int
    status: ReceiptStatus
    code: str
    done_at: int
    clues: Clues | None = None


def record_receipts(ground: Ground, on_outcome: OnOutcome, receipts: Sequence[Receipt]) -> None:
    """Keep the receipts and move their messages. A receipt proves that the gateway took the message."""
    if not receipts:
        return
    fresh = list(dict.fromkeys(receipts))
    rows = [_row(item, ground.clock.now()) for item in fresh]

    def work(db: Connection) -> dict[str, list[Clue]]:
        db.execute(upsert(receipt, db.dialect.name, update=["received_at"]), rows)
        unknown = {
            link: _apply(db, ground, on_outcome, link, items)
            for link, items in grouped((item.link, item) for item in fresh).items()
        }
        failpoint("receipt.before_commit")
        return {link: clues for link, clues in unknown.items() if clues}

    left = transact(ground.engine, work)
    failpoint("receipt.after_commit")
    for link, clues in left.items():
        # A part that was given its id by another transaction at the same moment: of the two, the later one sees it.
        names = [name for clue in clues for name in clue.names]
        apply_early(ground, on_outcome, link, names, {index for clue in clues for index in clue.indexes})


def apply_early(
    ground: Ground, on_outcome: OnOutcome, link: str, names: Sequence[str], indexes: Collection[bytes]
) -> None:
    """Let receipts count that were kept before their parts had these ids; `indexes`: of the numbers of the parts."""
    with reading(ground.engine) as db:
        if not find_unmatched(db, link, names, indexes):
            return

    def work(db: Connection) -> None:
        # again, under a lock: what another transaction has found a part for meanwhile must not find a second one
        early = find_unmatched(db, link, names, indexes, lock=True)
        ids = assign_kept(db, link=link, clues=early)
        settle_receipts(db, ground, on_outcome, link, ids)

    transact(ground.engine, work)


def _apply(db: Connection, ground: Ground, on_outcome: OnOutcome, link: str, items: Sequence[Receipt]) -> list[Clue]:
    """Move the messages of one link's receipts. Returns the receipts whose part nobody knows, which are kept."""
    ids: set[bytes] = set()
    clues: list[Clue] = []
    for item in items:
        if (ours := parse_reference(item.reference)) is not None:
            ids.add(ours[0])
        elif item.clues is not None:
            known = PHONE.fullmatch(item.clues.phone) is not None
            clues.append(make_clue(ground, item.reference, item.clues, item.status, is_mobile=known))
    found, left = assign(db, link, clues) if clues else (set(), [])
    keep_unmatched(db, link, left)
    settle_receipts(db, ground, on_outcome, link, ids | found)
    return left


def settle_receipts(db: Connection, ground: Ground, on_outcome: OnOutcome, link: str, ids: Collection[bytes]) -> None:
    """Move messages as far as the receipts of their parts, kept by now, allow."""
    if not ids:
        return
    rows = {row.id: row for row in _lock(db, sorted(ids))}
    evidence = {key: known for key, known in _collect(db, link, sorted(rows)).items() if key[0] in rows}
    verdicts: dict[bytes, State] = {}
    for (message_id, sending), known in evidence.items():
        verdict = verdict_of(known.statuses, known.expected) or (State.ACCEPTED if known.proven else None)
        row = rows[message_id]
        if verdict is None or verdict == row.state:
            continue
        if row.state in FAILED and verdict != State.DELIVERED:
            continue
        if verdict in (State.UNDELIVERED, State.MIXED) and sending != row.sending:
            continue  # the first sending failed; the resend may still arrive
        verdicts[message_id] = _better(verdict, verdicts.get(message_id))
    now = ground.clock.now()
    for state, members in grouped((state, rows[message_id]) for message_id, state in verdicts.items()).items():
        settle(db, on_outcome, [row for row in members if row.state in OPEN], state, now)
        reported = [row.id for row in members if row.state not in OPEN]
        move(db, reported, [State.ACCEPTED, *FAILED], state=state, due_at=now)


def verdict_of(statuses: Mapping[int, set[ReceiptStatus]], parts: int) -> State | None:
    """Return what the receipts of a message's parts (1 to `parts`) make of it (pure).

    Delivered when every part is, undelivered when none is and one failed, mixed when some are and others failed;
    None while too little is known. A part that both failed and was delivered is delivered.
    """
    known = [statuses.get(number, set()) for number in range(1, parts + 1)]
    delivered = sum(ReceiptStatus.DELIVERED in one for one in known)
    failed = sum(ReceiptStatus.FAILED in one and ReceiptStatus.DELIVERED not in one for one in known)
    if known and delivered == parts:
        return State.DELIVERED
    if failed and delivered:
        return State.MIXED if failed + delivered == parts else None
    return State.UNDELIVERED if failed and failed == parts else None


@dataclass
class _Evidence:
    """The evidence about one sending: the number of its parts, their receipts, and whether it was surely taken."""

    expected: int
    statuses: dict[int, set[ReceiptStatus]] = field(default_factory=dict)
    named: set[int] = field(default_factory=set)
    by_reference: bool = False

    @property
    def proven(self) -> bool:
        """Return whether the gateway has an id for every part, or reported on the message by our reference."""
        return self.by_reference or len(self.named) >= self.expected

    def add(self, number: int, status: ReceiptStatus) -> None:
        self.statuses.setdefault(number, set()).add(status)


def _better(state: State, other: State | None) -> State:
    order = (State.DELIVERED, State.ACCEPTED, State.MIXED, State.UNDELIVERED)
    return state if other is None else min(state, other, key=order.index)


def _collect(db: Connection, link: str, ids: Sequence[bytes]) -> dict[tuple[bytes, int], _Evidence]:
    """Return (message, sending) -> what is known, for sendings of which anything is."""
    columns = (attempt.c.message, attempt.c.sending)
    mine = id_in(attempt.c.message, ids) & (attempt.c.link == link)
    counted = select(*columns, func.max(attempt.c.parts)).where(mine).group_by(*columns)
    found = {(row[0], row[1]): _Evidence(row[2]) for row in db.execute(counted)}
    _add_by_reference(db, link, found)
    _add_by_id(db, link, found)
    return {key: known for key, known in found.items() if known.statuses or known.proven}


def _add_by_reference(db: Connection, link: str, found: Mapping[tuple[bytes, int], _Evidence]) -> None:
    names = {build_reference(*key): key for key in found}
    mine = (receipt.c.link == link) & receipt.c.reference.in_(list(names))
    for row in db.execute(select(receipt.c.reference, receipt.c.part, receipt.c.status).where(mine)):
        known = found[names[row.reference]]
        known.by_reference = True
        known.add(row.part, ReceiptStatus(row.status))


def _add_by_id(db: Connection, link: str, found: Mapping[tuple[bytes, int], _Evidence]) -> None:
    mine = (part.c.link == link) & id_in(part.c.message, {key[0] for key in found})
    columns: list[Column[Any]] = [part.c.message, part.c.sending, part.c.number, part.c.statuses]
    for row in db.execute(select(*columns).where(mine)):
        if (known := found.get((row.message, row.sending))) is None:
            continue
        known.named.add(row.number)
        for status in ReceiptStatus:
            if (row.statuses or 0) >> status & 1:
                known.add(row.number, status)


def _row(item: Receipt, now: int) -> dict[str, Any]:
    return {
        "link": item.link,
        "reference": item.reference,
        "part": item.part,
        "code": item.code,
        "done_at": item.done_at,
        "status": item.status,
        "received_at": now,
    }


def _lock(db: Connection, ids: Sequence[bytes]) -> Sequence[Row[Any]]:
    states = message.c.state.in_([*OPEN, State.ACCEPTED, *FAILED])
    columns: list[Column[Any]] = [message.c.id, message.c.lane, message.c.state, message.c.sending]
    return db.execute(select(*columns).where(id_in(message.c.id, ids), states).with_for_update()).all()
