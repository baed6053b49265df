"""Accept an inquiry: parse and seal the form, then decide it in one transaction (query.intake.accept).

202 means committed. A submission that is sent again, because a response was lost or a finger tapped twice, gets the
same reference. It is recognised by its key: the Idempotency-Key, or else a MAC of everything that was typed.
"""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, TypeAlias

from sqlalchemy.exc import IntegrityError

from config.catalogue.schema import Catalogue
from config.db.engine import is_duplicate, transact
from config.failpoints import failpoint
from config.ground import Ground
from config.phone_numbers import mask_phone
from config.telemetry.metrics import count_accepted
from query.errors import QueryError, Unavailable
from query.inquiry import (
    CONSENT_VERSION,
    IDENTITY_FIELDS,
    MASKED_KEPT,
    new_inquiry_id,
    new_reference,
    reply_by,
)
from query.intake.accept import Admission, Candidate, accept_batch, accept_one
from query.intake.codes import PhoneHolder
from query.intake.contact import seal_contact
from query.intake.fields import parse_code, parse_id_number, parse_id_tail, parse_name, parse_phone
from query.intake.group_commit import GroupCommit
from query.services import get_service

PARSERS: Final = {"id_tail": parse_id_tail, "name": parse_name, "id_number": parse_id_number}
MAX_ATTEMPTS: Final = 5

Accept: TypeAlias = Callable[..., Sequence[Admission | None]]
"""(db, ground=..., candidates=...) -> one Admission per candidate, in a transaction that the caller commits."""

COMMIT_DELAY_S: Final = 0.001
"""Less than one durable commit takes. A longer delay makes larger batches, but no more submissions a second."""

_GROUP_COMMIT: Final[GroupCommit[Candidate, Admission | None]] = GroupCommit(most=32, delay_s=COMMIT_DELAY_S)


@dataclass(frozen=True, slots=True)
class Submission:
    """The form as a door received it. `owner` is the MAC of the session; the door has checked consent."""

    service: str
    entrance: str
    owner: bytes = field(repr=False)
    phone: str = field(repr=False)
    code: str = field(repr=False)
    id_tail: str | None = field(default=None, repr=False)
    name: str | None = field(default=None, repr=False)
    id_number: str | None = field(default=None, repr=False)
    idempotency_key: str | None = field(default=None, repr=False)
    contact_key: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The facts returned to the citizen: public number, masked phone, sender of the reply, and its latest time."""

    reference: str
    phone: str
    port_number: str
    accepted_at: int
    reply_by: int


@dataclass(frozen=True, slots=True)
class Form:
    """A submission whose fields are parsed, with the MACs that recognise it when it is sent again."""

    holder: PhoneHolder
    phone: str = field(repr=False)
    identity: dict[str, str] = field(repr=False)
    code: str = field(repr=False)
    entrance: str
    carrier: str
    key: bytes
    fingerprint: bytes
    client_key: bool
    contact_key: bytes | None = field(default=None, repr=False)


def submit(ground: Ground, submission: Submission) -> Accepted:
    """Accept an inquiry; when this returns, it is committed.

    Raises ServiceUnknown, the *Invalid of its fields, CodeExpired, CodeWrong, TooSoon, IdempotencyConflict, and
    Unavailable or DatabaseUnavailable: then it is unknown whether it was committed, and sending the same submission
    again is safe.
    """
    catalogue = ground.catalogues.current()
    service = get_service(catalogue, submission.service)
    form = read_form(ground, catalogue, submission)
    admission = _accepted(ground, form, ground.clock.now())
    if isinstance(admission, QueryError):
        raise admission
    reference, accepted = admission
    failpoint("submit.before_answer")
    return Accepted(
        str(reference), mask_phone(form.phone), catalogue.port_number, accepted, reply_by(accepted, service)
    )


def read_form(ground: Ground, catalogue: Catalogue, submission: Submission) -> Form:
    """Parse the form. Raises the *Invalid of its fields, and Unavailable when no carrier can be asked."""
    phone = parse_phone(submission.phone)
    identity = {name: PARSERS[name](getattr(submission, name) or "") for name in IDENTITY_FIELDS[submission.service]}
    carriers = catalogue.carrier_order(phone)
    if not carriers:
        raise Unavailable("no carrier can be asked at the moment", retry_after=300)
    code = parse_code(submission.code)
    typed = (submission.service, phone, *identity.values(), code)
    key = ("key", submission.idempotency_key) if submission.idempotency_key else ("typed", *typed)
    return Form(
        holder=PhoneHolder(tuple(ground.keys.phone_indexes(phone)), submission.service, submission.owner),
        phone=phone,
        identity=identity,
        code=code,
        entrance=submission.entrance,
        carrier=carriers[0].code,
        key=ground.keys.mac("submission", submission.owner, *key),
        fingerprint=ground.keys.mac("submission-body", submission.owner, *typed),
        client_key=bool(submission.idempotency_key),
        contact_key=submission.contact_key,
    )


def _accepted(ground: Ground, form: Form, now: int) -> Admission:
    """Decide a submission, in one transaction with those of the same moment where possible, else alone."""
    # Sealed before the transaction, which locks the number's rows and should be short.
    admission = _GROUP_COMMIT.run(ground.engine, _candidate(ground, form, now), partial(_commit, ground, accept_batch))
    for _ in range(MAX_ATTEMPTS):
        if admission is not None:
            return admission
        # Another inquiry has the random reference, or this submission has just been stored: decide again.
        (admission,) = _commit(ground, accept_one, [_candidate(ground, form, now)])
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


def _candidate(ground: Ground, form: Form, now: int) -> Candidate:
    return Candidate(form.holder, form.code, inquiry_row(ground, form, now), form.client_key)


def inquiry_row(ground: Ground, form: Form, now: int) -> dict[str, Any]:
    """Return the row that `admit` stores: sealed, with a new id and a reference to try."""
    number = new_inquiry_id(now)

    def seal(column: str, text: str) -> bytes:
        return ground.keys.seal(text.encode(), table="inquiry", column=column, row=number)

    return {
        "id": number,
        "reference": new_reference(),
        "service": form.holder.service,
        "entrance": form.entrance,
        "waiting_for": form.carrier,
        "carriers_tried": "",
        "phone_index": form.holder.indexes[0],
        "phone": seal("phone", form.phone),
        "masked": seal("masked", mask_phone(form.phone)),
        "contact": seal_contact(form.contact_key, number, form.phone) if form.contact_key else None,
        "identity": seal("identity", json.dumps(form.identity, ensure_ascii=False)),
        "owner": form.holder.owner,
        "submission": form.key,
        "fingerprint": form.fingerprint,
        "consent_version": CONSENT_VERSION,
        "accepted_at": now,
        "erase_at": now + MASKED_KEPT,
    }
