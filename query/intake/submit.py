"""Accepting an inquiry: what was typed is parsed and sealed, and one transaction decides (query.intake.accept).

202 means committed. The same submission, sent again because an answer was lost or a finger tapped twice, gets the
same reference; what tells it is its key (Idempotency-Key, or else everything that was typed).
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
from query.intake.accept import Admission, Candidate, decide_alone, decide_together
from query.intake.codes import Holder
from query.intake.fields import parse_code, parse_id_number, parse_id_tail, parse_name, parse_phone
from query.intake.group_commit import Together
from query.services import offered_service

PARSERS: Final = {"id_tail": parse_id_tail, "name": parse_name, "id_number": parse_id_number}
ATTEMPTS: Final = 5

Decide: TypeAlias = Callable[..., Sequence[Admission | None]]
"""(db, ground=..., candidates=...) -> what is told of each candidate, in a transaction that the caller commits."""

LINGER_S: Final = 0.001
"""Less than one durable commit takes; longer makes larger rounds, and no more of them a second."""

_TOGETHER: Final[Together[Candidate, Admission | None]] = Together(most=32, linger_s=LINGER_S)


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
    client_key: bool


def submit(ground: Ground, submission: Submission) -> Accepted:
    """Accept an inquiry; when this returns, it is committed.

    Raises ServiceUnknown, the *Invalid of its fields, CodeExpired, CodeWrong, TooSoon, IdempotencyConflict, and
    Unavailable or DatabaseUnavailable: whether it was committed is then unknown, and the same submission is safe.
    """
    catalogue = ground.catalogues.current()
    service = offered_service(catalogue, submission.service)
    form = read_form(ground, catalogue, submission)
    told = _decided(ground, form, ground.clock.now())
    if isinstance(told, QueryError):
        raise told
    reference, accepted = told
    failpoint("submit.before_answer")
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
        client_key=bool(submission.idempotency_key),
    )


def _decided(ground: Ground, form: Form, now: int) -> Admission:
    """What the citizen is told, in one transaction with whoever submits at the same moment, or else in one alone."""
    # Sealed before the transaction, which locks the number's rows and should be short.
    told = _TOGETHER.run(ground.engine, _candidate(ground, form, now), partial(_commit, ground, decide_together))
    for _ in range(ATTEMPTS):
        if told is not None:
            return told
        # Another inquiry has the random reference, or this submission was stored meanwhile: look again.
        (told,) = _commit(ground, decide_alone, [_candidate(ground, form, now)])
    raise Unavailable("no free reference was found")


def _commit(ground: Ground, decide: Decide, candidates: Sequence[Candidate]) -> Sequence[Admission | None]:
    """What is told of each candidate, committed and rung for; None: nothing was done about it."""
    try:
        told = transact(ground.engine, partial(decide, ground=ground, candidates=candidates))
    except IntegrityError as error:
        if not is_duplicate(error):
            raise
        return [None] * len(candidates)
    failpoint("submit.after_commit")
    new = [one.row for one, answer in zip(candidates, told, strict=True) if answer == one.accepted]
    for service, number in Counter(row["service"] for row in new).items():
        count_accepted(service, number)
    if new:
        ground.bell.ring("gather")
    return told


def _candidate(ground: Ground, form: Form, now: int) -> Candidate:
    return Candidate(form.holder, form.code, inquiry_row(ground, form, now), form.client_key)


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
