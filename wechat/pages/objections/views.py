"""The pages of objections and alerts. All of them work without JavaScript."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, replace
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
from query.inquiry import OBJECTION
from query.objection_door import ObjectionDoor
from query.objections.progress import ObjectionProgress
from wechat.pages.drafts import Draft, Drafts
from wechat.pages.form_actions import Remarks, ask_code, put_off
from wechat.pages.forms import code_view
from wechat.pages.objections.form import (
    SECONDS_A_DAY,
    WISHES,
    Ticked,
    empty_form,
    parse_ticked,
    submit,
    with_session,
)
from wechat.pages.objections.progress import view_objection
from wechat.pages.preferences import chosen, keep_display
from wechat.pages.rendering import Renderer
from wechat.pages.visits import Visits

PATH: Final = "/objections"
FORM_LIMIT: Final = 16 * 1024
REFUSED: Final = {"objection_open": "open", "number_too_new": "new", "objections_used_up": "many"}
"""Refusals that stand in place of the form."""


def add_objections(
    blueprint: Blueprint, ground: Ground, door: ObjectionDoor, visits: Visits, renderer: Renderer
) -> None:
    """The routes of objections and alerts."""
    views = ObjectionPages(ground, door, visits, renderer, Drafts(ground, secure=visits.secure))
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
    drafts: Drafts

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
        found = self.drafts.take(request, PATH)
        if found is not None and found.more["wish"] == wish:
            response = self._form_page(
                Ticked(wish, tuple(found.more["applications"]), found.form), found.remarks, token
            )
            self.drafts.drop(response, PATH)
            return response
        return self._form_page(empty_form(wish, token, token_urlsafe(16)), Remarks(), token)

    def post(self) -> AnyResponse:
        """The form: a code is asked for, the objection submitted, or the page changed in mid-form: then a redirect."""
        self._need_objections()
        ticked = parse_ticked(_typed())
        if ticked.form.choice:
            return self._change_page(ticked)
        try:
            session, token = self.visits.visitor(self.door, request, ticked.form.session, _address())
        except OneCertError as error:
            return self._form_again(ticked, put_off(error, ticked.form))
        ticked, words = with_session(ticked, token), self.renderer.words(request)
        if ticked.form.asks_code:
            now = self.ground.clock.now()
            told = ask_code(self.door, session, ticked.form, _address(), words, now, service=OBJECTION)
            return self._form_again(replace(ticked, form=told.form), told.remarks)
        try:
            when = self.renderer.wait(30 * SECONDS_A_DAY)
            outcome = submit(self.door, session, ticked, _address(), words, when)
        except OneCertError as error:
            return self._refused(error, ticked)
        if isinstance(outcome, Remarks):
            return self._form_again(ticked, outcome)
        response = redirect(f"{PATH}/{outcome.reference}", 303)
        self.visits.keep(response, token)
        return response

    def _change_page(self, ticked: Ticked) -> AnyResponse:
        """Another letter size or language, or the privacy notice; what was typed is there again afterwards."""
        name, _, value = ticked.form.choice.partition("=")
        if name == "tail" and ticked.form.whole_id:
            ticked = replace(ticked, form=replace(ticked.form, id_tail=ticked.form.whole_id))
        response = self._form_again(ticked, Remarks())
        keep_display(response, chosen({name: value}), secure=self.visits.secure)
        if name == "privacy":
            response.headers["Location"] = "/privacy"
        return response

    def _form_again(self, ticked: Ticked, remarks: Remarks) -> AnyResponse:
        response = redirect(f"{PATH}?wish={ticked.wish}", 303)
        if ticked.form.session and not ticked.form.choice:
            self.visits.keep(response, ticked.form.session)
        more = {"wish": ticked.wish, "applications": list(ticked.applications)}
        self.drafts.keep(response, PATH, Draft(ticked.form, remarks, more))
        return response

    def show_progress(self, reference: str) -> Response:
        """Return how far one's own objection is."""
        try:
            token, seen = self._look(reference)
        except NotFound:
            if not self.visits.is_granted(request):
                raise
            token, seen = "", self.door.looked_up_objection(reference)
        words = self.renderer.words(request)
        view = view_objection(seen, self._names(seen, words.language), self.ground.clock.now(), words)
        response = self.renderer.page("objections/progress", view=view, seen=seen)
        if token:
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

    def _form_page(self, ticked: Ticked, remarks: Remarks, token: str) -> Response:
        ticked = with_session(ticked, token)
        offered = self.ground.catalogues.current().objections
        days = {"unbind": offered.unbind_days, "dispute": offered.dispute_days} if offered else {}
        response = self.renderer.page(
            "objections/form",
            ticked=ticked,
            form=ticked.form,
            remarks=remarks,
            code=code_view(ticked.form.sent, self.ground.clock.now()),
            companies=self.door.companies(),
            days=days.get(ticked.wish, 0),
        )
        self.visits.keep(response, token)
        return response


def _typed() -> MultiDict[str, str]:
    """The posted form, counted as it is read."""
    request.max_content_length = FORM_LIMIT + 1
    if len(request.get_data()) > FORM_LIMIT:
        abort(413)
    return request.form


def _address() -> str:
    return request.remote_addr or ""
