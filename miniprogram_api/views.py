"""The JSON views: parse, call one verb of the door, render. Routes come from `operations.OPERATIONS`."""

from __future__ import annotations

from flask import Blueprint, Response, request
from pydantic import BaseModel

from config.errors import OneCertError
from config.ground import Ground
from miniprogram_api.contract.docs import add_docs
from miniprogram_api.contract.further_schemas import (
    HELP_REQUEST,
    VERIFICATION_REQUEST,
    HelpAnswer,
    ShownTextRequest,
    VerificationAnswer,
)
from miniprogram_api.contract.objection_schemas import OBJECTION_REQUEST, WATCH_REQUEST
from miniprogram_api.contract.operations import API_ROOT, OPERATIONS
from miniprogram_api.contract.problems import problem_response
from miniprogram_api.contract.requests import read_body, read_idempotency_key, read_token
from miniprogram_api.contract.responses import (
    accepted,
    accepted_objection,
    code_sent,
    known_phone,
    objection_progress,
    opened,
    partners,
    progress,
    services,
)
from miniprogram_api.contract.schemas import CODE_REQUEST, INQUIRY_REQUEST, PHONE_NUMBER_REQUEST, SESSION_REQUEST
from miniprogram_api.signed_views import SignedViews
from query.access.door import Credential, Door, FilledForm
from query.access.sessions import FRESH_TOKEN_HEADER, Session
from query.front_door import FilledHelp, FrontDoor
from query.objection_door import FilledObjection
from query.proofs.verdict import ShownCounts


def make_blueprint(ground: Ground, door: FrontDoor) -> Blueprint:
    """`/api/v1`: the calls, the OpenAPI document and the docs made from it."""
    blueprint = Blueprint("api", __name__, url_prefix=API_ROOT, template_folder="contract/templates")
    sessions, signed = Beyond(ground, door), SignedViews(ground)
    for operation in OPERATIONS:
        view = getattr(signed if operation.signed else sessions, operation.name)
        blueprint.add_url_rule(operation.rule, operation.name, view, methods=[operation.method])
    add_docs(blueprint, ground)
    blueprint.register_error_handler(OneCertError, problem_response)
    blueprint.after_request(_seal_off)
    return blueprint


class Views:
    """One method a call. Refusals are raised and rendered in one place."""

    def __init__(self, ground: Ground, door: Door) -> None:
        self._ground = ground
        self._door = door

    def open_session(self) -> Response:
        """POST /sessions."""
        wanted = read_body(request, SESSION_REQUEST)
        ticket, code = getattr(wanted, "ticket", None), getattr(wanted, "code", None)
        return _answer(201, opened(self._door.open_session(wanted.entrance, ticket, _address(), code=code)))

    def end_session(self) -> Response:
        """DELETE /sessions."""
        self._door.end_session(self._door.read_session(read_token(request)))
        return Response(status=204)

    def read_phone(self) -> Response:
        """POST /phone-numbers."""
        session = self._door.read_session(read_token(request), spending=True)
        credential = Credential(**read_body(request, PHONE_NUMBER_REQUEST).model_dump())
        return _answer(200, known_phone(self._door.read_phone(session, credential)), session)

    def list_services(self) -> Response:
        """GET /services."""
        return _answer(200, services(self._door.services()))

    def request_code(self) -> Response:
        """POST /verification-codes."""
        session = self._door.read_session(read_token(request), spending=True)
        wanted = read_body(request, CODE_REQUEST)
        sent = self._door.request_code(session, wanted.service, wanted.phone, _address(), wanted.human_check)
        return _answer(202, code_sent(sent), session)

    def submit(self) -> Response:
        """POST /inquiries."""
        session = self._door.read_session(read_token(request), spending=True)
        filled = read_body(request, INQUIRY_REQUEST)
        form = FilledForm(**filled.model_dump(), idempotency_key=read_idempotency_key(request))
        return _answer(202, accepted(self._door.submit(session, form, _address())), session)

    def show_progress(self, reference: str) -> Response:
        """GET /inquiries/<reference>."""
        session = self._door.read_session(read_token(request), viewing=True)
        return _answer(200, progress(self._door.progress(session, reference)), session)


class Beyond(Views):
    """The calls about objections, watches and relatives."""

    def __init__(self, ground: Ground, door: FrontDoor) -> None:
        super().__init__(ground, door)
        self._front = door

    def list_partners(self) -> Response:
        """GET /partners."""
        offered = self._front.objections()
        return _answer(200, partners(self._door.partners(), offered, self._ground.settings.public_url))

    def submit_help(self) -> Response:
        """POST /helps."""
        session = self._door.read_session(read_token(request), spending=True)
        filled = FilledHelp(**read_body(request, HELP_REQUEST).model_dump())
        return _answer(202, HelpAnswer(reference=self._front.submit_help(session, filled, _address())), session)

    def verify(self) -> Response:
        """POST /verifications."""
        told = read_body(request, VERIFICATION_REQUEST)
        shown = told.text if isinstance(told, ShownTextRequest) else ShownCounts(**told.model_dump())
        return _answer(200, VerificationAnswer(verdict=self._front.verify(shown, _address()).value))

    def submit_objection(self) -> Response:
        """POST /objections."""
        session = self._door.read_session(read_token(request), spending=True)
        filled = read_body(request, OBJECTION_REQUEST)
        form = FilledObjection(**filled.model_dump(), idempotency_key=read_idempotency_key(request))
        accepted = self._front.submit_objection(session, form, _address())
        return _answer(202, accepted_objection(accepted), session)

    def show_objection(self, reference: str) -> Response:
        """GET /objections/<reference>."""
        session = self._door.read_session(read_token(request), viewing=True)
        return _answer(200, objection_progress(self._front.objection_progress(session, reference)), session)

    def turn_watch_on(self) -> Response:
        """POST /watches."""
        session = self._door.read_session(read_token(request), viewing=True)
        self._front.turn_watch_on(session, read_body(request, WATCH_REQUEST).reference, _address())
        return Response(status=202)

    def turn_watch_off(self) -> Response:
        """DELETE /watches."""
        self._front.turn_watch_off(self._door.read_session(read_token(request), viewing=True), _address())
        return Response(status=202)


def _address() -> str:
    """The client's address; behind trusted proxies app.py has already put theirs aside."""
    return request.remote_addr or ""


def _answer(status: int, body: BaseModel, session: Session | None = None) -> Response:
    answer = Response(body.model_dump_json(exclude_none=True), status=status, content_type="application/json")
    if session is not None and session.fresh_token:
        answer.headers[FRESH_TOKEN_HEADER] = session.fresh_token
    return answer


def _seal_off(answer: Response) -> Response:
    """Add the headers that every answer has: no caching, no content sniffing."""
    answer.headers.setdefault("Cache-Control", "no-store")
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.headers.setdefault("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
    return answer
