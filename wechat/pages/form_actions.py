"""A posted form put to the door. What the citizen can mend comes back as remarks; all else is raised: a page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from config.errors import OneCertError
from query.access.door import Door
from query.access.sessions import Session
from query.intake.submit import Accepted
from wechat.pages.forms import CodeNote, Form, fault_of, find_faults
from wechat.pages.texts import Words

CODE_GAP = "code_per_phone_gap"
"""The limit that a citizen meets who asks for a second code at once: no fault, a clock."""
SECOND_MS = 1000
UNAVAILABLE = 503
BOXES = ("conflict", "down", "code", "human")


@dataclass(frozen=True)
class Remarks:
    """Remarks beside a form that is shown again.

    `faults`: field -> message; `summed_up`: they are listed above the fields, too. `box`: one of BOXES, an amber box
    above the fields; `reference`: the inquiry that it leads to. `challenge`: JSON, which a script of the page solves.
    """

    faults: Mapping[str, str] = field(default_factory=dict)
    summed_up: bool = False
    box: str = ""
    reference: str = ""
    challenge: str = ""


@dataclass(frozen=True)
class Answered:
    """A press on "get code", answered: the form as it is now, and what is remarked on it."""

    form: Form
    remarks: Remarks


def ask_code(
    door: Door, session: Session, form: Form, address: str, words: Words, now: int, *, service: str = ""
) -> Answered:
    """Have a code sent; a second press within a minute changes nothing but the clock. `service`: else the form's."""
    faults = find_faults(form, words)
    if faults:
        return Answered(form, Remarks(faults))
    try:
        sent = door.request_code(session, service or form.service, form.phone, address, form.human_check or None)
    except OneCertError as error:
        if error.extra.get("limit") == CODE_GAP:
            resend_at = now + int(error.extra["retry_after"]) * SECOND_MS
            return Answered(replace(form, sent=replace(form.sent, resend_at=resend_at)), Remarks())
        return Answered(form, _remarks(error, form, words))
    note = CodeNote(sent.phone, now + sent.expires_in * SECOND_MS, now + sent.resend_after * SECOND_MS)
    return Answered(replace(form, sent=note), Remarks())


def submit(door: Door, session: Session, form: Form, address: str, words: Words) -> Accepted | Remarks:
    """Submit the inquiry."""
    faults = find_faults(form, words)
    if faults:
        return Remarks(faults, summed_up=True)
    try:
        return door.submit(session, form.filled(), address)
    except OneCertError as error:
        return _remarks(error, form, words)


def _remarks(error: OneCertError, form: Form, words: Words) -> Remarks:
    """Return what the citizen can mend or wait for with the form in hand; all else is raised."""
    if error.code == "code_expired" and error.extra.get("reason") == "used":
        return Remarks(box="conflict")
    faults = fault_of(error, form, words)
    if faults:
        return Remarks(faults)
    if error.code == "idempotency_conflict":
        return Remarks(box="conflict", reference=str(error.extra["reference"]))
    if error.code == "human_check_required":
        return Remarks(box="human", challenge=json.dumps(error.extra["challenge"]))
    return put_off(error, form)


def put_off(error: OneCertError, form: Form) -> Remarks:
    """The box for what is not available just now: the form is kept meanwhile. Raises every other error again."""
    if error.status != UNAVAILABLE:
        raise error
    return Remarks(box="code" if form.asks_code else "down")
