"""Accept an inquiry: seal the submission, then decide it in one transaction (query.intake.accept).

202 means committed. A submission that is sent again, because a response was lost or a finger tapped twice, gets the
same reference. It is recognised by its key: the Idempotency-Key, or else a MAC of everything that was typed.
"""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeAlias

from sqlalchemy.exc import IntegrityError

from config.db.engine import is_duplicate, transact
from config.failpoints import failpoint
from config.ground import Ground
from config.phone_numbers import mask_phone
from config.telemetry.metrics import count_accepted
from query.errors import QueryError, Unavailable
from query.inquiry import (
    CONSENT_VERSION,
    MASKED_KEPT,
    new_inquiry_id,
    new_reference,
    reply_by,
)
from query.intake.accept import Admission, Candidate, accept_batch, accept_one
from query.intake.codes import PhoneHolder
from query.intake.contact import seal_contact
from query.intake.group_commit import GroupCommit
from query.intake.submission import Submission
from query.services import get_service

MAX_ATTEMPTS: Final = 5

Accept: TypeAlias = Callable[..., Sequence[Admission | None]]
"""(db, ground=..., candidates=...) -> one Admission per candidate, in a transaction that the caller commits."""

COMMIT_DELAY_S: Final = 0.001
"""Less than one durable commit takes. A longer delay makes larger batches, but no more submissions a second."""

_GROUP_COMMIT: Final[GroupCommit[Candidate, Admission | None]] = GroupCommit(most=32, delay_s=COMMIT_DELAY_S)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The facts returned to the citizen: public number, masked phone, sender of the reply, and its latest time."""

    reference: str
    phone: str
    port_number: str
    accepted_at: int
    reply_by: int


def submit(ground: Ground, submission: Submission) -> Accepted:
    """Accept an inquiry; when this returns, it is committed.

    Raises ServiceUnknown, CodeExpired, CodeWrong, TooSoon, IdempotencyConflict, and
    Unavailable or DatabaseUnavailable: then it is unknown whether it was committed, and sending the same submission
    again is safe.
    """
    catalogue = ground.catalogues.current()
    service = get_service(catalogue, submission.service)
    admission = _accepted(ground, submission, ground.clock.now())
    if isinstance(admission, QueryError):
        raise admission
    reference, accepted = admission
    failpoint("submit.before_answer")
    return Accepted(
        str(reference), mask_phone(submission.phone), catalogue.port_number, accepted, reply_by(accepted, service)
    )


def _accepted(ground: Ground, submission: Submission, now: int) -> Admission:
    """Decide a submission, in one transaction with those of the same moment where possible, else alone."""
    # Sealed before the transaction, which locks the number's rows and should be short.
    admission = _GROUP_COMMIT.run(
        ground.engine, make_candidate(ground, submission, now), partial(_commit, ground, accept_batch)
    )
    for _ in range(MAX_ATTEMPTS):
        if admission is not None:
            return admission
        # Another inquiry has the random reference, or this submission has just been stored: decide again.
        (admission,) = _commit(ground, accept_one, [make_candidate(ground, submission, now)])
    raise Unavailable("no free reference was found")


def _commit(ground: Ground, accept: Accept, candidates: Sequence[Candidate]) -> Sequence[Admission | None]:
    """Decide candidates, commit, and ring for new inquiries. None: nothing was done about that candidate."""
    try:
        admission = transact(ground.engine, partial(accept, ground=ground, candidates=candidates))
    except IntegrityError as error:
        if not is_duplicate(error):
            raise
        return [None] * len(candidates)
    failpoint("submit.after_commit")
    new = [one.row for one, answer in zip(candidates, admission, strict=True) if answer == one.accepted]
    for service, number in Counter(row["service"] for row in new).items():
        count_accepted(service, number)
    if new:
        ground.bell.ring("gather")
    return admission


def make_candidate(ground: Ground, submission: Submission, now: int) -> Candidate:
    """Make the sealed row that `admit` stores, with a new id and a reference to try.

    Raises Unavailable when no carrier can be asked.
    """
    carriers = ground.catalogues.current().carrier_order(submission.phone)
    if not carriers:
        raise Unavailable("no carrier can be asked at the moment", retry_after=300)
    keys, number = ground.keys, new_inquiry_id(now)
    holder = PhoneHolder(tuple(keys.phone_indexes(submission.phone)), submission.service, submission.owner)
    client_key = submission.idempotency_key
    key = ("key", client_key) if client_key else ("typed", *submission.typed)

    def seal(column: str, text: str) -> bytes:
        return keys.seal(text.encode(), table="inquiry", column=column, row=number)

    row: dict[str, Any] = {
        "id": number,
        "reference": new_reference(),
        "service": submission.service,
        "entrance": submission.entrance,
        "waiting_for": carriers[0].code,
        "carriers_tried": "",
        "phone_index": holder.indexes[0],
        "phone": seal("phone", submission.phone),
        "masked": seal("masked", mask_phone(submission.phone)),
        "contact": _contact(submission, number),
        "identity": seal("identity", json.dumps(dict(submission.identity), ensure_ascii=False)),
        "owner": submission.owner,
        "submission": keys.mac("submission", submission.owner, *key),
        "fingerprint": keys.mac("submission-body", submission.owner, *submission.typed),
        "audience": submission.audience,
        "consent_version": CONSENT_VERSION,
        "accepted_at": now,
        "erase_at": now + MASKED_KEPT,
    }
    return Candidate(holder, submission.code, row, bool(client_key))


def _contact(submission: Submission, number: bytes) -> bytes | None:
    return seal_contact(submission.contact_key, number, submission.phone) if submission.contact_key else None
