"""The calls of the contract, each once: the routes are made from this list, and so is the OpenAPI document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, TypeAdapter

from miniprogram_api.contract.objection_schemas import (
    OBJECTION_REQUEST,
    WATCH_REQUEST,
    ObjectionAnswer,
    ObjectionProgressAnswer,
)
from miniprogram_api.contract.schemas import (
    CODE_REQUEST,
    INQUIRY_REQUEST,
    PHONE_NUMBER_REQUEST,
    SESSION_REQUEST,
    CodeAnswer,
    InquiryAnswer,
    PartnersAnswer,
    PhoneNumberAnswer,
    ProgressAnswer,
    ServicesAnswer,
    SessionAnswer,
)

API_ROOT = "/api/v1"
TAGS = {
    "Sessions": "Open a session first: its token goes with every other call.",
    "What may be asked": "Services and partners; no session needed.",
    "Inquiries": "A code by SMS, then the inquiry, then its progress.",
    "After the count": "Ask companies to unbind or to look into accounts; have new accounts told.",
    "Mini programs": "What only a mini program of WeChat or Alipay can send.",
}
"""The groups of calls, in the order in which a reader meets them."""
SENT_BODY = ("body_invalid", "body_too_large")


@dataclass(frozen=True)
class Operation:
    """One call. `name` is the view's name too; `problems` are the codes it may answer with."""

    name: str
    method: str
    path: str
    summary: str
    description: str
    status: int
    answer: type[BaseModel] | None
    problems: tuple[str, ...]
    body: TypeAdapter[Any] | None = None
    session: bool = False
    idempotent: bool = False
    tag: str = "Inquiries"

    @property
    def rule(self) -> str:
        """The path as Flask writes it."""
        return self.path.replace("{", "<").replace("}", ">")


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        name="open_session",
        tag="Sessions",
        method="POST",
        path="/sessions",
        summary="Open a session",
        description="What to send depends on the entrance. A session ends after 30 idle minutes and 12 hours at most.",
        status=201,
        answer=SessionAnswer,
        body=SESSION_REQUEST,
        problems=(
            *SENT_BODY,
            "session_invalid",
            "entrance_unknown",
            "login_unavailable",
            "login_code_invalid",
            "login_code_used",
            "login_refused",
            "limit_reached",
            "unavailable",
        ),
    ),
    Operation(
        name="end_session",
        tag="Sessions",
        method="DELETE",
        path="/sessions",
        summary="Log out",
        description="None of this session's tokens opens anything any more. Inquiries go on.",
        status=204,
        answer=None,
        session=True,
        problems=("session_invalid", "unavailable"),
    ),
    Operation(
        name="list_services",
        tag="What may be asked",
        method="GET",
        path="/services",
        summary="The services and their fields",
        description="What may be asked, and which members an inquiry needs.",
        status=200,
        answer=ServicesAnswer,
        problems=("unavailable",),
    ),
    Operation(
        name="list_partners",
        tag="What may be asked",
        method="GET",
        path="/partners",
        summary="Enterprises and carriers",
        description="Who is asked, with applications, and verified guides and hotlines only.",
        status=200,
        answer=PartnersAnswer,
        problems=("unavailable",),
    ),
    Operation(
        name="read_phone",
        tag="Mini programs",
        method="POST",
        path="/phone-numbers",
        summary="The number that the platform tells",
        description=(
            "Trades the phone credential of a mini program's button for the masked number and a ticket that stands for "
            "it. Only in a session of that mini program, each credential once."
        ),
        status=200,
        answer=PhoneNumberAnswer,
        body=PHONE_NUMBER_REQUEST,
        session=True,
        problems=(
            *SENT_BODY,
            "session_invalid",
            "entrance_mismatch",
            "login_too_old",
            "phone_credential_invalid",
            "phone_credential_used",
            "phone_number_unavailable",
            "phone_invalid",
            "limit_reached",
            "unavailable",
        ),
    ),
    Operation(
        name="request_code",
        method="POST",
        path="/verification-codes",
        summary="Send a verification code",
        description="By SMS, good for 5 minutes, 5 tries, one use. The answer does not tell whether one goes out.",
        status=202,
        answer=CodeAnswer,
        body=CODE_REQUEST,
        session=True,
        problems=(
            *SENT_BODY,
            "session_invalid",
            "service_unknown",
            "phone_invalid",
            "phone_ticket_invalid",
            "human_check_required",
            "limit_reached",
            "unavailable",
        ),
    ),
    Operation(
        name="submit",
        method="POST",
        path="/inquiries",
        summary="Submit an inquiry",
        description=(
            "202 means stored: it will be answered by exactly one SMS within 48 hours. The same submission twice is "
            "one inquiry with the same reference; an Idempotency-Key that comes with another submission is refused."
        ),
        status=202,
        answer=InquiryAnswer,
        body=INQUIRY_REQUEST,
        session=True,
        idempotent=True,
        problems=(
            *SENT_BODY,
            "session_invalid",
            "service_unknown",
            "phone_invalid",
            "phone_ticket_invalid",
            "id_tail_invalid",
            "id_number_invalid",
            "name_invalid",
            "consent_missing",
            "code_invalid",
            "code_wrong",
            "code_expired",
            "too_soon",
            "idempotency_conflict",
            "limit_reached",
            "unavailable",
        ),
    ),
    Operation(
        name="show_progress",
        method="GET",
        path="/inquiries/{reference}",
        summary="How far one's own inquiry is",
        description=(
            "Open for 48 hours to the session that submitted it, even when that session is over for everything else. "
            "Never tells a count or an outcome."
        ),
        status=200,
        answer=ProgressAnswer,
        session=True,
        problems=("session_invalid", "not_found", "unavailable"),
    ),
    Operation(
        name="submit_objection",
        tag="After the count",
        method="POST",
        path="/objections",
        summary="Submit an objection",
        description=(
            "202 means stored: an SMS confirms it, and one SMS tells the findings by the due day. The code is one for "
            "the service `objection`. What is open for the number is told only after a right code."
        ),
        status=202,
        answer=ObjectionAnswer,
        body=OBJECTION_REQUEST,
        session=True,
        idempotent=True,
        problems=(
            *SENT_BODY,
            "session_invalid",
            "service_unknown",
            "applications_missing",
            "application_unknown",
            "application_not_taken",
            "phone_invalid",
            "phone_ticket_invalid",
            "id_tail_invalid",
            "consent_missing",
            "code_invalid",
            "code_wrong",
            "code_expired",
            "objection_open",
            "number_too_new",
            "objections_used_up",
            "too_soon",
            "idempotency_conflict",
            "limit_reached",
            "unavailable",
        ),
    ),
    Operation(
        name="show_objection",
        tag="After the count",
        method="GET",
        path="/objections/{reference}",
        summary="How far one's own objection is",
        description="Open to the session that submitted it until 48 hours after it closed. Never tells a finding.",
        status=200,
        answer=ObjectionProgressAnswer,
        session=True,
        problems=("session_invalid", "not_found", "unavailable"),
    ),
    Operation(
        name="turn_watch_on",
        tag="After the count",
        method="POST",
        path="/watches",
        summary="Have new accounts told",
        description="For the number of one's own closed inquiry. The answer never tells; an SMS confirms it.",
        status=202,
        answer=None,
        body=WATCH_REQUEST,
        session=True,
        problems=(*SENT_BODY, "session_invalid", "limit_reached", "unavailable"),
    ),
    Operation(
        name="turn_watch_off",
        tag="After the count",
        method="DELETE",
        path="/watches",
        summary="Stop telling of new accounts",
        description="Ends the watches that this session turned on. The answer is the same without any.",
        status=202,
        answer=None,
        session=True,
        problems=("session_invalid", "limit_reached", "unavailable"),
    ),
)
