"""Upkeep of conversations by text: those whose time is over are deleted."""

from typing import Final

from sqlalchemy import delete, select

from config.db.engine import reading, transact
from config.ground import Ground
from query.texts.models import conversation

BATCH_SIZE: Final = 500


def erase_conversations(ground: Ground) -> None:
    """Delete conversations that are over, a bounded number at a time."""
    now, ends = ground.clock.now(), conversation.c.expires_at
    with reading(ground.engine) as db:
        over = list(db.scalars(select(ends).where(ends <= now).order_by(ends).limit(BATCH_SIZE)))
    if over:
        transact(ground.engine, lambda db: db.execute(delete(conversation).where(ends <= over[-1])))
