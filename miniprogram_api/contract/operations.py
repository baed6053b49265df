"""The calls of the contract, each once: the routes are made from this list, and so is the OpenAPI document."""

from __future__ import annotations

from miniprogram_api.contract.later_operations import AFTER_THE_COUNT, FOR_OTHERS, WITHOUT_SESSION
from miniprogram_api.contract.operation import API_ROOT, SENT_BODY, TAGS, Operation
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

__all__ = ["API_ROOT", "OPERATIONS", "TAGS", "Operation"]

THE_INQUIRY: tuple[Operation, ...] = (
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
            "audience_unknown",
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
)

OPERATIONS: tuple[Operation, ...] = (*THE_INQUIRY, *AFTER_THE_COUNT, *FOR_OTHERS, *WITHOUT_SESSION)
