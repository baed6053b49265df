"""Take waiting inquiries into waves, each with an identity question to its carrier, leased to this process."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, select, update

from config.catalogue.schema import Partner
from config.db.engine import id_in, reading, skip_locked, transact
from config.errors import SealBroken
from config.failpoints import failpoint
from config.ground import Ground
from config.telemetry.log import get_logger
from enterprises import circuit_breaker
from query.asking.claims import PartnerCall, lease_until, owed_items
from query.asking.permits import acquire_permits
from query.asking.rounds import LocalAsker, PermittedCall
from query.inquiry import SECOND, Times
from query.models import inquiry
from query.services import times_of
from query.waves.questions import IDENTITY, Lease, add_question
from query.waves.wave_ids import wave_ids
from query.waves.waves import Stage, Wave, add_wave

_log = get_logger(__name__)


def carriers_with_waiting(ground: Ground) -> dict[str, list[str]]:
    """Return the carriers that inquiries wait for, each with the services of those inquiries."""
    waiting = select(inquiry.c.waiting_for, inquiry.c.service).where(inquiry.c.waiting_for.is_not(None)).distinct()
    found: dict[str, list[str]] = {}
    with reading(ground.engine) as db:
        for row in db.execute(waiting):
            found.setdefault(row.waiting_for, []).append(row.service)
    return found


def claim_waiting(ground: Ground, asker: LocalAsker) -> list[PermittedCall]:
    """Claim a wave of each carrier and service that inquiries wait for and that may be called now.

    Carriers are claimed one after the other: a claim passes over rows that another one's search has locked.
    """
    catalogue = ground.catalogues.current()
    wanted = [
        (carrier, service)
        for code, services in carriers_with_waiting(ground).items()
        if (carrier := catalogue.partner(code)) is not None and carrier.enabled and asker.has_room(carrier)
        for service in services
    ]
    permits = acquire_permits(ground, [carrier for carrier, _ in wanted], "gather")
    claimed = []
    for (carrier, service), permit in zip(wanted, permits, strict=True):
        if not permit.granted:
            continue
        call = None
        try:
            call = claim_inquiries(ground, carrier, service)
        finally:
            if call is None:
                circuit_breaker.release(ground, carrier, permit, used=False)
        if call is not None:
            claimed.append(PermittedCall(carrier, call, permit))
    return claimed


def claim_inquiries(ground: Ground, carrier: Partner, service: str) -> PartnerCall | None:
    """Claim up to a batch of inquiries that wait for this carrier into a wave; None: none waits.

    The lease's `more` says that the batch was full.
    """
    until = lease_until(ground, carrier)
    whole = transact(ground.engine, lambda db: _claim(db, ground, carrier, service, until))
    if whole is None:
        return None
    failpoint("gather.after_commit")
    owed = owed_items(ground, whole, IDENTITY, [None] * len(whole.members))
    more = len(owed) == carrier.batch_size
    return PartnerCall.of(Lease(carrier.code, IDENTITY, service, {whole.id: 1}, until, more=more), owed)


def _claim(db: Connection, ground: Ground, carrier: Partner, service: str, until: int) -> Wave | None:
    """Take waiting inquiries into a new wave, with its identity question leased to this process; None: none waits."""
    now, times = ground.clock.now(), times_of(ground.catalogues.current(), service)
    waiting = select(inquiry.c.id, inquiry.c.phone, inquiry.c.identity).where(
        inquiry.c.waiting_for == carrier.code, inquiry.c.service == service, inquiry.c.id > _too_old(now, times)
    )
    rows = db.execute(skip_locked(waiting.order_by(inquiry.c.id).limit(carrier.batch_size))).all()
    opened = _opened(ground, rows)
    if len(opened) < len(rows):
        # Unreadable rows stop waiting, or a batch of them would keep all others waiting; the sweep ends them.
        _stop_waiting(db, carrier, [row.id for row in rows if row.id not in opened], None)
    if not opened:
        return None
    wave_id = wave_ids.new(now)
    phones, identities = zip(*opened.values(), strict=True)
    whole = Wave(wave_id, service, Stage.IDENTITY, 1, carrier.code, tuple(opened), phones, identities, now)
    add_wave(db, ground, whole, times)
    add_question(db, wave_id, service, [carrier.code], IDENTITY, len(opened), now=now, leases={carrier.code: until})
    _stop_waiting(db, carrier, list(opened), wave_id)
    failpoint("gather.before_commit")
    return whole


def _stop_waiting(db: Connection, carrier: Partner, ids: Sequence[bytes], wave_id: int | None) -> None:
    these = update(inquiry).where(id_in(inquiry.c.id, ids), inquiry.c.waiting_for == carrier.code)
    db.execute(these.values(waiting_for=None, wave=wave_id))


def _too_old(now: int, times: Times) -> bytes:
    """Return the last id past the time for checking: ids begin with the time of acceptance. The sweep ends these."""
    return max(now - times.identity_patience_s * SECOND, 0).to_bytes(6, "big") + b"\xff" * 10


def _opened(ground: Ground, rows: Sequence[Row[Any]]) -> dict[bytes, tuple[str, dict[str, str]]]:
    """Return id -> (phone, identity) of the rows that open; a row that does not is logged and left out."""
    found = {}
    for row in rows:
        try:
            phone = ground.keys.open(row.phone, table="inquiry", column="phone", row=row.id).decode()
            identity = json.loads(ground.keys.open(row.identity, table="inquiry", column="identity", row=row.id))
        except SealBroken:
            _log.error("inquiry_unreadable", inquiry=row.id.hex())
        else:
            found[row.id] = (phone, identity)
    return found
