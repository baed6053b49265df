"""Upkeep of offers: those that nobody agreed to lapse after seven days, and all are deleted after thirty."""

from typing import Final

from sqlalchemy import Connection, delete, select, update

from config.db.engine import id_in, skip_locked, transact
from config.errors import SealBroken
from config.ground import Ground
from query.helps.models import help_offer
from query.helps.offers import PAIR_GAP, OfferState, end_lapsed
from sms_port.ledger.messages import Lane

BATCH_SIZE: Final = 200


def tend_offers(ground: Ground) -> None:
    """Make one bounded pass over offers whose time has come."""
    if transact(ground.engine, lambda db: _lapse(db, ground)):
        ground.bell.notify_gateway(Lane.REPLY.bell)
    transact(ground.engine, lambda db: _erase(db, ground.clock.now()))


def _lapse(db: Connection, ground: Ground) -> int:
    waiting = help_offer.c.state.in_([OfferState.OPEN, OfferState.REFUSED])
    over = select(help_offer).where(waiting, help_offer.c.ends_at <= ground.clock.now()).limit(BATCH_SIZE)
    rows = db.execute(skip_locked(over)).all()
    for row in rows:
        try:
            end_lapsed(db, ground, row)
        except SealBroken:  # nobody can be told any more
            db.execute(update(help_offer).where(help_offer.c.id == row.id).values(state=OfferState.LAPSED, helper=None))
    return len(rows)


def _erase(db: Connection, now: int) -> None:
    ended = help_offer.c.state.in_([OfferState.AGREED, OfferState.LAPSED])
    known = (ended, help_offer.c.phone_index.is_not(None))
    ids = list(db.execute(select(help_offer.c.id).where(*known).limit(BATCH_SIZE)).scalars())
    db.execute(update(help_offer).where(id_in(help_offer.c.id, ids)).values(phone_index=None))
    old = select(help_offer.c.id).where(ended, help_offer.c.made_at <= now - PAIR_GAP).limit(BATCH_SIZE)
    db.execute(delete(help_offer).where(id_in(help_offer.c.id, list(db.execute(old).scalars()))))
