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
from config.log import get_logger
from config.metrics import observe_reply
from query.advance import advance
from query.ask import ask
from query.called_back import record_called_back
from query.day import release_day
from query.gather import gather
from query.inquiry import State, accepted_at
from query.lanes import Lanes
from query.moves import move, standing
from query.rounds import Rounds, lanes_of
from sms_port.ledger import Lane, Outcome

__all__ = ["JOBS", "advance", "ask", "gather", "record_called_back", "record_outcome"]

_LANES: Final = Lanes()


def in_lane(step: Callable[[Ground, str], object]) -> Callable[[Ground, str], None]:
    """The step in a lane of its partner's, so that a slow partner keeps no worker from the others."""

    def run(ground: Ground, code: str) -> None:
        partner = ground.catalogues.current().partner(code)
        if partner is not None:
            _LANES.run(code, lanes_of(partner), partial(step, ground, code))

    return run


def gather_and_ask(ground: Ground, carrier: str) -> None:
    """Gather who waits for a carrier, and ask the enterprises about those who match."""
    gather(ground, carrier, Rounds(ground, _LANES))


JOBS: Final[Mapping[str, Callable[..., object]]] = {
    "gather": in_lane(gather_and_ask),
    "ask": in_lane(ask),
    "advance": advance,
}
"""What a worker may run: name -> step(ground, argument of the ring, if any)."""

_log = get_logger(__name__)


def record_outcome(db: Connection, ground: Ground, outcomes: Sequence[Outcome]) -> None:
    """Close the inquiries whose reply was accepted, or is given up, in the transaction that records it.

    A reply's message has its inquiry's id. News about a code, or told twice, changes nothing. A reply that certainly
    was not sent leaves `closed_at` empty, so that nobody is told that it was, and gives the number its day back.
    """
    kinds = {outcome.message_id: outcome.kind for outcome in outcomes if outcome.lane is Lane.REPLY}
    closing = sorted(standing(db, list(kinds), State.REPLYING))
    given_up = [number for number in closing if kinds[number] == "failed"]
    told = [number for number in closing if kinds[number] != "failed"]
    now = ground.clock.now()
    move(db, told, State.REPLYING, State.CLOSED, phone=None, closed_at=now)
    move(db, given_up, State.REPLYING, State.CLOSED, phone=None)
    faults.point("close.before_commit")
    for number in told:
        observe_reply(now - accepted_at(number))
    if given_up:
        release_day(db, given_up)
        _log.warning("reply_given_up", inquiries=len(given_up))
