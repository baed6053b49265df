"""The pages of objections and alerts. All of them work without JavaScript."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from secrets import token_urlsafe
from typing import Final

from flask import Blueprint, Response, abort, redirect, request
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as AnyResponse

from config.errors import OneCertError
from config.ground import Ground
from query.access.errors import SessionInvalid
from query.access.sessions import Session
from query.errors import NotFound
from query.objection_door import ObjectionDoor
from query.objections.intake import AcceptedObjection
from query.objections.progress import ObjectionProgress
from wechat.pages.form_actions import Remarks
from wechat.pages.objections.form import (
    SECONDS_A_DAY,
    WISHES,
    Ticked,
    ask_code,
    empty_form,
    parse_ticked,
    submit,
    with_session,
)
from wechat.pages.objections.progress import view_objection
from wechat.pages.rendering import Renderer
from wechat.pages.visits import Visits

FORM_LIMIT: Final = 16 * 1024
REFUSED: Final = {"objection_open": "open", "number_too_new": "new", "objections_used_up": "many"}
"""Refusals that stand in place of the form."""


def add_objections(
    blueprint: Blueprint, ground: Ground, door: ObjectionDoor, visits: Visits, renderer: Renderer
) -> None:
    """The routes of objections and alerts."""
    views = ObjectionPages(ground, door, visits, renderer)
    blueprint.add_url_rule("/objections", "objections", views.show)
    blueprint.add_url_rule("/objections", "objections-post", views.post, methods=["POST"])
    blueprint.add_url_rule("/objections/<reference>", "objection", views.show_progress)
    blueprint.add_url_rule("/watches", "watches-post", views.post_watch, methods=["POST"])


@dataclass(frozen=True)
class ObjectionPages:
    """One method a route."""

    ground: Ground
    door: ObjectionDoor
    visits: Visits
    renderer: Renderer

    def show(self) -> AnyResponse:
        """The choice of a wish, or its form; a ticket of a chat's link is traded for a session."""
        self._need_objections()
        if (ticket := request.args.get("ticket")) is not None:
            response: AnyResponse = redirect(request.path, 303)
            self.visits.keep(response, self.visits.begin(self.door, ticket, _address()))
            return response
        wish = request.args.get("wish", "")
        if wish not in WISHES:
            return self.renderer.page("objections/choose")
        token = self.visits.carry_on(self.door, request, _address())
        return self._form_page(empty_form(wish, token, token_urlsafe(16)), Remarks())

    def post(self) -> AnyResponse:
        """The form: a code is asked for, or the objection submitted."""
        self._need_objections()
        ticked = parse_ticked(_typed())
        session, words = self.visits.visitor(self.door, request, ticked.form.session), self.renderer.words(request)
        ticked = with_session(ticked, session.fresh_token or ticked.form.session)
        if ticked.form.asks_code:
            return self._form_page(ticked, ask_code(self.door, session, ticked, _address(), words))
        try:
            when = self.renderer.wait(30 * SECONDS_A_DAY)
            outcome = submit(self.door, session, ticked, _address(), words, when)
        except OneCertError as error:
            return self._refused(error, ticked)
        if isinstance(outcome, AcceptedObjection):
            return redirect(f"/objections/{outcome.reference}", 303)
        return self._form_page(ticked, outcome)

    def show_progress(self, reference: str) -> Response:
        """How far one's own objection is."""
        token, seen = self._look(reference)
        words = self.renderer.words(request)
        view = view_objection(seen, self._names(seen, words.language), self.ground.clock.now(), words)
        response = self.renderer.page("objections/progress", view=view, seen=seen)
        self.visits.keep_viewing(response, token, request.path)
        return response

    def post_watch(self) -> AnyResponse:
        """Turn on alerts from a closed inquiry's page; what follows is the same whether or not there is one."""
        self._need_objections()
        posted = _typed()
        session, reference = self._viewer(posted.get("session", "")), posted.get("reference", "")
        if not (reference.isascii() and reference.isdigit() and len(reference) == len("482719356041")):
            raise NotFound("No such inquiry of this visit.")
        if posted.get("watch") != "yes":
            return redirect(f"/inquiries/{reference}?watch=tick#watch", 303)
        self.door.turn_watch_on(session, reference, _address())
        return redirect(f"/inquiries/{reference}?watch=said#watch", 303)

    def _need_objections(self) -> None:
        if not self.door.offers_objections():
            abort(404)

    def _viewer(self, token: str) -> Session:
        """The session of a closed inquiry's page, which may be over for everything else. Raises SessionInvalid."""
        session = self.door.read_session(token, viewing=True)
        visit = self.door.read_session(self.visits.token(request), viewing=True)
        if not hmac.compare_digest(session.sid, visit.sid):
            raise SessionInvalid()
        return session

    def _look(self, reference: str) -> tuple[str, ObjectionProgress]:
        """(the token that may show this objection, its progress). Raises NotFound, also for another's."""
        for token in self.visits.viewing_tokens(request):
            try:
                return token, self.door.objection_progress(self.door.read_session(token, viewing=True), reference)
            except (SessionInvalid, NotFound):
                continue
        raise NotFound("No such objection of this visit.")

    def _names(self, seen: ObjectionProgress, language: str) -> list[str]:
        names = {one.code: one.name[language] for company in self.door.companies() for one in company.applications}
        return [names.get(code, code) for code in seen.applications]

    def _refused(self, error: OneCertError, ticked: Ticked) -> Response:
        why = REFUSED.get(error.code)
        if why is None:
            raise error
        wait = self.renderer.wait(int(error.extra.get("retry_after", 0)))
        response = self.renderer.page("objections/refused", why=why, wish=ticked.wish, **wait)
        response.status_code = error.status
        return response

    def _form_page(self, ticked: Ticked, remarks: Remarks) -> Response:
        offered = self.ground.catalogues.current().objections
        days = {"unbind": offered.unbind_days, "dispute": offered.dispute_days} if offered else {}
        response = self.renderer.page(
            "objections/form",
            ticked=ticked,
            form=ticked.form,
            remarks=remarks,
            companies=self.door.companies(),
            days=days.get(ticked.wish, 0),
        )
        self.visits.keep(response, ticked.form.session)
        response.status_code = 422 if remarks.faults else 409 if remarks.conflict else 200
        return response


def _typed() -> MultiDict[str, str]:
    """The posted form, counted as it is read."""
    request.max_content_length = FORM_LIMIT + 1
    if len(request.get_data()) > FORM_LIMIT:
        abort(413)
    return request.form


def _address() -> str:
    return request.remote_addr or ""
