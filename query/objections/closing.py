"""The close of an objection: what the SMS port says of its SMS closes it and erases what was told."""

from collections.abc import Sequence

from sqlalchemy import Connection, select

from config.failpoints import failpoint
from config.ground import Ground
from query.objections.checking import end_unmatched
from query.objections.models import objection
from query.objections.moves import lock_objection, move, set_values
from query.objections.rules.objection import OPEN, State
from query.objections.settling import settle
from query.requests.store import erase_findings
from sms_port.ledger.messages import Lane, Outcome


def close_by_operator(db: Connection, ground: Ground, number: bytes) -> bool:
    """End an open objection now; False when it is not open.

    One that companies have is settled with what they found. One that no carrier has confirmed is told as such, and no
    sooner than 24 h after acceptance either.
    """
    row, now = lock_objection(db, number, wait=True), ground.clock.now()
    if row is None or State(row.state) not in OPEN or row.outcome is not None:
        return False
    if State(row.state) is State.RELAYED:
        settle(db, ground, row, now, closing=True)
    else:
        end_unmatched(db, ground, row, now)
    return True


def record_outcome(ground: Ground, db: Connection, outcomes: Sequence[Outcome]) -> None:
    """Close the objections whose SMS was accepted or is given up, in the transaction that records it.

    The number is erased with it, unless a silent company's finding may still be told. An SMS that certainly was not
    sent leaves `closed_at` empty, so that nobody is shown that it was.
    """
    kinds = {outcome.message_id: outcome.kind for outcome in outcomes if outcome.lane is Lane.REPLY}
    if not kinds:
        return
    mine = select(objection).where(objection.c.message.in_(sorted(kinds)))
    now = ground.clock.now()
    for row in db.execute(mine.order_by(objection.c.id).with_for_update()).all():
        waits = row.look_at is not None
        kept = {} if waits else {"phone": None}
        if State(row.state) is State.SETTLED:
            closed_at = now if kinds[row.message] != "failed" else None
            move(db, row, State.CLOSED, closed_at=closed_at, look=int(waits), message=None, **kept)
        elif State(row.state) is State.CLOSED:
            set_values(db, row.id, message=None, **kept)
        erase_findings(db, [row.id])
    failpoint("objection.before_closing")
