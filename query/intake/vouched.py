"""Inquiries without a verification code: the entrance itself shows that the phone is at hand.

A text comes from the phone, a carrier's voice system or shop knows the number, a relative answers from his own phone.
Everything else is as with a code: one inquiry per number in 24 hours, the carrier is asked, the reply goes by SMS.
"""

from collections.abc import Callable
from typing import TypeAlias

from sqlalchemy import Connection, select
from sqlalchemy.exc import IntegrityError

from config.db.engine import is_duplicate, transact
from config.failpoints import failpoint
from config.ground import Ground
from config.phone_numbers import mask_phone
from config.telemetry.metrics import count_accepted
from query.errors import IdempotencyConflict, QueryError, Unavailable
from query.inquiry import INTERNET_ACCOUNTS, reply_by
from query.intake.accept import Admission
from query.intake.daily_limit import Reservation, reserve
from query.intake.submission import Submission
from query.intake.submit import MAX_ATTEMPTS, Accepted, make_candidate
from query.models import inquiry
from query.moves import admit
from query.services import get_service

Note: TypeAlias = Callable[[Connection, int], object]
"""(db, reference) -> what else belongs into the transaction that stores a new inquiry."""


def accept_vouched(ground: Ground, submission: Submission, note: Note) -> Accepted:
    """Accept an inquiry in a transaction of its own; when this returns, it is committed.

    Raises what `admit_vouched` raises, TooSoon and IdempotencyConflict.
    """
    service = get_service(ground.catalogues.current(), submission.service)

    def decide(db: Connection) -> tuple[Admission, bool]:
        admission, new = admit_vouched(db, ground, submission)
        if new and not isinstance(admission, QueryError):
            note(db, admission[0])
        failpoint("vouched.before_commit")
        return admission, new

    admission, new = _decided(ground, decide)
    if isinstance(admission, QueryError):
        raise admission
    if new:
        announce(ground)
    reference, accepted = admission
    masked, port_number = mask_phone(submission.phone), ground.catalogues.current().port_number
    return Accepted(str(reference), masked, port_number, accepted, reply_by(accepted, service))


def _decided(ground: Ground, decide: Callable[[Connection], tuple[Admission, bool]]) -> tuple[Admission, bool]:
    for _ in range(MAX_ATTEMPTS):
        try:
            return transact(ground.engine, decide)
        except IntegrityError as error:  # the random reference is taken, or the same submission was stored just now
            if not is_duplicate(error):
                raise
    raise Unavailable("no free reference was found")


def admit_vouched(db: Connection, ground: Ground, submission: Submission) -> tuple[Admission, bool]:
    """Decide a submission in the caller's transaction; return its admission, and whether it is a new inquiry.

    The same submission again gets its first reference. Raises ServiceUnknown, Unavailable without any carrier, and
    IntegrityError where its random reference is taken: the caller then runs its transaction again.
    """
    get_service(ground.catalogues.current(), submission.service)
    now = ground.clock.now()
    candidate = make_candidate(ground, submission, now)
    mine = inquiry.c.submission == candidate.row["submission"]
    found = select(inquiry.c.reference, inquiry.c.accepted_at, inquiry.c.fingerprint).where(mine)
    if (earlier := db.execute(found).first()) is not None:
        if earlier.fingerprint != candidate.row["fingerprint"]:
            return IdempotencyConflict(earlier.reference), False
        return (earlier.reference, earlier.accepted_at), False
    early = reserve(db, [Reservation(candidate.holder, candidate.row["id"], now)])
    if early:
        return early[candidate.row["id"]], False
    admit(db, candidate.row)
    return candidate.accepted, True


def announce(ground: Ground) -> None:
    """Count an admitted inquiry and ring for it; after the commit."""
    count_accepted(INTERNET_ACCOUNTS, 1)
    ground.bell.ring("gather")
