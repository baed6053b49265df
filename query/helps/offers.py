"""Offers to relatives: made, found, and ended.

The helper proves her own number by a code and names the relative's. The relative gets one SMS and answers it from his
own phone; nobody tells anybody a code. To the helper every relative looks the same, whether he gets the SMS, agrees,
refuses, wants no such SMS, or does not exist: what she is told depends on her own offers alone.
"""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, insert, select, update

from config.ground import Ground
from config.phone_numbers import mask_phone
from config.times.formats import shanghai
from query.errors import HelpsUsedUp, HelpTooSoon, QueryError
from query.helps.models import help_block, help_offer
from query.inquiry import DAY, SECOND, day_of, new_inquiry_id, new_reference
from sms_port.ledger.inbound import is_opted_out
from sms_port.ledger.messages import Lane, Owed, owe

OFFER_LIFE: Final = 7 * DAY
PAIR_GAP: Final = 30 * DAY
HELPS_A_DAY: Final = 3


class OfferState(IntEnum):
    """The state of an offer; the numbers are stored. REFUSED and OPEN end alike, so that nothing tells them apart."""

    OPEN = 0
    REFUSED = 1
    AGREED = 2
    LAPSED = 3


@dataclass(frozen=True, slots=True)
class Wanted:
    """A helper's wish, parsed. `submission`: the MAC by which a retry is known."""

    helper: str = field(repr=False)
    relative: str = field(repr=False)
    submission: bytes = field(repr=False)


def why_not(db: Connection, ground: Ground, wanted: Wanted, now: int) -> QueryError | None:
    """Why this helper may make no offer to this relative now; None: she may. It depends on her own offers alone."""
    mine = help_offer.c.holder == _holder(ground, wanted.helper)
    recent = select(help_offer.c.pair, help_offer.c.made_at).where(mine, help_offer.c.made_at > now - PAIR_GAP)
    rows = db.execute(recent.with_for_update()).all()
    same = [row.made_at for row in rows if row.pair == _pair(ground, wanted)]
    if same:
        return HelpTooSoon(-(-(max(same) + PAIR_GAP - now) // SECOND))
    today = sorted(row.made_at for row in rows if row.made_at > now - DAY)
    if len(today) >= HELPS_A_DAY:
        return HelpsUsedUp(-(-(today[-HELPS_A_DAY] + DAY - now) // SECOND))
    return None


def make_offer(db: Connection, ground: Ground, wanted: Wanted, now: int) -> int:
    """Store an offer and owe its SMS, unless the relative wants none or had one today; return its reference.

    IntegrityError where the random reference is taken, or the relative has just been sent one: decide again.
    """
    keys, number, reference = ground.keys, new_inquiry_id(now), new_reference()
    sent = _may_receive(db, ground, wanted.relative, now)
    row: dict[str, Any] = {
        "id": number,
        "reference": reference,
        "state": OfferState.OPEN,
        "sent": sent,
        "helper": keys.seal(wanted.helper.encode(), table="help_offer", column="helper", row=number),
        "phone_index": keys.phone_index(wanted.relative),
        "holder": _holder(ground, wanted.helper),
        "pair": _pair(ground, wanted),
        "slot": _slot(ground, wanted.relative, now) if sent else None,
        "submission": wanted.submission,
        "made_at": now,
        "ends_at": now + OFFER_LIFE,
    }
    db.execute(insert(help_offer).values(**row))
    if sent:
        text = ground.catalogues.current().texts.sms["help-offer"].format(helper=mask_phone(wanted.helper))
        owe(db, ground, [Owed(number, Lane.REPLY, wanted.relative, text, expires_at=now + DAY)])
    return reference


def open_offer(db: Connection, ground: Ground, relative: str) -> Row[Any] | None:
    """The first open offer that this number was sent, locked."""
    mine = help_offer.c.phone_index.in_(ground.keys.phone_indexes(relative))
    open_ones = (help_offer.c.state == OfferState.OPEN, help_offer.c.sent, help_offer.c.ends_at > ground.clock.now())
    found = select(help_offer).where(mine, *open_ones).order_by(help_offer.c.made_at).limit(1)
    return db.execute(found.with_for_update()).first()


def end_agreed(db: Connection, ground: Ground, offer: Row[Any]) -> None:
    """End an offer that the relative agreed to, and tell the helper so."""
    _tell_and_end(db, ground, offer, OfferState.AGREED, ground.catalogues.current().texts.sms["help-accepted"])


def end_lapsed(db: Connection, ground: Ground, offer: Row[Any]) -> None:
    """End an offer that was not agreed to in time, whyever; the helper is told the same of each."""
    text = ground.catalogues.current().texts.sms["help-lapsed"].format(date=day_of(offer.made_at))
    _tell_and_end(db, ground, offer, OfferState.LAPSED, text)


def refuse(db: Connection, ground: Ground, relative: str) -> None:
    """Make no offers to this number any more. Those that are open lapse as if they had not been read."""
    index, now = ground.keys.phone_index(relative), ground.clock.now()
    mine = help_offer.c.phone_index.in_(ground.keys.phone_indexes(relative))
    db.execute(update(help_offer).where(mine, help_offer.c.state == OfferState.OPEN).values(state=OfferState.REFUSED))
    if not is_blocked(db, ground, relative):
        db.execute(insert(help_block).values(phone_index=index, at=now))


def is_blocked(db: Connection, ground: Ground, phone: str) -> bool:
    """Return whether this number wants no offers."""
    mine = help_block.c.phone_index.in_(ground.keys.phone_indexes(phone, retired=True))
    return db.execute(select(help_block.c.at).where(mine).limit(1)).first() is not None


def unblock(db: Connection, ground: Ground, phone: str) -> bool:
    """Take offers to this number again; return whether it had refused them."""
    mine = help_block.c.phone_index.in_(ground.keys.phone_indexes(phone, retired=True))
    return db.execute(delete(help_block).where(mine)).rowcount > 0


def _may_receive(db: Connection, ground: Ground, relative: str, now: int) -> bool:
    if is_opted_out(db, ground, relative) or is_blocked(db, ground, relative):
        return False
    today = select(help_offer.c.id).where(help_offer.c.slot == _slot(ground, relative, now))
    return db.execute(today).first() is None and ground.catalogues.current().is_claimed(relative)


def _tell_and_end(db: Connection, ground: Ground, offer: Row[Any], state: OfferState, text: str) -> None:
    if offer.helper is not None:
        helper = ground.keys.open(offer.helper, table="help_offer", column="helper", row=offer.id).decode()
        key = ground.keys.mac("help-told", offer.id, int(state))[:16]
        owe(db, ground, [Owed(key, Lane.REPLY, helper, text, expires_at=ground.clock.now() + DAY)])
    db.execute(update(help_offer).where(help_offer.c.id == offer.id).values(state=state, helper=None))


def _holder(ground: Ground, helper: str) -> bytes:
    return ground.keys.mac("help-holder", helper)


def _pair(ground: Ground, wanted: Wanted) -> bytes:
    return ground.keys.mac("help-pair", wanted.helper, wanted.relative)


def _slot(ground: Ground, relative: str, now: int) -> bytes:
    return ground.keys.mac("help-slot", relative, shanghai(now).date().isoformat())
