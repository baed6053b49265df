"""Inquiries without a verification code: the entrance itself shows that the phone is at hand.

A text comes from the phone, a carrier's voice system or shop knows the number, a relative answers from his own phone.
Everything else is as with a code: one inquiry per number in 24 hours, the carrier is asked, the reply goes by SMS.
"""

from sqlalchemy import Connection, select

from config.ground import Ground
from config.telemetry.metrics import count_accepted
from query.inquiry import INTERNET_ACCOUNTS
from query.intake.accept import Admission
from query.intake.daily_limit import Reservation, reserve
from query.intake.submission import Submission
from query.intake.submit import make_candidate
from query.models import inquiry
from query.moves import admit
from query.services import get_service


def admit_vouched(db: Connection, ground: Ground, submission: Submission) -> Admission:
    """Decide a submission in the caller's transaction: (reference, accepted at), or TooSoon.

    The same submission again gets its first reference. Raises ServiceUnknown, Unavailable without any carrier, and
    IntegrityError where its random reference is taken: the caller then runs its transaction again.
    """
    get_service(ground.catalogues.current(), submission.service)
    now = ground.clock.now()
    candidate = make_candidate(ground, submission, now)
    mine = select(inquiry.c.reference, inquiry.c.accepted_at).where(inquiry.c.submission == candidate.row["submission"])
    if (earlier := db.execute(mine).first()) is not None:
        return earlier.reference, earlier.accepted_at
    early = reserve(db, [Reservation(candidate.holder, candidate.row["id"], now)])
    if early:
        return early[candidate.row["id"]]
    admit(db, candidate.row)
    return candidate.accepted


def announce(ground: Ground) -> None:
    """Count an admitted inquiry and ring for it; after the commit."""
    count_accepted(INTERNET_ACCOUNTS, 1)
    ground.bell.ring("gather")
