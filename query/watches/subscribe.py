"""Turning a watch on, renewing and ending it. A number has one; companies are told by requests of their own."""

from typing import Any, Final

from sqlalchemy import Connection, Row, select, update

from config.catalogue.schema import Catalogue
from config.db.engine import upsert
from config.failpoints import failpoint
from config.ground import Ground
from query.inquiry import DAY, new_inquiry_id
from query.requests.store import NewRequest, add_requests, give_up
from query.watches.models import watch, watch_count
from query.watches.watch import HOLDER_EVERY, State, compose_on, end_of, last_day, month_of
from sms_port.ledger.messages import Lane, Owed, owe

WORTH_SENDING: Final = DAY


def turn_on(db: Connection, ground: Ground, phone: str) -> str:
    """Turn on the watch of a number, or renew it for 12 months; returns the SMS that confirms it.

    IntegrityError when another transaction turned it on at the same moment: then the whole is to be run again.
    """
    now, catalogue = ground.clock.now(), ground.catalogues.current()
    day = last_day(now)
    row = live_watch(db, ground, phone)
    if row is None:
        number = _add(db, ground, phone, end_of(day))
    else:
        number = row.id
        db.execute(update(watch).where(watch.c.id == number).values(until_at=end_of(day), reminded=0))
    add_requests(db, number, _requests(catalogue, "watch"), now)
    _count_without_events(db, catalogue, number, now)
    failpoint("watch.before_commit")
    return compose_on(catalogue.texts.sms, day)


def tell_on(db: Connection, ground: Ground, phone: str, text: str) -> None:
    """Owe the SMS that confirms a watch which was turned on from a page."""
    now = ground.clock.now()
    key = ground.keys.mac("watch-on", phone, now)[:16]
    owe(db, ground, [Owed(key, Lane.REPLY, phone, text, now + WORTH_SENDING)])


def turn_off(db: Connection, ground: Ground, phone: str) -> bool:
    """End the watch of a number; False when there was none."""
    row = live_watch(db, ground, phone)
    if row is not None:
        end_watch(db, ground, row, tell_companies=True)
    return row is not None


def end_watch(db: Connection, ground: Ground, row: Row[Any], *, tell_companies: bool) -> None:
    """End a locked watch; its number stays until the companies have been told to stop."""
    now = ground.clock.now()
    give_up(db, row.id, now)
    if tell_companies:
        add_requests(db, row.id, _requests(ground.catalogues.current(), "unwatch"), now)
    phone = {} if tell_companies else {"phone": None}
    over = {"state": State.OVER, "live_index": None, "look": 0, "until_at": now, **phone}
    db.execute(update(watch).where(watch.c.id == row.id).values(**over))
    db.execute(watch_count.delete().where(watch_count.c.watch == row.id))
    failpoint("watch.before_ending")


def live_watch(db: Connection, ground: Ground, phone: str) -> Row[Any] | None:
    """The watch of a number that is on, locked."""
    mine = watch.c.live_index.in_(ground.keys.phone_indexes(phone))
    return db.execute(select(watch).where(mine).with_for_update()).first()


def _add(db: Connection, ground: Ground, phone: str, until: int) -> bytes:
    now = ground.clock.now()
    number, index = new_inquiry_id(now), ground.keys.phone_index(phone)
    row = {
        "id": number,
        "state": State.ON,
        "phone_index": index,
        "live_index": index,
        "phone": ground.keys.seal(phone.encode(), table="watch", column="phone", row=number),
        "since": month_of(now),
        "started_at": now,
        "until_at": until,
        "reminded": 0,
        "holder_at": now + HOLDER_EVERY,
        "look": 0,
        "alerted": "",
    }
    db.execute(watch.insert().values(**row))
    return number


def _requests(catalogue: Catalogue, kind: str) -> list[NewRequest]:
    """One for each application whose company takes watches and sends events."""
    companies = [one for one in catalogue.enterprises() if one.events and "watch" in one.requests]
    return [NewRequest(kind, one.code, app.code) for one in companies for app in one.applications]


def _count_without_events(db: Connection, catalogue: Catalogue, number: bytes, now: int) -> None:
    """Have the companies that send no events counted for the first time now, by the sweep."""
    companies = [one.code for one in catalogue.enterprises() if not one.events]
    rows = [{"watch": number, "partner": code, "seen": None, "due_at": now} for code in companies]
    if rows:
        db.execute(upsert(watch_count, db.dialect.name, rows, update=["due_at"]))
