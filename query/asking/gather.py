"""The step that takes waiting inquiries into a wave and asks their carrier whether number and ID belong together."""

import json
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, select, update

from config.catalogue.schema import Partner
from config.db.engine import id_in, reading, skip_locked, transact
from config.errors import SealBroken
from config.failpoints import failpoint
from config.ground import Ground
from config.telemetry.log import get_logger
from query.asking.ask import Call, RoundTaker, lease_until, owed_items, put
from query.asking.permits import turn
from query.inquiry import IDENTITY_FIELDS, SECOND, Times
from query.models import inquiry
from query.services import times_of
from query.waves.questions import IDENTITY, Lease, add_question
from query.waves.wave_ids import wave_ids
from query.waves.waves import Stage, Wave, add_wave

_CLAIMING: Final = threading.Lock()
"""One carrier after the other: a claim passes over rows that another one's search has locked in passing."""

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Gathered:
    """So many inquiries were gathered. `goes_on`: the carrier may be asked on; `full`: as many as a call may hold."""

    inquiries: int = 0
    goes_on: bool = False
    full: bool = False

    @property
    def more(self) -> bool:
        """Whether others are waiting, most likely, and may be asked about at once."""
        return self.goes_on and self.full


def waited_for(ground: Ground) -> dict[str, list[str]]:
    """The carriers that inquiries wait for, each with the services of those inquiries."""
    waiting = select(inquiry.c.waiting_for, inquiry.c.service).where(inquiry.c.waiting_for.is_not(None)).distinct()
    found: dict[str, list[str]] = {}
    with reading(ground.engine) as db:
        for row in db.execute(waiting):
            found.setdefault(row.waiting_for, []).append(row.service)
    return found


def gather(
    ground: Ground,
    carrier_code: str,
    services: Iterable[str] = tuple(IDENTITY_FIELDS),
    rounds: RoundTaker | None = None,
) -> Gathered:
    """Gather inquiries that wait for this carrier into a wave for each service, and ask about it.

    With `rounds`, who matches goes on to the enterprises in this process; without, somebody is rung to ask them.
    """
    gathered = Gathered()
    for service in services:
        carrier = ground.catalogues.current().partner(carrier_code)
        if carrier is not None and carrier.enabled:
            wave = _one_wave(ground, carrier, service, rounds)
            ends = (gathered.goes_on or wave.goes_on, gathered.full or wave.full)
            gathered = Gathered(gathered.inquiries + wave.inquiries, *ends)
    return gathered


def _one_wave(ground: Ground, carrier: Partner, service: str, rounds: RoundTaker | None) -> Gathered:
    with turn(ground, carrier) as permit:
        if not permit.granted:
            return Gathered()
        with _CLAIMING:
            call = _claimed(ground, carrier, service)
        permit.used = call is not None
        if call is None:
            return Gathered()
        return Gathered(len(call.items), goes_on=put(ground, carrier, call, rounds), full=call.lease.more)


def _claimed(ground: Ground, carrier: Partner, service: str) -> Call | None:
    until = lease_until(ground, carrier)
    whole = transact(ground.engine, lambda db: _claim(db, ground, carrier, service, until))
    if whole is None:
        return None
    failpoint("gather.after_commit")
    owed = owed_items(ground, whole, IDENTITY, [None] * len(whole.members))
    lease = Lease(carrier.code, IDENTITY, service, {whole.id: 1}, until, more=len(owed) == carrier.batch_size)
    return Call(lease, {member: item for member, item, _ in owed}, min((end for *_, end in owed), default=0))


def _claim(db: Connection, ground: Ground, carrier: Partner, service: str, until: int) -> Wave | None:
    """Take waiting inquiries into a new wave, with its identity question leased to us; None: nobody waits."""
    now, times = ground.clock.now(), times_of(ground.catalogues.current(), service)
    waiting = select(inquiry.c.id, inquiry.c.phone, inquiry.c.identity).where(
        inquiry.c.waiting_for == carrier.code, inquiry.c.service == service, inquiry.c.id > _too_old(now, times)
    )
    rows = db.execute(skip_locked(waiting.order_by(inquiry.c.id).limit(carrier.batch_size))).all()
    opened = _opened(ground, rows)
    if len(opened) < len(rows):
        # What cannot be read waits no more, or a batch of it would keep all others waiting; the sweep ends it.
        _leave(db, carrier, [row.id for row in rows if row.id not in opened], None)
    if not opened:
        return None
    wave_id = wave_ids.new(now)
    phones, identities = zip(*opened.values(), strict=True)
    whole = Wave(wave_id, service, Stage.IDENTITY, 1, carrier.code, tuple(opened), phones, identities, now)
    add_wave(db, ground, whole, times)
    add_question(db, wave_id, service, [carrier.code], IDENTITY, len(opened), now=now, leases={carrier.code: until})
    _leave(db, carrier, list(opened), wave_id)
    failpoint("gather.before_commit")
    return whole


def _leave(db: Connection, carrier: Partner, ids: Sequence[bytes], wave_id: int | None) -> None:
    these = update(inquiry).where(id_in(inquiry.c.id, ids), inquiry.c.waiting_for == carrier.code)
    db.execute(these.values(waiting_for=None, wave=wave_id))


def _too_old(now: int, times: Times) -> bytes:
    """Ids up to this one are past the time for checking: ids begin with the time of acceptance. The sweep ends them."""
    return max(now - times.identity_patience_s * SECOND, 0).to_bytes(6, "big") + b"\xff" * 10


def _opened(ground: Ground, rows: Sequence[Row[Any]]) -> dict[bytes, tuple[str, dict[str, str]]]:
    """id -> (phone, identity) of the rows that open; one that does not must not hold up its neighbours."""
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
