"""Accepting an inquiry: one transaction that uses the code up, keeps the 24-hour rule and stores the inquiry.

202 means committed. The same submission, sent again because an answer was lost or a finger tapped twice, gets the
same reference; what tells it is its key (Idempotency-Key, or else everything that was typed).
"""

import json
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection, select
from sqlalchemy.exc import IntegrityError

from config import faults
from config.catalogue_schema import Catalogue
from config.db import is_duplicate, transact
from config.ground import Ground
from config.metrics import count_accepted
from query.codes import Holder, lock_code, spend
from query.day import claim_day
from query.errors import IdempotencyConflict, QueryError, Unavailable
from query.fields import mask_phone, parse_code, parse_id_number, parse_id_tail, parse_name, parse_phone
from query.inquiry import (
    CONSENT_VERSION,
    IDENTITY_FIELDS,
    MASKED_KEPT,
    new_inquiry_id,
    new_reference,
    reply_by,
)
from query.models import inquiry
from query.moves import admit
from query.offer import offered_service

PARSERS: Final = {"id_tail": parse_id_tail, "name": parse_name, "id_number": parse_id_number}
ATTEMPTS: Final = 5


@dataclass(frozen=True, slots=True)
class Submission:
    """The form as a door received it. `owner` is the MAC of the session; the doors have seen to consent."""

    service: str
    entrance: str
    owner: bytes = field(repr=False)
    phone: str = field(repr=False)
    code: str = field(repr=False)
    id_tail: str | None = field(default=None, repr=False)
    name: str | None = field(default=None, repr=False)
    id_number: str | None = field(default=None, repr=False)
    idempotency_key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Accepted:
    """What the citizen gets: the public number, the masked phone, where the reply comes from and by when."""

    reference: str
    phone: str
    port_number: str
    accepted_at: int
    reply_by: int


@dataclass(frozen=True, slots=True)
class Form:
    """A submission whose fields are parsed, with the MACs that know it again."""

    holder: Holder
    phone: str = field(repr=False)
    identity: dict[str, str] = field(repr=False)
    code: str = field(repr=False)
    entrance: str
    carrier: str
    key: bytes
    fingerprint: bytes


def submit(ground: Ground, submission: Submission) -> Accepted:
    """Accept an inquiry; when this returns, it is committed.

    Raises ServiceUnknown, the *Invalid of its fields, CodeExpired, CodeWrong, TooSoon, IdempotencyConflict, and
    Unavailable or DatabaseUnavailable: whether it was committed is then unknown, and the same submission is safe.
    """
    catalogue = ground.catalogues.current()
    service = offered_service(catalogue, submission.service)
    form = read_form(ground, catalogue, submission)
    now = ground.clock.now()
    result = _stored(ground, form, now)
    faults.point("submit.after_commit")
    if isinstance(result, QueryError):
        raise result
    reference, accepted = result
    count_accepted(submission.service)
    ground.bell.ring("gather", form.carrier)
    faults.point("submit.before_answer")
    return Accepted(
        str(reference), mask_phone(form.phone), catalogue.port_number, accepted, reply_by(accepted, service)
    )


def read_form(ground: Ground, catalogue: Catalogue, submission: Submission) -> Form:
    """Parse what was typed. Raises the *Invalid of its fields, and Unavailable when no carrier can be asked."""
    phone = parse_phone(submission.phone)
    identity = {name: PARSERS[name](getattr(submission, name) or "") for name in IDENTITY_FIELDS[submission.service]}
    carriers = catalogue.carrier_order(phone)
    if not carriers:
        raise Unavailable("no carrier can be asked at the moment", retry_after=300)
    code = parse_code(submission.code)
    typed = (submission.service, phone, *identity.values(), code)
    key = ("key", submission.idempotency_key) if submission.idempotency_key else ("typed", *typed)
    return Form(
        holder=Holder(tuple(ground.keys.phone_indexes(phone)), submission.service, submission.owner),
        phone=phone,
        identity=identity,
        code=code,
        entrance=submission.entrance,
        carrier=carriers[0].code,
        key=ground.keys.mac("submission", submission.owner, *key),
        fingerprint=ground.keys.mac("submission-body", submission.owner, *typed),
    )


def _stored(ground: Ground, form: Form, now: int) -> tuple[int, int] | QueryError:
    """(reference, accepted at), or what the citizen is told; both are committed."""
    for _ in range(ATTEMPTS):
        # Sealed before the transaction, which locks the number's rows and should be short.
        row = inquiry_row(ground, form, now)
        try:
            return transact(ground.engine, partial(_decide, ground=ground, form=form, row=row))
        except IntegrityError as error:
            # Another inquiry has the random reference, or this submission was stored meanwhile: look again.
            if not is_duplicate(error):
                raise
    raise Unavailable("no free reference was found")


def _decide(db: Connection, ground: Ground, form: Form, row: dict[str, Any]) -> tuple[int, int] | QueryError:
    now = row["accepted_at"]
    code = lock_code(db, form.holder)
    earlier = db.execute(
        select(inquiry.c.reference, inquiry.c.accepted_at, inquiry.c.fingerprint).where(
            inquiry.c.submission == form.key
        )
    ).first()
    if earlier is not None:
        same = earlier.fingerprint == form.fingerprint
        return (earlier.reference, earlier.accepted_at) if same else IdempotencyConflict("the key was used before")
    refusal = spend(db, ground, code, form.code, now)
    if refusal is not None:
        return refusal
    too_soon = claim_day(db, form.holder, row["id"], now)
    if too_soon is not None:
        return too_soon
    admit(db, row)
    faults.point("submit.before_commit")
    return row["reference"], now


def inquiry_row(ground: Ground, form: Form, now: int) -> dict[str, Any]:
    """The row that `admit` stores: sealed, with a new id and a reference to try."""
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
        "identity": seal("identity", json.dumps(form.identity, ensure_ascii=False)),
        "owner": form.holder.owner,
        "submission": form.key,
        "fingerprint": form.fingerprint,
        "consent_version": CONSENT_VERSION,
        "accepted_at": now,
        "erase_at": now + MASKED_KEPT,
    }
