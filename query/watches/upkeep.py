"""Upkeep of watches: reminders, ends, the monthly question about the holder, and what is erased."""

from functools import partial
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, or_, select, update

from config.db.engine import id_in, reading, transact
from config.errors import SealBroken
from config.failpoints import failpoint
from config.ground import Ground
from query.inquiry import DAY
from query.requests.models import request
from query.requests.store import NewRequest, add_requests
from query.watches.alerts import open_phone, tell_gathered
from query.watches.models import watch, watch_event
from query.watches.subscribe import end_watch
from query.watches.watch import (
    EVENTS_KEPT,
    HOLDER_EVERY,
    REMIND_BEFORE,
    UNWATCH_WITHIN,
    State,
    compose_ends_soon,
    day_that_ends,
)
from sms_port.ledger.messages import Lane, Owed, owe

AT_ONCE: Final = 200
INDEX_KEPT: Final = 30 * DAY


def follow_times(ground: Ground) -> None:
    """Remind, end and check the watches whose time has come, and tell what was gathered."""
    now = ground.clock.now()
    due = or_(
        watch.c.until_at <= now,
        (watch.c.until_at <= now + REMIND_BEFORE) & (watch.c.reminded == 0),
        watch.c.holder_at <= now,
    )
    with reading(ground.engine) as db:
        ids = list(db.execute(select(watch.c.id).where(watch.c.state == State.ON, due).limit(AT_ONCE)).scalars())
    for number in ids:
        transact(ground.engine, partial(_follow_time, ground=ground, number=number))
    if ids:
        ground.bell.notify_gateway(Lane.REPLY.bell)
    tell_gathered(ground)


def erase_watches(ground: Ground) -> None:
    """One bounded pass over everything of watches that is kept too long."""
    transact(ground.engine, partial(_erase, now=ground.clock.now()))
    failpoint("watch.after_erasing")


def _follow_time(db: Connection, ground: Ground, number: bytes) -> None:
    row, now = db.execute(select(watch).where(watch.c.id == number).with_for_update()).first(), ground.clock.now()
    if row is None or row.state != State.ON:
        return
    try:
        phone = open_phone(ground, row)
    except SealBroken:
        end_watch(db, ground, row, tell_companies=False)
        return
    if row.until_at <= now:
        end_watch(db, ground, row, tell_companies=True)
    elif row.holder_at <= now:
        _ask_holder(db, ground, row, phone, now)
    elif not row.reminded:
        _remind(db, ground, row, phone, now)


def _ask_holder(db: Connection, ground: Ground, row: Row[Any], phone: str, now: int) -> None:
    carrier = next((one.code for one in ground.catalogues.current().carrier_order(phone) if one.tenure), None)
    if carrier is not None:
        add_requests(db, row.id, [NewRequest("holder", carrier)], now)
    db.execute(update(watch).where(watch.c.id == row.id).values(holder_at=now + HOLDER_EVERY))


def _remind(db: Connection, ground: Ground, row: Row[Any], phone: str, now: int) -> None:
    text = compose_ends_soon(ground.catalogues.current().texts.sms, day_that_ends(row.until_at))
    key = ground.keys.mac("watch-yearly", row.id, row.until_at)[:16]
    owe(db, ground, [Owed(key, Lane.REPLY, phone, text, now + DAY)])
    db.execute(update(watch).where(watch.c.id == row.id).values(reminded=1))


def _erase(db: Connection, now: int) -> None:
    over = (watch.c.state == State.OVER, watch.c.until_at <= now - UNWATCH_WITHIN, watch.c.phone.is_not(None))
    db.execute(update(watch).where(*over).values(phone=None))
    old = (watch.c.state == State.OVER, watch.c.until_at <= now - INDEX_KEPT)
    ids = list(db.execute(select(watch.c.id).where(*old).limit(AT_ONCE)).scalars())
    db.execute(delete(request).where(id_in(request.c.owner, ids)))
    db.execute(delete(watch).where(id_in(watch.c.id, ids)))
    db.execute(delete(watch_event).where(watch_event.c.at <= now - EVENTS_KEPT))
