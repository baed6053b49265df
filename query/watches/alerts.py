"""From a company's event to the citizen's SMS: an event counts once, and a number gets one alert a day.

The first alert of a day is owed in the transaction that stores the event; what comes later that day waits for the next.
"""

import json
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection, Row, func, select, update
from sqlalchemy.exc import IntegrityError

from config.db.engine import is_duplicate, reading, transact
from config.failpoints import failpoint
from config.ground import Ground
from config.telemetry.log import get_logger
from enterprises.request_protocol import Event
from query.inquiry import DAY, HOUR
from query.requests.models import request
from query.watches.models import watch, watch_event
from query.watches.watch import ALERT_HOURS, State, compose_alert, is_flood, is_same_day, is_within
from sms_port.ledger.inbound import is_opted_out
from sms_port.ledger.messages import Lane, Owed, owe

AT_ONCE: Final = 200
WORTH_SENDING: Final = DAY

_log = get_logger(__name__)


def record_events(ground: Ground, partner: str, events: Sequence[Event]) -> int:
    """Store a company's events; returns how many were new. One for an unknown watch is acknowledged and forgotten."""
    taken = 0
    for event in events:
        try:
            taken += transact(ground.engine, partial(_record, ground=ground, partner=partner, event=event))
        except IntegrityError as error:  # the same event, at the same moment
            if not is_duplicate(error):
                raise
    if taken:
        failpoint("event.after_commit")
        ground.bell.notify_gateway(Lane.REPLY.bell)
    return taken


def _record(db: Connection, ground: Ground, partner: str, event: Event) -> int:
    row = _watched(db, partner, event)
    if row is None or _known(db, partner, event):
        return 0
    add_news(db, ground, row, partner, bytes.fromhex(event.event.replace("-", "")), event.application, event.change)
    if not _is_flooded(db, ground, partner):
        alert(db, ground, row)
    failpoint("event.before_commit")
    return 1


def add_news(
    db: Connection, ground: Ground, row: Row[Any], partner: str, event: bytes, application: str, change: int
) -> None:
    """Store one piece of news of a locked watch. IntegrityError when the event is there already."""
    plain = json.dumps([application, change]).encode()
    news = ground.keys.seal(plain, table="watch_event", column="news", row=event)
    values = {"partner": partner, "event": event, "watch": row.id, "news": news, "at": ground.clock.now()}
    db.execute(watch_event.insert().values(**values))


def alert(db: Connection, ground: Ground, row: Row[Any]) -> bool:
    """Owe one alert about everything a locked watch has not told yet, unless it alerted today; whether it did."""
    now = ground.clock.now()
    pending = db.execute(_pending(row.id).with_for_update()).all()
    if not pending or row.state != State.ON or row.phone is None or is_same_day(row.alerted_at, now):
        return False
    phone = open_phone(ground, row)
    told = [_news_of(ground, one) for one in pending]
    if not is_opted_out(db, ground, phone):
        key = ground.keys.mac("watch-alert", row.id, now)[:16]
        owe(db, ground, [Owed(key, Lane.REPLY, phone, _text(ground, told), now + WORTH_SENDING)])
    codes = list(dict.fromkeys(code for code, _ in told))
    db.execute(update(watch).where(watch.c.id == row.id).values(alerted=" ".join(codes), alerted_at=now))
    these = (watch_event.c.watch == row.id, watch_event.c.news.is_not(None))
    db.execute(update(watch_event).where(*these).values(news=None))
    return True


def tell_gathered(ground: Ground) -> int:
    """Tell what was gathered since the last alert, in the hours of the day for it; returns the number of alerts."""
    now = ground.clock.now()
    if not is_within(ALERT_HOURS, now):
        return 0
    with reading(ground.engine) as db:
        waiting = select(watch_event.c.watch).where(watch_event.c.news.is_not(None)).distinct().limit(AT_ONCE)
        ids = list(db.execute(waiting).scalars())
    told = sum(transact(ground.engine, partial(_tell_one, ground=ground, number=number)) for number in ids)
    if told:
        ground.bell.notify_gateway(Lane.REPLY.bell)
    return told


def last_alert(db: Connection, ground: Ground, phone: str) -> tuple[tuple[str, ...], str] | None:
    """(applications of the last alert, the month since which the holder is known) of a number; None without one."""
    mine = watch.c.phone_index.in_(ground.keys.phone_indexes(phone, retired=True)) & watch.c.alerted_at.is_not(None)
    newest = select(watch.c.alerted, watch.c.since).where(mine, watch.c.alerted_at > ground.clock.now() - 30 * DAY)
    row = db.execute(newest.order_by(watch.c.alerted_at.desc()).limit(1)).first()
    return (tuple(row.alerted.split()), row.since) if row is not None else None


def open_phone(ground: Ground, row: Row[Any]) -> str:
    """The number of a watch. Raises SealBroken."""
    return ground.keys.open(row.phone or b"", table="watch", column="phone", row=row.id).decode()


def _tell_one(db: Connection, ground: Ground, number: bytes) -> bool:
    row = db.execute(select(watch).where(watch.c.id == number).with_for_update()).first()
    return row is not None and alert(db, ground, row)


def _watched(db: Connection, partner: str, event: Event) -> Row[Any] | None:
    """The watch, locked, that this partner was asked for under this id and application; None: there is none."""
    if len(event.watch) != 32 or not all(sign in "0123456789abcdef" for sign in event.watch):
        return None
    asked = (request.c.id == bytes.fromhex(event.watch), request.c.partner == partner, request.c.kind == "watch")
    mine = select(request.c.owner).where(*asked, request.c.application == event.application, request.c.tries > 0)
    owner = db.execute(mine).scalar()
    if owner is None:
        return None
    return db.execute(select(watch).where(watch.c.id == owner, watch.c.state == State.ON).with_for_update()).first()


def _known(db: Connection, partner: str, event: Event) -> bool:
    same = (watch_event.c.partner == partner) & (watch_event.c.event == bytes.fromhex(event.event.replace("-", "")))
    return db.execute(select(watch_event.c.at).where(same)).first() is not None


def _is_flooded(db: Connection, ground: Ground, partner: str) -> bool:
    """Few events an hour are no flood, whatever is usual: only many are compared, which has the week counted."""
    now = ground.clock.now()
    counted = select(func.count()).where(watch_event.c.partner == partner)
    hour = db.execute(counted.where(watch_event.c.at > now - HOUR)).scalar_one()
    if not is_flood(hour, 0):
        return False
    before = (watch_event.c.at > now - 7 * DAY - HOUR, watch_event.c.at <= now - HOUR)
    week = db.execute(counted.where(*before)).scalar_one()
    flooded = is_flood(hour, week)
    if flooded:
        _log.error("events_flooded", partner=partner, hour=hour)
    return flooded


def _pending(number: bytes) -> Any:
    mine = (watch_event.c.watch == number, watch_event.c.news.is_not(None))
    return select(watch_event).where(*mine).order_by(watch_event.c.at)


def _news_of(ground: Ground, row: Row[Any]) -> tuple[str, int]:
    code, change = json.loads(ground.keys.open(row.news, table="watch_event", column="news", row=row.event))
    return str(code), int(change)


def _text(ground: Ground, told: Sequence[tuple[str, int]]) -> str:
    catalogue = ground.catalogues.current()
    names = {one.code: one.name.zh for partner in catalogue.partners for one in partner.applications}
    order = list(names)
    known = sorted(told, key=lambda one: order.index(one[0]) if one[0] in names else len(order))
    return compose_alert(catalogue.texts.sms, [(names.get(code, code), change) for code, change in known])
