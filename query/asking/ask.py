"""The step that puts due questions to a partner: claim, commit, one HTTP call, record, commit.

No transaction is open while we wait for the partner. Killed at any point, the lease runs out and the questions are
asked again; the ids sent are the inquiries' own, so a partner sees that it is the same question.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from secrets import SystemRandom
from typing import Any, Final, Protocol

from sqlalchemy import Connection, Row, select

from config.catalogue.schema import Partner
from config.db.engine import transact
from config.errors import SealBroken
from config.failpoints import failpoint
from config.ground import Ground
from config.telemetry.log import get_logger
from enterprises import client
from enterprises.errors import EnterpriseError
from enterprises.protocol import FIELDS, OPTIONAL_FIELDS, Item, Pending
from enterprises.protocol import Answer as PartnerAnswer
from query.asking.bisection import Items, ask_in_parts
from query.asking.bulkheads import waiting
from query.asking.permits import turn
from query.inquiry import SECOND
from query.models import question, wave
from query.services import times_of
from query.settling.advance import advance
from query.settling.after_commit import Round
from query.waves.answers import stored_answer
from query.waves.quarantine import carried, poison_of, portion_size
from query.waves.questions import ALONE_AFTER, COUNT, UNAVAILABLE, Answer, Lease, claim, open_answers
from query.waves.record import Said, give_back, record, record_all, slow_down
from query.waves.waves import STAGE_OF, Wave, mark_broken, open_wave

LEASE_MARGIN_S: Final = 20
TURN_S: Final = 2.0
"""How long one job goes on before it lets the others of the queue have their turn."""

_CHANCE = SystemRandom()
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Call:
    """What one HTTP call will ask: the items by inquiry, and the time (epoch ms) by which an answer is still of use."""

    lease: Lease
    items: Mapping[bytes, Item] = field(repr=False)
    answer_by: int


@dataclass(frozen=True, slots=True)
class Heard:
    """What a call brought: answers by inquiry, the error that ended it; `portion`: it held only some of the items."""

    partner: Partner
    call: Call
    answers: Mapping[bytes, PartnerAnswer] = field(repr=False)
    error: EnterpriseError | None
    portion: bool

    def said(self) -> Said:
        """The answers as they are recorded."""
        later = any(isinstance(answer, Pending) and answer.later for answer in self.answers.values())
        return Said(
            self.call.lease,
            {inquiry: stored_answer(answer) for inquiry, answer in self.answers.items()},
            rest_at_once=len(self.answers) < len(self.call.items),
            later_s=self.partner.callback_s if later else 0,
        )


class RoundTaker(Protocol):
    """Whoever asks on at once, in this process, about waves that have just been checked (query/asking/rounds.py)."""

    def take(self, partners: Sequence[Partner]) -> Mapping[str, int]:
        """Whom of these it asks itself: code -> until when (epoch ms)."""
        ...

    def add(self, one: Round) -> None:
        """A round to run."""
        ...


def ask(ground: Ground, partner_code: str) -> None:
    """Put every due question to this partner, call by call, until none is due, a call fails, or the turn is over."""
    begun = time.monotonic()
    while (partner := ground.catalogues.current().partner(partner_code)) is not None:
        if not _one_call(ground, partner):
            return
        if time.monotonic() - begun > TURN_S:
            ground.bell.ring("ask", partner_code)
            return


def _one_call(ground: Ground, partner: Partner) -> bool:
    """True: more is due, and this partner may be asked on."""
    with turn(ground, partner) as permit:
        if not permit.granted:
            return False
        call = claim_call(ground, partner)
        permit.used = call is not None
        return call is not None and put(ground, partner, call) and _leaves_some(partner, call)


def _leaves_some(partner: Partner, call: Call) -> bool:
    """Whether more may be due at once: what did not fit the claim, or the rest of a question that went in portions."""
    in_portions = call.lease.lost or call.lease.failed >= ALONE_AFTER or len(call.items) > partner.batch_size
    return call.lease.more or bool(in_portions)


def lease_until(ground: Ground, partner: Partner) -> int:
    """How long questions leased now are ours: one call, and time to record it."""
    return ground.clock.now() + int((partner.total_s + LEASE_MARGIN_S) * SECOND)


def put(ground: Ground, partner: Partner, call: Call, rounds: RoundTaker | None = None) -> bool:
    """Make one call and record it, then settle what it completed. False: do not go on with this partner now.

    What is asked next is left to `rounds`, if given.
    """
    if not call.items:
        give_back(ground, call.lease)
        return True
    if not partner.enabled:
        settle(ground, record(ground, call.lease, dict.fromkeys(call.items, _without(call.lease.kind))), rounds)
        return True
    if (poison := _poison_of(call)) is not None:
        _log.error("item_set_aside", partner=partner.code, kind=call.lease.kind, inquiry=poison.hex())
        settle(ground, record(ground, call.lease, {poison: UNAVAILABLE}, rest_at_once=True), rounds)
        return True
    heard = hear(ground, partner, call)
    settle(ground, record_heard(ground, [heard]), rounds)
    return bool(heard.answers) and heard.error is None


def hear(ground: Ground, partner: Partner, call: Call) -> Heard:
    """Ask for as many items as one call may hold; in parts, where the partner refuses them together.

    No call begins that may outlast the lease: this process was held up, and another may have taken the questions over.
    """
    lease, items = call.lease, _portion(call, partner.batch_size)

    def ask_them(some: Items) -> Mapping[str, PartnerAnswer] | None:
        failpoint("ask.before_call")
        now = ground.clock.now()
        if now + partner.total_s * SECOND > lease.until:
            return None
        question = (lease.kind, lease.service, list(some.values()), call.answer_by)
        with waiting(len(some)):
            return client.ask(ground, partner, *question, now).by_id

    answers, error = ask_in_parts(ask_them, items, lease.failed)
    failpoint("ask.after_answer")
    return Heard(partner, call, answers, error, portion=len(items) < len(call.items))


def record_heard(ground: Ground, heard: Sequence[Heard]) -> list[int]:
    """Record what several partners said, together; returns the waves to settle. Who said nothing is asked again."""
    for one in heard:
        if not one.answers:
            failpoint("ask.after_failure")
            _failed(ground, one)
    said = [one.said() for one in heard if one.answers]
    return record_all(ground, said) if said else []


def claim_call(ground: Ground, partner: Partner) -> Call | None:
    """Lease what is due to a partner, and read the items still owed; None: nothing is due.

    Waves and answers are read in one statement, since a wave may shrink at any time. Items whose time is over are left
    out: nobody is asked after the decision.
    """
    now, until = ground.clock.now(), lease_until(ground, partner)

    def take(db: Connection) -> tuple[Lease, Sequence[Row[Any]]] | None:
        lease = claim(db, partner.code, partner.batch_size, now, until)
        if lease is None:
            return None
        rows = _read(db, lease)
        failpoint("ask.before_claim_commit")
        return lease, rows

    taken = transact(ground.engine, take)
    if taken is None:
        return None
    failpoint("ask.after_claim")
    lease, rows = taken
    owed = [entry for row in rows for entry in _owed_of(ground, row, lease.kind, partner.closed)]
    return Call(lease, {inquiry: item for inquiry, item, _ in owed}, min((end for *_, end in owed), default=0))


def _read(db: Connection, lease: Lease) -> Sequence[Row[Any]]:
    columns = [*wave.c, question.c.answers, question.c.wave, question.c.partner, question.c.kind]
    mine = (question.c.partner == lease.partner) & (question.c.kind == lease.kind)
    owed = select(*columns).join(question, question.c.wave == wave.c.id).where(mine, wave.c.id.in_(sorted(lease.tries)))
    return db.execute(owed.order_by(wave.c.id)).all()


def _portion(call: Call, batch: int) -> Mapping[bytes, Item]:
    """As many items as one call may hold, and half as many after each further try that brought nothing.

    By chance, so that one item that a partner cannot stomach does not keep all others unanswered.
    """
    if call.lease.lost:
        size = min(batch, portion_size(call.lease.lost, len(call.items)))
        return {inquiry: call.items[inquiry] for inquiry in carried(call.items, _attempt(call), size)}
    halvings = max(call.lease.failed - ALONE_AFTER + 1, 0)
    most = max(min(batch, len(call.items) >> halvings), 1)
    if len(call.items) <= most:
        return call.items
    return {inquiry: call.items[inquiry] for inquiry in _CHANCE.sample(sorted(call.items), most)}


def _poison_of(call: Call) -> bytes | None:
    return poison_of(call.items, call.lease.lost, _attempt(call))


def _attempt(call: Call) -> int:
    """The number of the try: after a lost lease a question travels alone, so that there is one."""
    return max(call.lease.tries.values())


def _owed_of(ground: Ground, row: Row[Any], kind: str, closed: Sequence[str]) -> list[tuple[bytes, Item, int]]:
    if row.stage != STAGE_OF[kind]:
        return []
    try:
        whole = open_wave(ground, row)
        return owed_items(ground, whole, kind, open_answers(ground, row, whole.members), closed)
    except SealBroken:
        # It must not hold up the waves that travel with it; `advance` rebuilds it.
        _log.error("wave_unreadable", wave=row.id)
        transact(ground.engine, partial(mark_broken, ids=[row.id]))
        ground.bell.ring("advance")
        return []


def owed_items(
    ground: Ground, whole: Wave, kind: str, answers: Sequence[Answer], closed: Sequence[str] = ()
) -> list[tuple[bytes, Item, int]]:
    """(inquiry, item, deadline) of each member that is owed an answer and in time; `closed`: hours not counted."""
    names = (*FIELDS[kind, whole.service], *OPTIONAL_FIELDS.get((kind, whole.service), ()))
    times, now = times_of(ground.catalogues.current(), whole.service), ground.clock.now()
    found = []
    for place, member in enumerate(whole.members):
        if answers[place] is not None or now >= (deadline := whole.deadline(member, times, closed)):
            continue
        known = {"phone": whole.phones[place], **(whole.identities[place] if whole.identities else {})}
        found.append((member, Item(member.hex(), **{name: known.get(name) for name in names}), deadline))
    return found


def settle(ground: Ground, waves: Sequence[int], rounds: RoundTaker | None = None) -> None:
    """Settle waves in which the last answer has come."""
    for one in advance(ground, waves, rounds.take if rounds is not None else None):
        if rounds is not None:
            rounds.add(one)


def _failed(ground: Ground, heard: Heard) -> None:
    error, lease = heard.error, heard.call.lease
    wait = ((error.retry_after_s if error else None) or 0) * SECOND
    if wait:
        slow_down(ground, lease.partner, ground.clock.now() + wait)
    give_back(ground, lease, wait, portion=heard.portion)


def _without(kind: str) -> Answer:
    """What stands for the answer of a partner that was switched off after it was to be asked."""
    return UNAVAILABLE if kind == COUNT else "not_ours"
