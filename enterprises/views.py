"""The callback endpoint of partners: `POST /partners/<code>/answers`, signed by the partner as we sign questions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol, TypeAlias, TypeVar

from flask import Blueprint, Response, request

from config.catalogue.schema import Partner
from config.crypto.http_signatures import verify
from config.crypto.nonces import NonceStore
from config.errors import OneCertError, SignatureInvalid
from config.ground import Ground
from config.strict_json import write_object
from config.telemetry.log import get_logger
from config.telemetry.metrics import count_call
from config.telemetry.security_events import record
from config.times.formats import shanghai
from enterprises.callback import parse_callback
from enterprises.circuit_breaker import record_result
from enterprises.client import open_content
from enterprises.content import JSON_TYPE
from enterprises.errors import AnswerInvalid, AnswersRefused
from enterprises.keys import accepted_keys
from enterprises.partners import find_partner
from enterprises.protocol import Answer
from enterprises.request_protocol import Accepted, Event, Finding, parse_events, parse_reports

LONGEST_BODY: Final = 4 * 1024 * 1024
FAULTS_LOGGED: Final = 5

OnAnswers: TypeAlias = Callable[[str, Mapping[str, Answer]], int]
"""(partner's code, answers by item id) -> the number of them that were awaited."""
OnReports: TypeAlias = Callable[[str, Mapping[str, Accepted | Finding]], int]
"""(partner's code, states by request id) -> how many requests they ended."""
OnEvents: TypeAlias = Callable[[str, Sequence[Event]], int]
"""(partner's code, events) -> how many were new."""


class CalledBackLike(Protocol):
    """The parsed body of a call: what was wrong with its items, safe to print."""

    @property
    def faults(self) -> list[str]:
        """One line an item."""
        ...


Body = TypeVar("Body", bound=CalledBackLike)

_log = get_logger(__name__)


def make_blueprint(ground: Ground, on_answers: OnAnswers, on_reports: OnReports, on_events: OnEvents) -> Blueprint:
    """Make the route. `on_answers` gets the answers of a callback whose signature holds."""
    blueprint = Blueprint("partners", __name__)
    seen = NonceStore(ground.redis).seen

    def received(code: str, parse: Callable[[bytes, Partner], Body]) -> Body:
        partner = find_partner(ground, code)
        request.max_content_length = LONGEST_BODY
        return receive(ground, partner, request.path, dict(request.headers), request.get_data(), seen, parse)

    @blueprint.post("/partners/<code>/answers")
    def take_answers(code: str) -> Response:
        called_back = received(code, parse_callback)
        accepted = on_answers(code, called_back.answers)
        _log.info(
            "partner_called_back",
            partner=code,
            items=len(called_back.answers),
            accepted=accepted,
            faults=len(called_back.faults),
        )
        return Response(write_object({"batch": called_back.batch}), content_type=JSON_TYPE)

    @blueprint.post("/partners/<code>/reports")
    def take_reports(code: str) -> Response:
        told = received(code, lambda body, _: parse_reports(body, shanghai(ground.clock.now()).date()))
        taken = on_reports(code, told.findings)
        _log.info("partner_reported", partner=code, items=len(told.findings), taken=taken, faults=len(told.faults))
        return Response(write_object({}), content_type=JSON_TYPE)

    @blueprint.post("/partners/<code>/events")
    def take_events(code: str) -> Response:
        told = received(code, lambda body, _: parse_events(body, ground.clock.now()))
        taken = on_events(code, told.events)
        _log.info("partner_events", partner=code, items=len(told.events), taken=taken, faults=len(told.faults))
        return Response(write_object({}), content_type=JSON_TYPE)

    return blueprint


def receive(
    ground: Ground,
    partner: Partner,
    path: str,
    headers: Mapping[str, str],
    body: bytes,
    seen: Callable[[str], bool],
    parse: Callable[[bytes, Partner], Body],
) -> Body:
    """Verify and parse a callback. Raises SignatureInvalid, or AnswersRefused when the body is not the protocol's.

    Only what the partner signed counts as its error: anybody can send a body in its name.
    """
    try:
        keys = accepted_keys(ground, partner)
        verify(
            "POST",
            path,
            headers,
            body,
            secrets=keys,
            now=ground.clock.now(),
            seen=seen,
            algorithm=partner.algorithm,
        )
        called_back = parse(open_content(ground, partner, headers.get("Content-Type", ""), body), partner)
    except (SignatureInvalid, AnswerInvalid) as error:
        if isinstance(error, SignatureInvalid):
            record(ground.keys, "partner_signature", outcome=error.code, entrance=partner.code)
            _log.warning("callback_refused", partner=partner.code, code=error.code, reason=error.detail)
            raise
        _blame(ground, partner, error)
        raise AnswersRefused(error.detail) from None
    count_call(partner.code, "callback_faulty" if called_back.faults else "callback")
    if called_back.faults:
        record_result(ground, partner, "callback_faulty", called_back=True)
        first = "; ".join(called_back.faults[:FAULTS_LOGGED])
        _log.warning("partner_faults", partner=partner.code, faults=len(called_back.faults), first=first)
    return called_back


def _blame(ground: Ground, partner: Partner, error: OneCertError) -> None:
    count_call(partner.code, f"callback_{error.code}")
    record_result(ground, partner, f"callback_{error.code}", called_back=True)
    _log.warning("callback_refused", partner=partner.code, code=error.code, reason=error.detail)
