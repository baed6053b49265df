"""The calls beside the inquiry of a session: what comes after a count, and what needs neither session nor code."""

from __future__ import annotations

from miniprogram_api.contract.further_schemas import (
    COUNTER_REQUEST,
    HELP_REQUEST,
    VERIFICATION_REQUEST,
    VOICE_REQUEST,
    HelpAnswer,
    VerificationAnswer,
)
from miniprogram_api.contract.objection_schemas import (
    OBJECTION_REQUEST,
    WATCH_REQUEST,
    ObjectionAnswer,
    ObjectionProgressAnswer,
)
from miniprogram_api.contract.operation import SENT_BODY, Operation
from miniprogram_api.contract.schemas import InquiryAnswer

AFTER_THE_COUNT: tuple[Operation, ...] = (
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

SIGNED_PROBLEMS = (
    *SENT_BODY,
    "signature_invalid",
    "service_unknown",
    "phone_invalid",
    "id_tail_invalid",
    "consent_missing",
    "too_soon",
    "idempotency_conflict",
    "unavailable",
)
SIGNED_DESCRIPTION = (
    "Signed like a partner's call, with the entrance's key. 202 means stored: it is answered by one SMS to the number, "
    "as an inquiry of the page is; nothing of the answer comes back here."
)

FOR_OTHERS: tuple[Operation, ...] = (
    Operation(
        name="submit_help",
        tag="For others",
        method="POST",
        path="/helps",
        summary="Offer a relative to check",
        description=(
            "The relative gets one SMS and answers it with his own six characters within 7 days; the counts go to him "
            "alone. The code is one for the service `help`, sent to one's own number. 202 tells nothing about the "
            "relative. Once in 30 days for one relative, three relatives a day."
        ),
        status=202,
        answer=HelpAnswer,
        body=HELP_REQUEST,
        session=True,
        problems=(
            *SENT_BODY,
            "session_invalid",
            "service_unknown",
            "phone_invalid",
            "phone_ticket_invalid",
            "relative_invalid",
            "own_number",
            "code_invalid",
            "code_wrong",
            "code_expired",
            "help_too_soon",
            "helps_used_up",
            "limit_reached",
            "unavailable",
        ),
    ),
    Operation(
        name="verify",
        tag="For others",
        method="POST",
        path="/verifications",
        summary="Verify a reply that somebody shows",
        description=(
            "Of an SMS with a code (核验码): is it ours and unchanged? For 30 days, 5 tries an hour and address. "
            "Nothing is kept. Nobody may make such an SMS a condition for a SIM card, a job or a flat."
        ),
        status=200,
        answer=VerificationAnswer,
        body=VERIFICATION_REQUEST,
        problems=(*SENT_BODY, "limit_reached", "unavailable"),
    ),
)

WITHOUT_SESSION: tuple[Operation, ...] = (
    Operation(
        name="submit_by_voice",
        tag="Carriers",
        method="POST",
        path="/voice/inquiries",
        summary="Submit an inquiry from a telephone call",
        description=SIGNED_DESCRIPTION,
        status=202,
        answer=InquiryAnswer,
        body=VOICE_REQUEST,
        idempotent=True,
        signed=True,
        problems=SIGNED_PROBLEMS,
    ),
    Operation(
        name="submit_at_counter",
        tag="Carriers",
        method="POST",
        path="/counter/inquiries",
        summary="Submit an inquiry at a carrier's shop",
        description=SIGNED_DESCRIPTION,
        status=202,
        answer=InquiryAnswer,
        body=COUNTER_REQUEST,
        idempotent=True,
        signed=True,
        problems=SIGNED_PROBLEMS,
    ),
)
