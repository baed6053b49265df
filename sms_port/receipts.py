"""What the network says of a message's parts, and what that makes of the message.

Receipts are only ever added. They may come twice, in any order, before the gateway's own answer, or
for a message that we do not know: all are kept, and the state moves forward only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection, Row, func, select

from config import faults
from config.db import transact, upsert
from config.ground import Ground
from sms_port.models import State, Word, attempt, message, receipt
from sms_port.outcomes import OPEN, OnOutcome, grouped, move, settle
from sms_port.reference import parse_reference


@dataclass(frozen=True)
class Receipt:
    """The network's word on one part (counted from 1) of what a link knows by `reference`."""

    link: str
    reference: str
    part: int
    word: Word
    code: str
    done_at: int


def record_receipts(ground: Ground, on_outcome: OnOutcome, receipts: Sequence[Receipt]) -> None:
    """Keep the receipts and move their messages. A receipt proves that the gateway took the message."""
    if not receipts:
        return
    rows = [_row(item, ground.clock.now()) for item in dict.fromkeys(receipts)]

    def work(db: Connection) -> None:
        db.execute(upsert(receipt, db.dialect.name, update=["word"]), rows)
        for link, references in grouped((item.link, item.reference) for item in receipts).items():
            _apply(db, ground, on_outcome, link, sorted(set(references)))
        faults.point("receipt.before_commit")

    transact(ground.engine, work)
    faults.point("receipt.after_commit")


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


def _apply(db: Connection, ground: Ground, on_outcome: OnOutcome, link: str, references: Sequence[str]) -> None:
    named = {reference: parsed for reference in references if (parsed := parse_reference(reference))}
    rows = {row.id: row for row in _lock(db, sorted({message_id for message_id, _ in named.values()}))}
    expected, words = _parts(db, list(rows), link), _words(db, link, references)
    verdicts: dict[bytes, State] = {}
    for reference, (message_id, sending) in named.items():
        verdict = verdict_of(words[reference], expected.get((message_id, sending), 0))
        if verdict is None or message_id not in rows:
            continue
        if verdict is State.UNDELIVERED and sending != rows[message_id].sending:
            continue  # the first sending failed; the resend may still arrive
        verdicts[message_id] = min(verdict, verdicts.get(message_id, verdict))
    now = ground.clock.now()
    for state, members in grouped((state, rows[message_id]) for message_id, state in verdicts.items()).items():
        settle(db, on_outcome, [row for row in members if row.state in OPEN], state, now)
        accepted = [row.id for row in members if row.state == State.ACCEPTED]
        move(db, accepted, [State.ACCEPTED], state=state, due_at=now)


def verdict_of(words: Mapping[int, set[Word]], parts: int) -> State | None:
    """What the words on a message's parts (1 to `parts`) make of it (pure).

    Delivered when every part is; undelivered when one failed; None while a word is missing.
    """
    said = [words.get(part, set()) for part in range(1, parts + 1)]
    if said and all(Word.DELIVERED in part for part in said):
        return State.DELIVERED
    if any(Word.FAILED in part and Word.DELIVERED not in part for part in said):
        return State.UNDELIVERED
    return None


def _lock(db: Connection, ids: Sequence[bytes]) -> Sequence[Row[Any]]:
    states = message.c.state.in_([*OPEN, State.ACCEPTED])
    columns: list[Column[Any]] = [message.c.id, message.c.lane, message.c.state, message.c.sending]
    return db.execute(select(*columns).where(message.c.id.in_(ids), states).with_for_update()).all()


def _parts(db: Connection, ids: Sequence[bytes], link: str) -> Mapping[tuple[bytes, int], int]:
    columns = (attempt.c.message, attempt.c.sending)
    mine = attempt.c.message.in_(ids) & (attempt.c.link == link)
    counted = select(*columns, func.max(attempt.c.parts)).where(mine).group_by(*columns)
    return {(row[0], row[1]): row[2] for row in db.execute(counted)}


def _words(db: Connection, link: str, references: Iterable[str]) -> Mapping[str, Mapping[int, set[Word]]]:
    columns = (receipt.c.reference, receipt.c.part, receipt.c.word)
    mine = (receipt.c.link == link) & receipt.c.reference.in_(list(references))
    found: dict[str, dict[int, set[Word]]] = {reference: {} for reference in references}
    for row in db.execute(select(*columns).where(mine)):
        found[row.reference].setdefault(row.part, set()).add(Word(row.word))
    return found
