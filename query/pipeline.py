"""The pipeline's steps by name, and the one piece of news it is told from below.

    submit ─> gather(carrier) ─> advance ─> ask(partner) ─> advance ─> the gateway sends ─> record_outcome

Every step may run twice, or be killed anywhere; `sweep` finds what stands.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from sqlalchemy import Connection

from config import faults
from config.ground import Ground
from config.metrics import observe_reply
from query.advance import advance
from query.ask import ask
from query.gather import gather
from query.inquiry import State, accepted_at
from query.moves import move, standing
from sms_port.ledger import Lane, Outcome

__all__ = ["JOBS", "advance", "ask", "gather", "record_outcome"]

JOBS: Final[Mapping[str, Callable[..., None]]] = {"gather": gather, "ask": ask, "advance": advance}
"""What a worker may run: name -> step(ground, argument of the ring, if any)."""


def record_outcome(db: Connection, ground: Ground, outcomes: Sequence[Outcome]) -> None:
    """Close the inquiries whose reply was accepted, or is given up, in the transaction that records it.

    A reply's message has its inquiry's id. News about a code, or told twice, changes nothing.
    """
    replies = [outcome.message_id for outcome in outcomes if outcome.lane is Lane.REPLY]
    closing = sorted(standing(db, replies, State.REPLYING))
    now = ground.clock.now()
    move(db, closing, State.REPLYING, State.CLOSED, phone=None, closed_at=now)
    faults.point("close.before_commit")
    for number in closing:
        observe_reply(now - accepted_at(number))
