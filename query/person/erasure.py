"""Erase what is kept about a number, at its citizen's wish.

Running inquiries end without a reply, alerts are turned off, and every value and MAC goes. Kept are what stops codes to
the number, which is the citizen's own wish; its limits of the day and the year, which erasing must not be a way around;
and an objection that companies are working on, which is to be closed first.
"""

from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sqlalchemy import Connection, delete, select, update

from config import audit
from config.db.engine import id_in, reading, transact
from config.ground import Ground
from config.phone_numbers import mask_phone
from query.helps.models import help_offer
from query.inquiry import DAY
from query.models import inquiry, last_inquiry, next_day_notice, notice, verification_code
from query.objections.models import objection
from query.objections.rules.objection import State as ObjectionState
from query.person.records import find_inquiries
from query.requests.models import request
from query.settling.withdrawal import end_withdrawn, settle_without
from query.texts.models import conversation
from query.watches.models import watch
from query.watches.subscribe import end_watch, live_watch
from sms_port.ledger.messages import SILENT_MS
from sms_port.models import inbound, part

MACS_OF_INQUIRY = ("phone_index", "submission", "fingerprint")
OF_OBJECTION = (*MACS_OF_INQUIRY, "open_index", "phone", "masked", "identity", "held", "owner")
OF_WATCH = ("phone_index", "owner")


@dataclass(slots=True)
class Erased:
    """The number of each kind that was erased, and the objections that are still open."""

    inquiries: int = 0
    objections: int = 0
    watches: int = 0
    still_open: list[str] = field(default_factory=list)
    waves: set[int] = field(default_factory=set)


def erase_person(ground: Ground, phone: str) -> Erased:
    """Erase what is kept about a number in one transaction, with its audit row; then have its waves settled."""
    indexes = ground.keys.phone_indexes(phone, retired=True)
    with reading(ground.engine) as db:  # a long search, which must not hold locks
        ids = [row.id for row in find_inquiries(db, ground.clock.now(), indexes)]
    erased = transact(ground.engine, partial(_erase, ground=ground, phone=phone, ids=ids))
    for wave_id in sorted(erased.waves):
        settle_without(ground, wave_id)
    ground.bell.ring_all([("relay", one.code) for one in ground.catalogues.current().enterprises() if one.events])
    return erased


def _erase(db: Connection, ground: Ground, phone: str, ids: list[bytes]) -> Erased:
    indexes, now, erased = ground.keys.phone_indexes(phone, retired=True), ground.clock.now(), Erased()
    _erase_inquiries(db, now, ids, erased)
    _erase_objections(db, indexes, erased)
    _erase_watches(db, ground, phone, indexes, erased)
    db.execute(delete(verification_code).where(verification_code.c.phone_index.in_(indexes)))
    db.execute(delete(conversation).where(conversation.c.phone_index.in_(indexes)))
    db.execute(update(help_offer).where(help_offer.c.phone_index.in_(indexes)).values(phone_index=None))
    old = (last_inquiry.c.phone_index.in_(indexes), last_inquiry.c.accepted_at <= now - DAY)
    db.execute(delete(last_inquiry).where(*old))
    db.execute(delete(inbound).where(inbound.c.phone_index.in_(indexes), inbound.c.at <= now - DAY))
    told = f"{erased.inquiries} inquiries, {erased.objections} objections, {erased.watches} alerts"
    audit.record(db, ground, "person.erase", mask_phone(phone), told)
    return erased


def _erase_inquiries(db: Connection, now: int, ids: list[bytes], erased: Erased) -> None:
    for row in db.execute(select(inquiry).where(id_in(inquiry.c.id, ids)).with_for_update()).all():
        wave_id = end_withdrawn(db, row, now)
        erased.waves |= {wave_id} if wave_id is not None else set()
        gone: dict[str, Any] = dict.fromkeys(MACS_OF_INQUIRY)
        db.execute(update(inquiry).where(inquiry.c.id == row.id).values(**gone))
        marks = update(part).where(part.c.message == row.id, part.c.at <= now - SILENT_MS)
        db.execute(marks.values(phone_index=None))
        db.execute(delete(next_day_notice).where(next_day_notice.c.inquiry == row.id))
        db.execute(delete(notice).where(notice.c.reference == row.reference))
        erased.inquiries += 1


def _erase_objections(db: Connection, indexes: list[bytes], erased: Erased) -> None:
    for row in db.execute(select(objection).where(objection.c.phone_index.in_(indexes)).with_for_update()).all():
        if row.state != ObjectionState.CLOSED:
            erased.still_open.append(str(row.reference))
            continue
        db.execute(delete(request).where(request.c.owner == row.id))
        gone: dict[str, Any] = {**dict.fromkeys(OF_OBJECTION), "look_at": None, "look": 0, "erase_at": None}
        db.execute(update(objection).where(objection.c.id == row.id).values(**gone))
        erased.objections += 1


def _erase_watches(db: Connection, ground: Ground, phone: str, indexes: list[bytes], erased: Erased) -> None:
    """Turn alerts off: their number goes when the companies have been told to stop."""
    live = live_watch(db, ground, phone)
    if live is not None:
        end_watch(db, ground, live, tell_companies=True)
    ids = list(db.execute(select(watch.c.id).where(watch.c.phone_index.in_(indexes))).scalars())
    gone: dict[str, Any] = {**dict.fromkeys(OF_WATCH), "alerted": ""}
    db.execute(update(watch).where(id_in(watch.c.id, ids)).values(**gone))
    erased.watches += len(ids)
