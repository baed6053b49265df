"""End inquiries: the move to REPLYING and the reply's message in one transaction, for many at once."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Final

from sqlalchemy import Connection

from config.failpoints import failpoint
from config.ground import Ground
from config.phone_numbers import mask_phone
from config.telemetry.log import get_logger
from query.inquiry import Outcome, State, accepted_at, day_of, reply_by
from query.moves import move
from query.reply import About, Reply, compose_unsuccessful
from query.services import times_of
from query.settling.next_day import plan_notices
from sms_port.ledger.messages import Lane, Owed, owe

ERASED: Final[Mapping[str, None]] = {"waiting_for": None, "identity": None, "audience": None}
"""The values that an inquiry has no more once its reply is owed."""

_log = get_logger(__name__)


def describe(service: str, inquiry: bytes, phone: str) -> About:
    """Return the facts that the reply to an inquiry mentions."""
    return About(service, day_of(accepted_at(inquiry)), mask_phone(phone))


def send_reply_and_end(
    db: Connection,
    ground: Ground,
    service: str,
    old: State,
    replies: Mapping[bytes, tuple[str, Reply]],
    now: int,
) -> None:
    """Move locked inquiries of one service from `old` to REPLYING and owe each its reply.

    `replies`: id -> (phone, reply).
    """
    times = times_of(ground.catalogues.current(), service)
    messages = [
        Owed(
            id=inquiry,
            lane=Lane.REPLY,
            phone=phone,
            text=reply.text,
            expires_at=reply_by(accepted_at(inquiry), times),
            resend_text=reply.resend_text,
        )
        for inquiry, (phone, reply) in sorted(replies.items())
    ]
    owe(db, ground, messages)
    plan_notices(db, ground, service, {inquiry: phone for inquiry, (phone, _) in replies.items()})
    failpoint("end.after_owing")

    def outcome_of(inquiry: bytes) -> Outcome:
        return replies[inquiry][1].outcome

    for outcome, ids in groupby(sorted(replies, key=outcome_of), outcome_of):
        move(db, list(ids), old, State.REPLYING, outcome=outcome, decided_at=now, **ERASED)


def end_unsuccessfully(db: Connection, ground: Ground, service: str, phones: Mapping[bytes, str], now: int) -> None:
    """End locked inquiries that are being checked (id -> phone). One text, whatever the reason."""
    texts = ground.catalogues.current().texts.sms
    replies = {
        inquiry: (phone, compose_unsuccessful(texts, describe(service, inquiry, phone)))
        for inquiry, phone in phones.items()
    }
    send_reply_and_end(db, ground, service, State.CHECKING, replies, now)


def close_unreadable(db: Connection, ids: Sequence[bytes], state: State, now: int) -> None:
    """Close locked inquiries whose number does not open: no SMS can go out, so they end as given up.

    The log reports them to the operator; the citizen may ask again after 24 hours.
    """
    if ids:
        _log.error("inquiries_unreadable", count=len(ids))
        ended = {"outcome": Outcome.UNSUCCESSFUL, "waiting_for": None, "identity": None, "decided_at": now}
        move(db, ids, state, State.REPLYING, **ended)
        move(db, ids, State.REPLYING, State.CLOSED, phone=None)
