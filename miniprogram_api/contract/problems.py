"""Problems: how every refusal looks on the wire (RFC 9457), and the one list of their codes.

The list feeds the OpenAPI document and the readable docs; a test holds the errors' classes against it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Response
from werkzeug.exceptions import HTTPException
from werkzeug.exceptions import MethodNotAllowed as HTTPMethodNotAllowed

from config.errors import RETRY_SOON_S, OneCertError
from config.telemetry.log import get_logger
from miniprogram_api.errors import (
    ApiError,
    BodyInvalid,
    BodyTooLarge,
    ContentTypeInvalid,
    MethodNotAllowed,
    RouteUnknown,
)

log = get_logger(__name__)

PROBLEM_TYPE = "application/problem+json"
DOCS = "/api/v1/docs"
UNAVAILABLE = 503


@dataclass(frozen=True)
class Problem:
    """A code a client can rely on. `field` is set where the code itself tells which member is meant."""

    code: str
    statuses: tuple[int, ...]
    title: str
    meaning: str
    field: str | None = None
    extras: tuple[str, ...] = ()


PROBLEMS: tuple[Problem, ...] = (
    Problem("phone_invalid", (422,), "Not a mobile number", "Not a mainland mobile number.", "phone"),
    Problem("id_tail_invalid", (422,), "Not the last six", "Five digits and a digit or X are needed.", "id_tail"),
    Problem("id_number_invalid", (422,), "Not an ID number", "Length, date or check character is wrong.", "id_number"),
    Problem("name_invalid", (422,), "Not a name", "The name as the ID card shows it is needed.", "name"),
    Problem("consent_missing", (422,), "No consent", "`consent` must be `true`.", "consent"),
    Problem("code_invalid", (422,), "Not a code", "Six digits are needed; nothing was tried.", "code"),
    Problem(
        "code_wrong",
        (422,),
        "Wrong code",
        "`tries_left` more tries; at 0 a new code is needed.",
        "code",
        ("tries_left",),
    ),
    Problem(
        "code_expired",
        (422,),
        "Code expired",
        "No live code for this number, service and session; `reason` tells why: `missing` (never sent), `old` (over 5 "
        "minutes), `tries` (five wrong ones), `used` (by an inquiry that is accepted; told only after the right code).",
        "code",
        ("reason",),
    ),
    Problem(
        "too_soon",
        (429,),
        "Asked within 24 hours",
        "One inquiry per number and service in 24 hours. Comes only after a right code, which it uses up.",
        None,
        ("retry_after",),
    ),
    Problem("applications_missing", (422,), "No application", "At least one application is needed.", "applications"),
    Problem("application_unknown", (400,), "Unknown application", "Not a code of `GET /partners`.", "applications"),
    Problem(
        "application_not_taken",
        (422,),
        "Not taken here",
        "The application's company takes no such requests; `partner` names it, and its guide is the way.",
        "applications",
        ("application", "partner"),
    ),
    Problem(
        "objection_open",
        (409,),
        "One is open",
        "An objection of this number is open. Comes only after a right code, which it uses up.",
    ),
    Problem(
        "number_too_new",
        (429,),
        "Number too new",
        "The carrier's records of this number's holder are not up to date yet. Comes only after a right code.",
        None,
        ("retry_after",),
    ),
    Problem(
        "objections_used_up",
        (429,),
        "Used up",
        "Ten objections a number and calendar year. Comes only after a right code.",
    ),
    Problem("audience_unknown", (400,), "Unknown audience", "Not an enterprise's code, nor `police`.", "audience"),
    Problem(
        "relative_invalid", (422,), "Not a mobile number", "The relative's is no mainland mobile number.", "relative"
    ),
    Problem("own_number", (422,), "One's own number", "The relative's number is the helper's own.", "relative"),
    Problem(
        "help_too_soon",
        (429,),
        "Asked within 30 days",
        "One offer to a relative in 30 days. Comes only after a right code, which it uses up.",
        None,
        ("retry_after",),
    ),
    Problem(
        "helps_used_up",
        (429,),
        "Three today",
        "Three relatives a helper and day. Comes only after a right code, which it uses up.",
        None,
        ("retry_after",),
    ),
    Problem(
        "limit_reached",
        (429,),
        "Too many requests",
        "A budget is used up; `limit` names it, `retry_after` tells when there is room again.",
        None,
        ("retry_after", "limit"),
    ),
    Problem(
        "human_check_required",
        (403,),
        "Human check required",
        "A session without an openid must solve `challenge` (ALTCHA, version 1) and ask again with the answer in "
        "`human_check`. Each answer is good once, for this session and number, within 2 minutes.",
        None,
        ("challenge",),
    ),
    Problem(
        "idempotency_conflict",
        (409,),
        "Key used before",
        "This Idempotency-Key came with another submission of this session before; `reference` is that inquiry's.",
        None,
        ("reference",),
    ),
    Problem(
        "signature_invalid",
        (401,),
        "Not signed",
        "The signature is missing, wrong, not fresh, or was seen before; or the key is none of this entrance's.",
    ),
    Problem("session_invalid", (401,), "No session", "The token or ticket is missing, not ours, or over."),
    Problem("service_unknown", (404,), "No such service", "No such service, or it is switched off.", "service"),
    Problem(
        "entrance_unknown",
        (422,),
        "No such entrance",
        "No such entrance, or it is not opened with what was sent.",
        "entrance",
    ),
    Problem(
        "login_unavailable",
        (422,),
        "Login not switched on",
        "The mini program is known, but its platform's login is not switched on here.",
        "entrance",
    ),
    Problem(
        "login_code_invalid",
        (422,),
        "Unknown login code",
        "The platform does not know the code: empty, made up, another mini program's, or over 5 minutes old.",
        "code",
    ),
    Problem("login_code_used", (422,), "Used login code", "A login code opens one session, once.", "code"),
    Problem("login_refused", (403,), "Login refused", "The platform itself holds this user back.", "code"),
    Problem("login_too_old", (422,), "Login too old", "Open a new session first; this one is older than 5 minutes."),
    Problem("entrance_mismatch", (422,), "Another entrance's", "This session's entrance does not take that."),
    Problem(
        "phone_credential_invalid",
        (422,),
        "Unknown phone credential",
        "Unknown to the platform, not signed by it, too old, or another mini program's or citizen's.",
    ),
    Problem("phone_credential_used", (422,), "Used phone credential", "A phone credential is good once."),
    Problem(
        "phone_number_unavailable",
        (422,),
        "Number not told",
        "The platform tells no number now (quota used up, right not given): let the citizen type it.",
    ),
    Problem(
        "phone_ticket_invalid",
        (422,),
        "Phone's ticket invalid",
        "Not ours, another session's, or older than 30 minutes: let the citizen type the number.",
        "phone",
    ),
    Problem(
        "not_found",
        (404,),
        "Not found",
        "Nothing there: a strange address, or an inquiry that is not this session's or older than 48 hours.",
    ),
    Problem("method_not_allowed", (405,), "Method not allowed", "The address takes other methods; see `Allow`."),
    Problem(
        "body_invalid",
        (400, 415),
        "Not as documented",
        "The body is not JSON, has a member too many, too few or of the wrong type, or a header is malformed; `field` "
        "names it. 415 when the body does not claim to be JSON.",
    ),
    Problem("body_too_large", (413,), "Body too large", "A body has at most 8 KiB."),
    Problem(
        "unavailable",
        (503,),
        "Not available",
        "Ours to mend. Whether the call took effect may be unknown; with its Idempotency-Key it is safe to repeat.",
        None,
        ("retry_after",),
    ),
    Problem("internal", (500,), "Internal error", "A fault of ours; it is in our log."),
)

BY_CODE = {problem.code: problem for problem in PROBLEMS}


def build_problem(error: OneCertError) -> dict[str, Any]:
    """The members of the problem. Of a fault of ours nothing is told but that it is ours: the log has the rest."""
    ours = error.status >= 500
    code = error.code if not ours else "unavailable" if error.status == UNAVAILABLE else "internal"
    known = BY_CODE.get(code)
    members: dict[str, Any] = {
        "type": f"{DOCS}#{code}" if known else "about:blank",
        "title": known.title if known else code.replace("_", " "),
        "status": 500 if code == "internal" else error.status,
        "code": code,
    }
    if known and known.field:
        members["field"] = known.field
    if ours:
        return members | _retry(code, error.extra)
    if error.detail:
        members["detail"] = error.detail
    return members | error.extra


def _retry(code: str, extra: Mapping[str, Any]) -> dict[str, str | int]:
    return {"retry_after": extra.get("retry_after", RETRY_SOON_S)} if code == "unavailable" else {}


def problem_response(error: OneCertError) -> Response:
    """The refusal as application/problem+json, with `Retry-After` and `WWW-Authenticate` where they belong."""
    members = build_problem(error)
    if error.status >= 500:
        log.warning("request_failed", code=error.code, kind=type(error).__name__, reason=error.detail)
    answer = Response(json.dumps(members, ensure_ascii=False), status=int(members["status"]), content_type=PROBLEM_TYPE)
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    if "retry_after" in members:
        answer.headers["Retry-After"] = str(members["retry_after"])
    if answer.status_code == 401:
        answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


def http_problem_response(error: HTTPException) -> Response:
    """Flask's own refusals (no such address, wrong method) as ours; redirects stay what they are."""
    status = error.code or 500
    if status < 400:
        return Response(status=status, headers=error.get_response().headers)
    refusal = _OF_STATUS.get(status) or (BodyInvalid if status < 500 else ApiError)
    answer = problem_response(refusal())
    if isinstance(error, HTTPMethodNotAllowed) and error.valid_methods:
        answer.headers["Allow"] = ", ".join(sorted(error.valid_methods))
    return answer


_OF_STATUS: dict[int, type[ApiError]] = {
    404: RouteUnknown,
    405: MethodNotAllowed,
    413: BodyTooLarge,
    415: ContentTypeInvalid,
}
