"""A posted form put to the door. What the citizen can mend comes back as remarks; all else is raised: a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from config.errors import OneCertError
from query.access.door import Door
from query.access.sessions import Session
from query.intake.codes import CodeSent
from query.intake.submit import Accepted
from wechat.pages.forms import Form, fault_of, find_faults
from wechat.pages.texts import Words

CODE_GAP = "code_per_phone_gap"
"""The limit that a citizen meets who asks for a second code at once: no fault, a clock."""


@dataclass(frozen=True)
class Remarks:
    """What stands beside a form that is shown again. `wait_s`: seconds until the next code may be asked for."""

    faults: Mapping[str, str] = field(default_factory=dict)
    sent: CodeSent | None = None
    wait_s: int = 0
    conflict: bool = False


def ask_code(door: Door, session: Session, form: Form, address: str, words: Words) -> Remarks:
    """Have a code sent."""
    faults = find_faults(form, words)
    if faults:
        return Remarks(faults)
    try:
        sent = door.request_code(session, form.service, form.phone, address)
    except OneCertError as error:
        return _remarks(error, form, words)
    return Remarks(sent=sent, wait_s=sent.resend_after)


def submit(door: Door, session: Session, form: Form, address: str, words: Words) -> Accepted | Remarks:
    """Submit the inquiry."""
    faults = find_faults(form, words)
    if faults:
        return Remarks(faults)
    try:
        return door.submit(session, form.filled(), address)
    except OneCertError as error:
        return _remarks(error, form, words)


def _remarks(error: OneCertError, form: Form, words: Words) -> Remarks:
    faults = fault_of(error, form, words)
    if faults:
        return Remarks(faults)
    if error.extra.get("limit") == CODE_GAP:
        return Remarks(wait_s=int(error.extra["retry_after"]))
    if error.code == "idempotency_conflict":
        return Remarks(conflict=True)
    raise error
