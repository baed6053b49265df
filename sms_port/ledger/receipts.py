"""What the network says of a message's parts, and what that makes of the message.

Receipts are only ever added. They may come twice, in any order, before the gateway's own answer, or
for a message that we do not know: all are kept, and the state moves forward only. A gateway names a
part by our reference or by a name of its own; `matching` finds whose that is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Column, Connection, Row, func, select

from config.db.engine import id_in, transact, upsert
from config.failpoints import failpoint
from config.ground import Ground
from sms_port.ledger.receipt_matching import Clues, find_owners
from sms_port.ledger.states import OPEN, OnOutcome, grouped, move, settle
from sms_port.message_reference import build_reference
from sms_port.models import ReceiptStatus, State, attempt, message, part, receipt

__all__ = ["Receipt", "Clues", "record_receipts", "settle_receipts", "verdict_of"]


@dataclass(frozen=True)
class Receipt:
    """The network's word on one part (counted from 1) of what a link knows by `reference`.

    A reference that is the gateway's own names a part by itself; `trace` is what else may tell whose it is.
    """

    link: str
    reference: str
    part: int
    word: ReceiptStatus
    code: str
    done_at: int
    trace: Clues | None = field(default=None, compare=False)


def record_receipts(ground: Ground, on_outcome: OnOutcome, receipts: Sequence[Receipt]) -> None:
    """Keep the receipts and move their messages. A receipt proves that the gateway took the message."""
    if not receipts:
        return
    rows = [_row(item, ground.clock.now()) for item in dict.fromkeys(receipts)]

    def keep(db: Connection) -> None:
        db.execute(upsert(receipt, db.dialect.name, update=["word"]), rows)

    def apply(db: Connection) -> None:
        for link, items in grouped((item.link, item) for item in receipts).items():
            owners = find_owners(db, ground, link, {item.reference: item.trace for item in items})
            settle_receipts(db, ground, on_outcome, link, owners)
        failpoint("receipt.before_commit")

    # Two transactions, as in `recording`: of a receipt and the name of its part, written at once by two
    # transactions, each would else miss the other. In two steps, whoever is later sees both.
    transact(ground.engine, keep)
    transact(ground.engine, apply)
    failpoint("receipt.after_commit")


def settle_receipts(db: Connection, ground: Ground, on_outcome: OnOutcome, link: str, ids: Collection[bytes]) -> None:
    """Move messages as far as the words on their parts, kept by now, allow."""
    if not ids:
        return
    rows = {row.id: row for row in _lock(db, sorted(ids))}
    evidence = {key: said for key, said in _evidence(db, link, sorted(rows)).items() if key[0] in rows}
    verdicts: dict[bytes, State] = {}
    for (message_id, sending), said in evidence.items():
        verdict = verdict_of(said.words, said.expected) or (State.ACCEPTED if said.proven else None)
        row = rows[message_id]
        if verdict is None or verdict == row.state:
            continue
        if verdict in (State.UNDELIVERED, State.MIXED) and sending != row.sending:
            continue  # the first sending failed; the resend may still arrive
        verdicts[message_id] = _better(verdict, verdicts.get(message_id))
    now = ground.clock.now()
    for state, members in grouped((state, rows[message_id]) for message_id, state in verdicts.items()).items():
        settle(db, on_outcome, [row for row in members if row.state in OPEN], state, now)
        accepted = [row.id for row in members if row.state == State.ACCEPTED]
        move(db, accepted, [State.ACCEPTED], state=state, due_at=now)


def verdict_of(words: Mapping[int, set[ReceiptStatus]], parts: int) -> State | None:
    """What the words on a message's parts (1 to `parts`) make of it (pure).

    Delivered when every part is, undelivered when none is and one failed, mixed when some are and others failed;
    None while too little is said. A part that is said to have failed and to be delivered is delivered.
    """
    said = [words.get(number, set()) for number in range(1, parts + 1)]
    delivered = sum(ReceiptStatus.DELIVERED in one for one in said)
    failed = sum(ReceiptStatus.FAILED in one and ReceiptStatus.DELIVERED not in one for one in said)
    if said and delivered == parts:
        return State.DELIVERED
    if failed and delivered:
        return State.MIXED if failed + delivered == parts else None
    return State.UNDELIVERED if failed and failed == parts else None


@dataclass
class _Evidence:
    """What is known of one sending: how many parts it has, the words on them, and whether it was surely taken."""

    expected: int
    words: dict[int, set[ReceiptStatus]] = field(default_factory=dict)
    named: int = 0
    by_reference: bool = False

    @property
    def proven(self) -> bool:
        """Every part is known to the gateway, or it spoke of the message by our own name for it."""
        return self.by_reference or self.named >= self.expected


def _better(state: State, other: State | None) -> State:
    order = (State.DELIVERED, State.ACCEPTED, State.MIXED, State.UNDELIVERED)
    return state if other is None else min(state, other, key=order.index)


def _evidence(db: Connection, link: str, ids: Sequence[bytes]) -> dict[tuple[bytes, int], _Evidence]:
    """(message, sending) -> what is said, for sendings of which anything is."""
    columns = (attempt.c.message, attempt.c.sending)
    mine = id_in(attempt.c.message, ids) & (attempt.c.link == link)
    counted = select(*columns, func.max(attempt.c.parts)).where(mine).group_by(*columns)
    found = {(row[0], row[1]): _Evidence(row[2]) for row in db.execute(counted)}
    _add_own_names(db, link, found)
    _add_their_names(db, link, found)
    return {key: said for key, said in found.items() if said.words}


def _add_own_names(db: Connection, link: str, found: Mapping[tuple[bytes, int], _Evidence]) -> None:
    names = {build_reference(*key): key for key in found}
    mine = (receipt.c.link == link) & receipt.c.reference.in_(list(names))
    for row in db.execute(select(receipt.c.reference, receipt.c.part, receipt.c.word).where(mine)):
        said = found[names[row.reference]]
        said.by_reference = True
        said.words.setdefault(row.part, set()).add(ReceiptStatus(row.word))


def _add_their_names(db: Connection, link: str, found: Mapping[tuple[bytes, int], _Evidence]) -> None:
    mine = (part.c.link == link) & id_in(part.c.message, {key[0] for key in found})
    columns: Iterable[Column[Any]] = (part.c.message, part.c.sending, part.c.number, part.c.provider_id)
    parts = {row.provider_id: row for row in db.execute(select(*columns).where(mine))}
    for row in parts.values():
        if (said := found.get((row.message, row.sending))) is not None:
            said.named += 1
    words = (receipt.c.link == link) & receipt.c.reference.in_(list(parts))
    for word in db.execute(select(receipt.c.reference, receipt.c.word).where(words)):
        owner = parts[word.reference]
        if (said := found.get((owner.message, owner.sending))) is not None:
            said.words.setdefault(owner.number, set()).add(ReceiptStatus(word.word))


def _row(item: Receipt, now: int) -> dict[str, Any]:
    return {
        "link": item.link,
        "reference": item.reference,
        "part": item.part,
        "code": item.code,
        "done_at": item.done_at,
        "word": item.word,
        "received_at": now,
    }


def _lock(db: Connection, ids: Sequence[bytes]) -> Sequence[Row[Any]]:
    states = message.c.state.in_([*OPEN, State.ACCEPTED])
    columns: list[Column[Any]] = [message.c.id, message.c.lane, message.c.state, message.c.sending]
    return db.execute(select(*columns).where(id_in(message.c.id, ids), states).with_for_update()).all()
