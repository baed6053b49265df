"""Close an inquiry when the SMS port reports the outcome of its reply."""

from collections.abc import Sequence

from sqlalchemy import Connection

from config.failpoints import failpoint
from config.ground import Ground
from config.telemetry.log import get_logger
from config.telemetry.metrics import observe_reply
from query.inquiry import State, accepted_at
from query.intake.daily_limit import release_reservations
from query.moves import lock_still_open, move
from sms_port.ledger.messages import Lane, Outcome

_log = get_logger(__name__)


def record_outcome(ground: Ground, db: Connection, outcomes: Sequence[Outcome]) -> None:
    """Close the inquiries whose reply was accepted or given up, in the transaction that records it.

    A reply's message has its inquiry's id. Outcomes of codes, and repeated ones, change nothing. A reply that was
    certainly not sent leaves `closed_at` empty, so that it is never shown as sent, and releases the number's 24 hours.
    """
    kinds = {outcome.message_id: outcome.kind for outcome in outcomes if outcome.lane is Lane.REPLY}
    open_ids = sorted(lock_still_open(db, list(kinds), State.REPLYING))
    given_up = [number for number in open_ids if kinds[number] == "failed"]
    sent = [number for number in open_ids if kinds[number] != "failed"]
    now = ground.clock.now()
    move(db, sent, State.REPLYING, State.CLOSED, phone=None, closed_at=now)
    move(db, given_up, State.REPLYING, State.CLOSED, phone=None)
    failpoint("close.before_commit")
    for number in sent:
        observe_reply(now - accepted_at(number))
    if given_up:
        release_reservations(db, given_up)
        _log.warning("reply_given_up", inquiries=len(given_up))
