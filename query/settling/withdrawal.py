"""Withdrawals: the citizen takes a running inquiry back, or the operator erases it. Nothing is told by SMS then."""

import hmac
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection, Row, select, update

from config.db.engine import transact
from config.failpoints import failpoint
from config.ground import Ground
from query.errors import NotFound
from query.inquiry import OWNER_SEES, Outcome, State
from query.models import inquiry, wave
from query.moves import move
from query.progress import parse_reference
from query.waves.waves import Stage

RUNNING: Final = (State.CHECKING, State.ASKING)
PERSONAL: Final = ("phone", "masked", "contact", "identity", "owner")
"""The columns that go with a withdrawal. The number's index stays for the rule of 24 hours."""


def withdraw(ground: Ground, reference: str, owner: bytes) -> None:
    """Take back one's own inquiry; an SMS that is owed already still comes. Raises NotFound for everything else.

    However far it was, the same is answered, and its progress is shown to nobody any more: nothing tells a mismatch.
    """
    number = parse_reference(reference)
    now = ground.clock.now()

    def take_back(db: Connection) -> int | None:
        row = db.execute(select(inquiry).where(inquiry.c.reference == number).with_for_update()).first()
        if row is None or row.owner is None or not hmac.compare_digest(row.owner, owner):
            raise NotFound("no such inquiry")
        if now >= row.accepted_at + OWNER_SEES:
            raise NotFound("no such inquiry")
        return end_withdrawn(db, row, now)

    settle_without(ground, transact(ground.engine, take_back))


def end_withdrawn(db: Connection, row: Row[Any], now: int) -> int | None:
    """End a locked inquiry without a reply, and erase what is its citizen's; returns the wave it was in.

    The number itself stays with one whose reply is owed: the reply's outcome erases it.
    """
    running = row.state in RUNNING
    if running:
        ended = {"outcome": Outcome.WITHDRAWN, "waiting_for": None, "decided_at": now}
        move(db, [row.id], State(row.state), State.REPLYING, **ended)
        move(db, [row.id], State.REPLYING, State.CLOSED)
    gone = [column for column in PERSONAL if column != "phone" or running or row.state == State.CLOSED]
    db.execute(update(inquiry).where(inquiry.c.id == row.id).values(**dict.fromkeys(gone)))
    failpoint("withdraw.before_commit")
    return row.wave if running else None


def settle_without(ground: Ground, wave_id: int | None) -> None:
    """Have a wave settled without a member that was withdrawn, whose number and ID digits go from it with that.

    In a transaction of its own: a wave is locked before its members. Not done, it is done when the wave is settled.
    """
    if wave_id is None:
        return
    transact(ground.engine, partial(_mark, wave_id=wave_id))
    failpoint("withdraw.after_commit")
    ground.bell.ring("advance")


def _mark(db: Connection, wave_id: int) -> None:
    db.execute(update(wave).where(wave.c.id == wave_id, wave.c.stage < Stage.OVER).values(look=1))
