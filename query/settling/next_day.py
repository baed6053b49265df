"""The SMS of the next day: somebody inquired about this number yesterday, and if that was not you, look to your phone.

Whoever reads a code off a stranger's screen can inquire in the stranger's name, and delete the SMS. A day later the
phone is its holder's again. Owed with the reply, told once, never with a count, between 9 and 20 o'clock, and not to a
number that stopped codes; too late it is not told at all.
"""

from collections.abc import Mapping
from functools import partial
from typing import Final

from sqlalchemy import Connection, delete, insert, select

from config.db.engine import id_in, skip_locked, transact
from config.errors import SealBroken
from config.failpoints import failpoint
from config.ground import Ground
from config.times.formats import SHANGHAI_OFFSET_MS
from query.inquiry import DAY, HOUR, accepted_at, day_of
from query.models import next_day_notice
from sms_port.ledger.inbound import is_opted_out
from sms_port.ledger.messages import Lane, Owed, owe

FIRST_HOUR, LAST_HOUR = 9, 20
LATE: Final = DAY
AT_ONCE: Final = 500


def due_at(accepted: int) -> int:
    """Return when the notice of an inquiry is told: a day after its acceptance, by daylight. Pure."""
    moment = accepted + DAY
    since_midnight = (moment + SHANGHAI_OFFSET_MS) % DAY
    if FIRST_HOUR * HOUR <= since_midnight < LAST_HOUR * HOUR:
        return moment
    morning = moment - since_midnight + FIRST_HOUR * HOUR
    return morning if since_midnight < FIRST_HOUR * HOUR else morning + DAY


def plan_notices(db: Connection, ground: Ground, service: str, phones: Mapping[bytes, str]) -> None:
    """Have the next day tell of these inquiries (id -> phone), if the catalogue says so."""
    catalogue = ground.catalogues.current()
    if not catalogue.next_day_notice.enabled or _text(service) not in catalogue.texts.sms or not phones:
        return
    rows = [
        {
            "inquiry": number,
            "service": service,
            "phone": ground.keys.seal(phone.encode(), table="next_day_notice", column="phone", row=number),
            "due_at": due_at(accepted_at(number)),
        }
        for number, phone in sorted(phones.items())
    ]
    db.execute(insert(next_day_notice), rows)


def tell_next_day(ground: Ground) -> None:
    """Owe the notices whose time has come, a bounded number at a time; each goes with its row, so it is told once."""
    if transact(ground.engine, partial(_tell, ground=ground, now=ground.clock.now())):
        ground.bell.notify_gateway(Lane.REPLY.bell)


def _tell(db: Connection, ground: Ground, now: int) -> int:
    due = select(next_day_notice).where(next_day_notice.c.due_at <= now).order_by(next_day_notice.c.due_at)
    rows = db.execute(skip_locked(due.limit(AT_ONCE))).all()
    owed = []
    for row in rows:
        phone = _open(ground, row.inquiry, row.phone)
        text = ground.catalogues.current().texts.sms.get(_text(row.service))
        if phone is None or text is None or now >= row.due_at + LATE or is_opted_out(db, ground, phone):
            continue
        key = ground.keys.mac("next-day", row.inquiry)[:16]
        words = text.format(date=day_of(accepted_at(row.inquiry)))
        owed.append(Owed(key, Lane.REPLY, phone, words, row.due_at + LATE))
    owe(db, ground, owed)
    db.execute(delete(next_day_notice).where(id_in(next_day_notice.c.inquiry, [row.inquiry for row in rows])))
    failpoint("next_day.before_commit")
    return len(owed)


def _open(ground: Ground, number: bytes, sealed: bytes) -> str | None:
    try:
        return ground.keys.open(sealed, table="next_day_notice", column="phone", row=number).decode()
    except SealBroken:
        return None


def _text(service: str) -> str:
    return f"next-day-{service}"
