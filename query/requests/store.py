"""Requests in the database: written by their owner, leased for one call, ended once by the first final answer.

A lease is the time in `due_at`: whoever is killed leaves a request that is due again when the lease is over.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from secrets import token_bytes
from typing import Any, Final

from sqlalchemy import Connection, Row, func, insert, select, update

from config.db.engine import id_in, skip_locked
from config.ground import Ground
from enterprises.protocol import VERDICTS
from enterprises.request_protocol import FINALS
from query.requests.models import request

LOOKUPS: Final = {"identity": "identity", "tenure": "tenure", "holder": "tenure"}
"""Kinds that are lookups of the protocol (POST /v1/lookups), with the protocol's word; all others are requests."""
ALONE_AFTER: Final = 3
"""Calls in a row that brought nothing, after which a request travels alone, so that it spoils no other's call."""


class RequestState(IntEnum):
    """The states of a request; the numbers are stored.

    ACCEPTED: the partner works on it and will report. DONE: final. TOLD: final, and part of what the citizen was told.
    """

    DUE = 0
    ACCEPTED = 1
    DONE = 2
    TOLD = 3


def words_of(kind: str) -> frozenset[str]:
    """The final words that a request of this kind may end with: a partner's call may name an id of another kind."""
    words = frozenset(VERDICTS[LOOKUPS[kind]]) if kind in LOOKUPS else FINALS[kind]
    return words | {"refused"}


@dataclass(frozen=True, slots=True)
class NewRequest:
    """A request to write down: `kind` of the protocol, to `partner`, about `application` (empty: about the number)."""

    kind: str
    partner: str
    application: str = ""
    round: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """A final answer: an objection's state and reason, or a carrier's verdict and month."""

    word: str = field(repr=False)
    detail: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Lease:
    """Requests of one partner and kind that this process may send until `until` (epoch ms). `more`: others are due."""

    partner: str
    kind: str
    rows: Sequence[Row[Any]]
    until: int
    more: bool


def add_requests(db: Connection, owner: bytes, wanted: Sequence[NewRequest], now: int) -> None:
    """Write down requests of one owner, due now."""
    rows = [
        {
            "id": token_bytes(16),
            "owner": owner,
            "kind": one.kind,
            "partner": one.partner,
            "application": one.application,
            "round": one.round,
            "state": RequestState.DUE,
            "due_at": now,
            "tries": 0,
            "failed": 0,
            "made_at": now,
        }
        for one in wanted
    ]
    if rows:
        db.execute(insert(request), rows)


def lease_requests(db: Connection, partner: str, batch: int, now: int, until: int) -> Lease | None:
    """Lease due requests of one kind, the oldest first, up to `batch`; None: nothing is due.

    A call that never came back counts as one that brought nothing: `failed` rises with the lease and falls with the
    answer.
    """
    due = (request.c.partner == partner, request.c.state == RequestState.DUE, request.c.due_at <= now)
    oldest = select(request).where(*due).order_by(request.c.due_at).limit(batch + 1)
    rows = db.execute(skip_locked(oldest)).all()
    if not rows:
        return None
    taken = [row for row in rows if row.kind == rows[0].kind and row.failed < ALONE_AFTER][:batch]
    if rows[0].failed >= ALONE_AFTER:
        taken = [rows[0]]
    raised = {"due_at": until, "tries": request.c.tries + 1, "failed": request.c.failed + 1}
    db.execute(update(request).where(id_in(request.c.id, [row.id for row in taken])).values(**raised))
    return Lease(partner, rows[0].kind, taken, until, more=len(taken) < len(rows))


def end_requests(db: Connection, ground: Ground, found: Mapping[bytes, Found], partner: str, now: int) -> set[bytes]:
    """Store final answers of requests that are open to this partner; returns the owners of those that ended.

    The first final answer counts: what is done already, unknown, never sent, or no word of its kind changes nothing.
    """
    owners = set()
    for row in _locked(db, found, partner):
        if row.state >= RequestState.DONE or not row.tries or found[row.id].word not in words_of(row.kind):
            continue
        told = found[row.id]
        sealed = seal_found(ground, row.id, told)
        values = {"state": RequestState.DONE, "finding": sealed, "done_at": now}
        db.execute(update(request).where(request.c.id == row.id).values(**values))
        owners.add(row.owner)
    return owners


def accept_requests(db: Connection, ids: Iterable[bytes], partner: str) -> None:
    """Note that the partner works on these: they are not sent again by themselves. A final state is never left."""
    for row in _locked(db, ids, partner):
        if row.state == RequestState.DUE and row.tries and row.kind not in LOOKUPS:
            db.execute(update(request).where(request.c.id == row.id).values(state=RequestState.ACCEPTED, failed=0))


def reschedule(db: Connection, due: Mapping[bytes, int], tries: Mapping[bytes, int]) -> None:
    """Make leased requests due at a time; those that another call has taken since are left to it."""
    for number, at in sorted(due.items()):
        mine = (request.c.id == number, request.c.state == RequestState.DUE, request.c.tries == tries[number])
        db.execute(update(request).where(*mine).values(due_at=at))


def postpone(db: Connection, partner: str, until: int) -> None:
    """Send this partner nothing before `until`."""
    due = (request.c.partner == partner, request.c.state == RequestState.DUE, request.c.due_at < until)
    db.execute(update(request).where(*due).values(due_at=until))


def requests_of(db: Connection, owner: bytes, *, lock: bool = False) -> list[Row[Any]]:
    """Every request of an owner, the oldest first."""
    mine = select(request).where(request.c.owner == owner).order_by(request.c.made_at, request.c.id)
    return list(db.execute(mine.with_for_update() if lock else mine).all())


def send_again(db: Connection, owner: bytes, now: int, kinds: Sequence[str]) -> list[str]:
    """Send the requests of an owner that are not final once more, under their ids; returns their partners."""
    mine = (request.c.owner == owner, request.c.kind.in_(kinds), request.c.state < RequestState.DONE)
    partners = set(db.execute(select(request.c.partner).where(*mine)).scalars())
    db.execute(update(request).where(*mine).values(state=RequestState.DUE, due_at=now, failed=0))
    return sorted(partners)


def give_up(db: Connection, owner: bytes, now: int) -> None:
    """End what is still open of an owner, without a finding."""
    mine = (request.c.owner == owner, request.c.state < RequestState.DONE)
    db.execute(update(request).where(*mine).values(state=RequestState.DONE, done_at=now))


def mark_told(db: Connection, ids: Iterable[bytes]) -> None:
    """Note that these final requests are part of an SMS: what ends later is news."""
    mine = (id_in(request.c.id, ids), request.c.state == RequestState.DONE)
    db.execute(update(request).where(*mine).values(state=RequestState.TOLD))


def erase_findings(db: Connection, owners: Sequence[bytes]) -> None:
    """Forget the findings that owners have been told."""
    mine = (id_in(request.c.owner, owners), request.c.state == RequestState.TOLD)
    db.execute(update(request).where(*mine).values(finding=None))


def due_partners(db: Connection, codes: Sequence[str], now: int) -> list[str]:
    """The partners among `codes` to which something is due."""
    due = (request.c.partner.in_(codes), request.c.state == RequestState.DUE, request.c.due_at <= now)
    return sorted(db.execute(select(request.c.partner).where(*due).group_by(request.c.partner)).scalars())


def count_open(db: Connection, codes: Sequence[str], kinds: Sequence[str]) -> dict[str, int]:
    """Requests of these kinds that are not final, by partner."""
    open_ones = (request.c.partner.in_(codes), request.c.state < RequestState.DONE, request.c.kind.in_(kinds))
    counted = select(request.c.partner, func.count()).where(*open_ones).group_by(request.c.partner)
    return {partner: number for partner, number in db.execute(counted)}


def seal_found(ground: Ground, number: bytes, found: Found) -> bytes:
    """A finding as it is stored."""
    plain = json.dumps([found.word, found.detail]).encode()
    return ground.keys.seal(plain, table="request", column="finding", row=number)


def open_found(ground: Ground, row: Row[Any]) -> Found | None:
    """The finding of a row; None when there is none. Raises SealBroken."""
    if row.finding is None:
        return None
    word, detail = json.loads(ground.keys.open(row.finding, table="request", column="finding", row=row.id))
    return Found(word, detail)


def _locked(db: Connection, ids: Iterable[bytes], partner: str) -> Sequence[Row[Any]]:
    mine = (id_in(request.c.id, ids), request.c.partner == partner)
    return db.execute(select(request).where(*mine).order_by(request.c.id).with_for_update()).all()
