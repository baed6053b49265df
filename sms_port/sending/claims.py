"""Claim messages: those to send, and those to ask a gateway about.

The attempt is committed before the first byte leaves, so a message that is found in SENDING after a crash may have been
sent, and is never simply sent again, unless `sent_marks` prove that it never left. No transaction is open while a link
talks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, Select, insert, literal, or_, select, update

from config.catalogue.links import Link as LinkEntry
from config.db.engine import id_in, reading, skip_locked, transact
from config.errors import SealBroken
from config.failpoints import failpoint
from config.ground import Ground
from sms_port.ledger.payload import open_payload
from sms_port.ledger.states import OnOutcome, grouped, move, settle
from sms_port.links.link import Dispatch, InDoubt
from sms_port.message_reference import build_reference
from sms_port.models import AttemptResult, Lane, State, attempt, message
from sms_port.segments import compose_parts, handed_over
from sms_port.sending.routing import LinkLoad, Routes

LEASE_MARGIN_MS = 15_000
NO_LINK_NOW_MS = 5_000


@dataclass(frozen=True)
class Attempt:
    """One offer of one message to one link, under the `reference` by which the gateway knows it."""

    message_id: bytes
    number: int
    sending: int
    lane: Lane
    link: str
    reference: str
    phone: str = field(default="", repr=False, compare=False)


@dataclass(frozen=True)
class Claimed:
    """An attempt that is committed and must now be made, before its lease ends (`until`, epoch ms)."""

    attempt: Attempt
    dispatch: Dispatch
    until: int


@dataclass(frozen=True)
class DoubtClaim:
    """An attempt whose outcome is unknown, and what its link is asked about."""

    attempt: Attempt
    doubt: InDoubt


@dataclass(frozen=True)
class Unsendable:
    """A message that cannot be sent, and where it goes instead."""

    state: State
    code: str


def claim(
    ground: Ground, on_outcome: OnOutcome, lane: Lane, routes: Routes, limit: int, *, sure: bool = False
) -> list[Claimed]:
    """Take up to `limit` due messages of a lane and commit an attempt for each.

    What is too late, unreadable or too long for every link is given up here. Unless `sure`, it is looked for first
    without a write lock.
    """
    if not limit or not (sure or _any_due(ground, lane, routes)):
        return []

    def work(db: Connection) -> list[Claimed]:
        now = ground.clock.now()
        rows = db.execute(skip_locked(_due(lane, routes, now).limit(limit))).all()
        prepared = [(row, _prepare(ground, row, routes, now)) for row in rows]
        for dropped, members in grouped((p, row) for row, p in prepared if isinstance(p, Unsendable)).items():
            settle(db, on_outcome, members, dropped.state, now, dropped.code)
        waiting = [row.id for row, p in prepared if p is None]
        move(db, waiting, [State.DUE], due_at=now + NO_LINK_NOW_MS)
        claims = [p for _, p in prepared if isinstance(p, Claimed)]
        _lease(db, claims, now)
        failpoint("send.before_claim_commit")
        return claims

    return transact(ground.engine, work)


def _due(lane: Lane, routes: Routes, now: int) -> Select[Any]:
    table = message.c
    paused = {link.code for link in routes.configured} - {link.code for link in routes.usable}
    free = or_(table.link.is_(None), table.link.not_in(paused))
    columns = (table.id, table.lane, table.attempts, table.sending, table.link, table.expires_at, table.sealed)
    due = (table.state == State.DUE) & (table.lane == lane) & (table.due_at <= now)
    return select(*columns).where(due, free).order_by(table.due_at)


def _any_due(ground: Ground, lane: Lane, routes: Routes) -> bool:
    look = _due(lane, routes, ground.clock.now()).with_only_columns(message.c.id).limit(1)
    with reading(ground.engine) as db:
        return db.execute(look).first() is not None


def _prepare(ground: Ground, row: Row[Any], routes: Routes, now: int) -> Claimed | Unsendable | None:
    if row.expires_at <= now:
        return _give_up(row, State.EXPIRED, "expired")
    try:
        payload = open_payload(ground.keys, row.id, row.sealed)
    except SealBroken:
        return _give_up(row, State.FAILED, "seal_broken")
    text = payload.text if row.sending == 1 else payload.resend_text or payload.text
    signature = ground.catalogues.current().signature
    shown = compose_parts(text, signature, "ours")
    load = LinkLoad(len(shown), payload.phone, text)
    link = routes.pick(load, row.attempts, row.link)
    if link is None:
        refusal = routes.refusal(load)
        return _give_up(row, State.FAILED, refusal) if refusal else None
    reference = build_reference(row.id, row.sending)
    offer = Attempt(row.id, row.attempts + 1, row.sending, Lane(row.lane), link.code, reference, payload.phone)
    template = routes.template_of(link, load)
    # a template's vendor cuts and reports the message as a whole
    parts = (text,) if template else handed_over(shown, signature, link.signature_mode)
    dispatch = Dispatch(reference, link.port_number, payload.phone, parts, row.expires_at, offer.lane, template)
    return Claimed(offer, dispatch, now + _lease_ms(link))


def _give_up(row: Row[Any], state: State, code: str) -> Unsendable:
    # the resend goes nowhere, but its first sending stays unknown
    return Unsendable(state if row.sending == 1 else State.UNKNOWN_FINAL, code)


def _lease_ms(link: LinkEntry) -> int:
    return round(link.total_s * 1000) + LEASE_MARGIN_MS


def _lease(db: Connection, claims: Sequence[Claimed], now: int) -> None:
    for (link, until), members in grouped(((c.attempt.link, c.until), c) for c in claims).items():
        ids = [claimed.attempt.message_id for claimed in members]
        values = {"attempts": message.c.attempts + 1, "due_at": until, "link": link}
        move(db, ids, [State.DUE], state=State.SENDING, **values)
    for parts, ids in grouped((len(c.dispatch.parts), c.attempt.message_id) for c in claims).items():
        _note_attempts(db, ids, parts, now)


def _note_attempts(db: Connection, ids: Sequence[bytes], parts: int, now: int) -> None:
    """An attempt for each of these messages, from what their rows have just been given."""
    columns = ("message", "number", "sending", "link", "parts", "started_at")
    given = (message.c.id, message.c.attempts, message.c.sending, message.c.link, literal(parts), literal(now))
    db.execute(insert(attempt).from_select(columns, select(*given).where(id_in(message.c.id, ids))))


def return_never_sent(ground: Ground, claimed: Sequence[tuple[bytes, int]]) -> int:
    """Make messages due again that a killed process claimed, as (id, attempt number), and never sent.

    Also those whose lease has ended meanwhile, so that they are in doubt without need.
    """
    claimed_states = [State.SENDING, State.UNKNOWN]

    def work(db: Connection) -> int:
        now, numbers = ground.clock.now(), dict(claimed)
        mine = id_in(message.c.id, list(numbers)) & message.c.state.in_(claimed_states)
        rows = db.execute(select(message.c.id, message.c.attempts).where(mine).with_for_update()).all()
        ids = [row.id for row in rows if row.attempts % 256 == numbers[row.id]]
        move(db, ids, claimed_states, state=State.DUE, due_at=now, unknown_at=None, link=None)
        last = id_in(attempt.c.message, ids) & attempt.c.result.is_(None)
        ended = {"result": AttemptResult.NOT_SENT, "code": "killed", "ended_at": now}
        db.execute(update(attempt).where(last).values(**ended))
        return len(ids)

    return transact(ground.engine, work) if claimed else 0


def claim_doubts(ground: Ground, links: Sequence[str], limit: int) -> list[DoubtClaim]:
    """Take unknown messages whose link should be asked now; each is asked at ever longer intervals."""
    table = message.c
    found = (table.state == State.UNKNOWN) & table.lane.in_(list(Lane)) & table.link.in_(links)
    columns = (table.id, table.attempts, table.sending, table.lane, table.link, table.unknown_at, table.sealed)
    look = select(*columns).where(found, table.due_at <= ground.clock.now()).order_by(table.due_at).limit(limit)
    with reading(ground.engine) as db:
        if not links or db.execute(look.limit(1)).first() is None:
            return []

    def work(db: Connection) -> list[DoubtClaim]:
        rows = db.execute(skip_locked(look)).all()
        now = ground.clock.now()
        # as long again as the doubt is old, and a second
        move(db, [row.id for row in rows], [State.UNKNOWN], due_at=now + 1_000 + (now - table.unknown_at))
        failpoint("doubt.before_commit")
        return [_doubted(ground, row) for row in rows]

    return transact(ground.engine, work)


def _doubted(ground: Ground, row: Row[Any]) -> DoubtClaim:
    try:
        phone = open_payload(ground.keys, row.id, row.sealed).phone
    except SealBroken:
        phone = ""
    reference = build_reference(row.id, row.sending)
    offer = Attempt(row.id, row.attempts, row.sending, Lane(row.lane), row.link, reference)
    return DoubtClaim(offer, InDoubt(reference, phone, row.unknown_at))
