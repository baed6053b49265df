"""The wiring of query's rooms: one function for each call that a port hands up, and one table of jobs.

Each call goes to the inquiry, the objection or the watch that it belongs to; what belongs to none changes nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

from sqlalchemy import Connection

from config.ground import Ground
from enterprises.protocol import Answer
from query.asking import callbacks
from query.asking import jobs as inquiry_jobs
from query.helps.answers import answer_offer
from query.objections import closing as objections
from query.objections import jobs as objection_jobs
from query.objections.inbound import answer_text
from query.objections.jobs import record_called_back, record_reports
from query.settling import closing as inquiries
from query.texts.conversation import converse
from query.watches.alerts import record_events
from sms_port.ledger.inbound import Inbound, TextAnswer
from sms_port.ledger.messages import Outcome


def make_jobs(ground: Ground) -> Mapping[str, Callable[..., object]]:
    """Make the jobs that a worker may run: name -> step(argument of the ring, if any)."""
    return {**inquiry_jobs.make_jobs(ground), **objection_jobs.make_jobs(ground)}


def record_outcome(ground: Ground, db: Connection, outcomes: Sequence[Outcome]) -> None:
    """Close what these messages ended, in the transaction that records their fate."""
    inquiries.record_outcome(ground, db, outcomes)
    objections.record_outcome(ground, db, outcomes)


def record_answers(ground: Ground, partner: str, told: Mapping[str, Answer]) -> int:
    """Keep what a partner called back (item id -> answer); returns how many items were awaited."""
    return callbacks.record_called_back(ground, partner, told) + record_called_back(ground, partner, told)


def record_text(ground: Ground, db: Connection, text: Inbound) -> TextAnswer | None:
    """Act on a citizen's text; returns its answer ("" when that is owed already), None for a text nobody knows."""
    answer = answer_text(db, ground, text.phone, text.text)
    if answer is not None:
        return TextAnswer(answer, partial(ground.bell.ring, "follow"))
    return answer_offer(db, ground, text) or converse(db, ground, text)


PARTNER_CALLS: Final = (record_answers, record_reports, record_events)
"""What partners call, in the order of `enterprises.views.make_blueprint`: answers, reports, events."""
