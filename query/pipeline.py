"""The pipeline's steps by name, and the one piece of news it is told from below.

    submit ─> gather(carrier) ─> advance ─> ask(partner) ─> advance ─> the gateway sends ─> record_outcome

Every step may run twice, or be killed anywhere; `sweep` finds what stands.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

from sqlalchemy import Connection

from config import faults
from config.ground import Ground
from config.metrics import observe_reply
from query.advance import advance
from query.ask import ask
from query.called_back import record_called_back
from query.gather import gather
from query.inquiry import State, accepted_at
from query.lanes import Lanes
from query.moves import move, standing
from sms_port.ledger import Lane, Outcome

LANES_EACH: Final = 4
"""Calls to one partner that a worker has under way at most."""

__all__ = ["JOBS", "advance", "ask", "gather", "record_called_back", "record_outcome"]

_LANES: Final = Lanes()


def beside(step: Callable[[Ground, str], None]) -> Callable[[Ground, str], None]:
    """The step in a lane of its partner's, so that a slow partner keeps no worker from the others."""

    def run(ground: Ground, code: str) -> None:
        partner = ground.catalogues.current().partner(code)
        if partner is not None:
            _LANES.run(code, min(partner.concurrency, LANES_EACH), partial(step, ground, code))

    return run


JOBS: Final[Mapping[str, Callable[..., None]]] = {"gather": beside(gather), "ask": beside(ask), "advance": advance}
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
