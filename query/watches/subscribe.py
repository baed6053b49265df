"""Turning a watch on, renewing and ending it. A number has one; companies are told by requests of their own."""

import hmac
from typing import Any, Final

from sqlalchemy import Connection, Row, select, update
from sqlalchemy.exc import IntegrityError

from config.catalogue.schema import Catalogue
from config.db.engine import is_duplicate, reading, transact, upsert
from config.failpoints import failpoint
from config.ground import Ground
from query.inquiry import DAY, INTERNET_ACCOUNTS, OWNER_SEES, new_inquiry_id
from query.intake.contact import open_contact
from query.models import inquiry
from query.requests.store import NewRequest, add_requests, give_up
from query.watches.alerts import open_phone
from query.watches.models import watch, watch_count
from query.watches.watch import HOLDER_EVERY, State, compose_on, end_of, last_day, month_of
from sms_port.ledger.messages import Lane, Owed, owe

WORTH_SENDING: Final = DAY


def turn_on_for_owner(ground: Ground, reference: str, owner: bytes, key: bytes) -> None:
    """Turn on the watch of the number of one's own closed inquiry, and owe the SMS that confirms it.

    `key`: the session's contact key. Nothing tells the caller whether there is such an inquiry, or a watch already.
    """
    with reading(ground.engine) as db:
        row = db.execute(select(inquiry).where(inquiry.c.reference == int(reference))).first()
    seen = row is not None and row.owner is not None and hmac.compare_digest(row.owner, owner)
    if row is None or not seen or row.closed_at is None or row.contact is None or row.service != INTERNET_ACCOUNTS:
        return
    if ground.clock.now() >= row.accepted_at + OWNER_SEES:
        return
    phone = open_contact(key, row.id, row.contact)

    def store(db: Connection) -> None:
        tell_on(db, ground, phone, turn_on(db, ground, phone, owner))

    try:
        transact(ground.engine, store)
    except IntegrityError as error:  # it was turned on at the same moment: renewed now
        if not is_duplicate(error):
            raise
        transact(ground.engine, store)
    ground.bell.notify_gateway(Lane.REPLY.bell)
    ring_companies(ground)


def turn_off_for_owner(ground: Ground, owner: bytes) -> None:
    """End the watches that a session turned on, and tell each number by SMS."""

    def store(db: Connection) -> None:
        mine = select(watch).where(watch.c.owner == owner, watch.c.state == State.ON).with_for_update()
        for row in db.execute(mine).all():
            phone = open_phone(ground, row)
            end_watch(db, ground, row, tell_companies=True)
            key = ground.keys.mac("watch-off", row.id)[:16]
            text = ground.catalogues.current().texts.sms["watch-off"]
            owe(db, ground, [Owed(key, Lane.REPLY, phone, text, ground.clock.now() + WORTH_SENDING)])

    transact(ground.engine, store)
    ground.bell.notify_gateway(Lane.REPLY.bell)
    ring_companies(ground)


def ring_companies(ground: Ground) -> None:
    """Ring for the companies that watches are sent to."""
    ground.bell.ring_all([("relay", one.code) for one in ground.catalogues.current().enterprises() if one.events])


def turn_on(db: Connection, ground: Ground, phone: str, owner: bytes | None = None) -> str:
    """Turn on the watch of a number, or renew it for 12 months; returns the SMS that confirms it.

    IntegrityError when another transaction turned it on at the same moment: then the whole is to be run again.
    """
    now, catalogue = ground.clock.now(), ground.catalogues.current()
    day = last_day(now)
    row = live_watch(db, ground, phone)
    if row is None:
        number = _add(db, ground, phone, end_of(day), owner)
    else:
        number = row.id
        mine = {"owner": owner} if owner is not None else {}
        db.execute(update(watch).where(watch.c.id == number).values(until_at=end_of(day), reminded=0, **mine))
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
    mine = watch.c.live_index.in_(ground.keys.phone_indexes(phone, retired=True))
    return db.execute(select(watch).where(mine).with_for_update()).first()


def _add(db: Connection, ground: Ground, phone: str, until: int, owner: bytes | None) -> bytes:
    now = ground.clock.now()
    number, index = new_inquiry_id(now), ground.keys.phone_index(phone)
    row = {
        "id": number,
        "state": State.ON,
        "phone_index": index,
        "live_index": index,
        "phone": ground.keys.seal(phone.encode(), table="watch", column="phone", row=number),
        "owner": owner,
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
