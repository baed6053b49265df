"""The step that sends due requests to a partner: lease, commit, one HTTP call, record, commit.

No transaction is open while the partner is waited for. If the process is killed at any point, the lease runs out and
the requests are sent again under the same ids, so that a partner sees that they are the same.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from secrets import SystemRandom
from typing import Any, Final, Protocol

from sqlalchemy import Connection, Row

from config.catalogue.schema import Partner
from config.db.engine import transact
from config.failpoints import failpoint
from config.ground import Ground
from config.telemetry.log import get_logger
from config.times.opening_hours import opens_at
from enterprises import circuit_breaker, client
from enterprises.errors import EnterpriseError
from enterprises.protocol import Answer, Item, Pending, Refused, Verdict
from enterprises.request_protocol import Accepted, Finding, RequestAnswer, RequestItem
from query.inquiry import INTERNET_ACCOUNTS, SECOND, retry_delay
from query.requests.store import (
    LOOKUPS,
    Found,
    Lease,
    accept_requests,
    end_requests,
    lease_requests,
    postpone,
    reschedule,
)

LEASE_MARGIN_S: Final = 20
TURN_S: Final = 2.0
"""How long one job goes on before it lets the others of the queue have their turn."""
REFUSED_ALONE_AFTER: Final = 3
"""Calls with this one request that were refused as a whole, after which the partner will never take it."""

_CHANCE = SystemRandom()
_log = get_logger(__name__)

Facts = Mapping[str, str]
"""The fields of one owner that a request may carry: phone, id_tail, held, until, since."""


class Owner(Protocol):
    """A source of requests: objections, or watches."""

    def facts(self, db: Connection, ground: Ground, rows: Sequence[Row[Any]]) -> Mapping[bytes, Facts]:
        """The fields of each request (by its id) that is still wanted; one left out is not sent."""
        ...

    def mark(self, db: Connection, owners: Sequence[bytes]) -> None:
        """Note, in the transaction that recorded answers, that these owners have news."""
        ...

    def follow(self, ground: Ground) -> None:
        """Act on news, after the commit."""
        ...


@dataclass(frozen=True, slots=True)
class Call:
    """One call that is to be made: the lease, and the fields of each of its requests."""

    lease: Lease
    facts: Mapping[bytes, Facts] = field(repr=False)


def relay(ground: Ground, partner_code: str, owners: Mapping[str, Owner]) -> None:
    """Send what is due to a partner, call by call, until nothing is, a call fails, or the turn is over.

    `owners`: kind of request -> its owner. Unknown and disabled partners are sent nothing.
    """
    begun = time.monotonic()
    while (partner := ground.catalogues.current().partner(partner_code)) is not None and partner.enabled:
        if not _one_call(ground, partner, owners):
            return
        if time.monotonic() - begun > TURN_S:
            ground.bell.ring("relay", partner_code)
            return


def record_findings(
    ground: Ground, partner: str, told: Mapping[bytes, Accepted | Finding], owners: Mapping[str, Owner]
) -> int:
    """Record what a partner reported by itself; returns how many of the requests it ended."""
    finals = {number: Found(one.state, one.reason) for number, one in told.items() if isinstance(one, Finding)}
    accepted = [number for number, one in told.items() if isinstance(one, Accepted)]

    def store(db: Connection) -> int:
        accept_requests(db, accepted, partner)
        ended = end_requests(db, ground, finals, partner, ground.clock.now())
        for owner in set(owners.values()):
            owner.mark(db, sorted(ended))
        failpoint("report.before_commit")
        return len(ended)

    ended = transact(ground.engine, store)
    failpoint("report.after_commit")
    if ended:
        ground.bell.ring("follow")
    return ended


def record_verdicts(ground: Ground, partner: str, told: Mapping[bytes, Answer], owners: Mapping[str, Owner]) -> int:
    """Record what a carrier called back about lookups of ours; returns how many it ended."""
    found = {number: one for number, answer in told.items() if (one := _final(answer)) is not None}

    def store(db: Connection) -> int:
        ended = end_requests(db, ground, found, partner, ground.clock.now())
        for owner in set(owners.values()):
            owner.mark(db, sorted(ended))
        return len(ended)

    ended = transact(ground.engine, store) if found else 0
    if ended:
        ground.bell.ring("follow")
    return ended


def _one_call(ground: Ground, partner: Partner, owners: Mapping[str, Owner]) -> bool:
    """True: more is due, and this partner may be called on."""
    opens = opens_at(partner.closed, ground.clock.now())
    if opens is not None:
        transact(ground.engine, lambda db: postpone(db, partner.code, opens))
        return False
    permit = circuit_breaker.acquire(ground, partner)
    if not permit.granted:
        until = permit.until or ground.clock.now() + int((permit.wait_s or 0.2) * SECOND)
        transact(ground.engine, lambda db: postpone(db, partner.code, until))
        return False
    used = False
    try:
        call = _claim(ground, partner, owners)
        used = call is not None and bool(call.facts)
        return call is not None and _send(ground, partner, call, owners)
    finally:
        circuit_breaker.release(ground, partner, permit, used=used)


def _claim(ground: Ground, partner: Partner, owners: Mapping[str, Owner]) -> Call | None:
    now = ground.clock.now()
    until = now + int((partner.total_s + LEASE_MARGIN_S) * SECOND)

    def take(db: Connection) -> Call | None:
        lease = lease_requests(db, partner.code, partner.batch_size, now, until)
        if lease is None:
            return None
        facts = owners[lease.kind].facts(db, ground, lease.rows)
        failpoint("relay.before_claim_commit")
        return Call(lease, facts)

    call = transact(ground.engine, take)
    failpoint("relay.after_claim")
    return call


def _send(ground: Ground, partner: Partner, call: Call, owners: Mapping[str, Owner]) -> bool:
    """Make one call and record it. False: do not go on with this partner now."""
    if not call.facts:
        return call.lease.more
    failpoint("relay.before_call")
    try:
        answers = _call(ground, partner, call)
    except EnterpriseError as error:
        _record_failure(ground, partner, call, error, owners)
        return False
    failpoint("relay.after_answer")
    owner = owners[call.lease.kind]
    if _record(ground, partner, call, answers, owner):
        owner.follow(ground)
    return call.lease.more


def _call(ground: Ground, partner: Partner, call: Call) -> Mapping[str, RequestAnswer | Answer]:
    kind, now = call.lease.kind, ground.clock.now()
    if kind in LOOKUPS:
        items = [Item(row.id.hex(), **call.facts[row.id]) for row in call.lease.rows if row.id in call.facts]
        return client.ask(ground, partner, LOOKUPS[kind], INTERNET_ACCOUNTS, items, call.lease.until, now).by_id
    requests = [
        RequestItem(row.id.hex(), application=row.application, **call.facts[row.id])
        for row in call.lease.rows
        if row.id in call.facts
    ]
    return client.send_requests(ground, partner, kind, requests, now)


def _record(
    ground: Ground, partner: Partner, call: Call, answers: Mapping[str, RequestAnswer | Answer], owner: Owner
) -> bool:
    """Store what one call brought; True when an owner has news."""
    found = {bytes.fromhex(name): one for name, answer in answers.items() if (one := _final(answer)) is not None}
    accepted = [bytes.fromhex(name) for name, answer in answers.items() if _is_accepted(answer, call.lease.kind)]
    pending = [row for row in call.lease.rows if row.id.hex() in answers]
    pending = [row for row in pending if row.id not in found and row.id not in set(accepted)]
    told_later = any(isinstance(answer, Pending) and answer.later for answer in answers.values())
    later = int(partner.callback_s * SECOND) if told_later else 0

    def store(db: Connection) -> bool:
        accept_requests(db, accepted, partner.code)
        ended = end_requests(db, ground, found, partner.code, ground.clock.now())
        reschedule(db, *_next_tries(ground, partner, pending, at_least=later))
        owner.mark(db, sorted(ended))
        failpoint("relay.before_commit")
        return bool(ended)

    news = transact(ground.engine, store)
    failpoint("relay.after_commit")
    return news


def _record_failure(
    ground: Ground, partner: Partner, call: Call, error: EnterpriseError, owners: Mapping[str, Owner]
) -> None:
    """A call that brought nothing: its requests are due again by the partner's schedule, or when it asks for it.

    A request that is refused again and again when it travels alone is refused for good: the partner cannot read it.
    """
    rows = [row for row in call.lease.rows if row.id in call.facts]
    alone = len(rows) == 1 and rows[0].failed >= REFUSED_ALONE_AFTER and error.code == "question_refused"
    if alone:
        answer: RequestAnswer = Finding("refused", "not_supported")
        _log.error("request_set_aside", partner=partner.code, kind=call.lease.kind)
        if _record(ground, partner, call, {rows[0].id.hex(): answer}, owners[call.lease.kind]):
            owners[call.lease.kind].follow(ground)
        return
    wait = (error.retry_after_s or 0) * SECOND
    due, tries = _next_tries(ground, partner, rows, at_least=wait)

    def store(db: Connection) -> None:
        reschedule(db, due, tries)
        if wait:
            postpone(db, partner.code, ground.clock.now() + wait)

    transact(ground.engine, store)


def _next_tries(
    ground: Ground, partner: Partner, rows: Sequence[Row[Any]], at_least: int = 0
) -> tuple[dict[bytes, int], dict[bytes, int]]:
    """(id -> when it is due again, id -> the try that it belongs to)."""
    now = ground.clock.now()
    due = {
        row.id: now + max(retry_delay(partner.retry_s, row.failed + 1, _CHANCE.uniform(-0.2, 0.2)), at_least)
        for row in rows
    }
    return due, {row.id: row.tries + 1 for row in rows}


def _final(answer: RequestAnswer | Answer) -> Found | None:
    match answer:
        case Finding(state, reason):
            return Found(state, reason)
        case Verdict(value, since):
            return Found(value, since)
        case Refused():
            return Found("refused", "not_supported")
    return None


def _is_accepted(answer: RequestAnswer | Answer, kind: str) -> bool:
    """Return whether the partner works on a request: by its own word, or because it took the whole batch (202).

    A lookup that is taken so is called back within `callback_s`, or asked again.
    """
    taken = isinstance(answer, Pending) and answer.later and kind not in LOOKUPS
    return isinstance(answer, Accepted) or taken
