"""The citizens' pages. Views parse, call one verb of the door, render; refusals become pages in `refusals.py`."""

from __future__ import annotations

from dataclasses import replace
from secrets import token_urlsafe

from flask import Blueprint, Response, abort, redirect, request
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as AnyResponse

from config.errors import OneCertError
from config.ground import Ground
from query.intake.submit import Accepted
from query.objection_door import ObjectionDoor
from wechat.errors import ServiceClosed
from wechat.pages.form_actions import Remarks, ask_code, submit
from wechat.pages.forms import SERVICES, Form, parse_form
from wechat.pages.login_views import add_logins
from wechat.pages.objections.views import add_objections
from wechat.pages.preferences import asks_display, chosen, clean_address, keep_display
from wechat.pages.progress import view_progress
from wechat.pages.refusals import refusal_page
from wechat.pages.rendering import Renderer
from wechat.pages.site_files import add_site_files
from wechat.pages.visits import Visits

FORM_LIMIT = 8 * 1024
PAGES = {
    "home": "/",
    "help": "/help",
    "privacy": "/privacy",
    "rights": "/privacy/rights",
    "accessibility": "/accessibility",
    "guides": "/guides",
}
"""Pages that are the same for everyone: template -> address."""


def make_blueprint(ground: Ground, door: ObjectionDoor) -> Blueprint:
    """All pages, their assets, and the pages that refusals become."""
    blueprint = Blueprint("pages", __name__, template_folder="templates")
    views = Pages(ground, door)
    for name, rule in PAGES.items():
        blueprint.add_url_rule(rule, name, lambda name=name: views.show(name))
    for service in SERVICES:
        blueprint.add_url_rule(f"/{service}", service, lambda s=service: views.show_form(s))
        blueprint.add_url_rule(f"/{service}", f"{service}-post", lambda s=service: views.post_form(s), methods=["POST"])
    blueprint.add_url_rule("/guides/<partner>", "guide", views.show_guide)
    blueprint.add_url_rule("/inquiries/<reference>", "inquiry", views.show_progress)
    blueprint.add_url_rule("/assets/<digest>/<name>", "asset", views.serve_asset)
    add_site_files(blueprint, views.renderer.assets)
    add_logins(blueprint, ground, door)
    add_objections(blueprint, ground, door, views.visits, views.renderer)
    blueprint.before_request(views.keep_choice)
    blueprint.register_error_handler(OneCertError, lambda error: refusal_page(views.renderer, error))
    for status in (404, 413, 500):
        blueprint.register_error_handler(status, lambda error: refusal_page(views.renderer, error))
    return blueprint


class Pages:
    """One method a route."""

    def __init__(self, ground: Ground, door: ObjectionDoor) -> None:
        self._ground = ground
        self._door = door
        self.visits = Visits(ground)
        self.renderer = Renderer(ground)

    def show(self, name: str) -> Response:
        """A page that is the same for everyone."""
        return self.renderer.page(name)

    def show_guide(self, partner: str) -> Response:
        """One company's guide and hotline."""
        found = self._ground.catalogues.current().partner(partner)
        if found is None or not found.enabled or found.kind != "enterprise":
            abort(404)
        return self.renderer.page("guide", partner=found)

    def show_form(self, service: str) -> AnyResponse:
        """An empty form, in a session that is begun or carried on; a ticket is traded for one. Raises ServiceClosed."""
        if service in self.renderer.facts().closed:
            raise ServiceClosed("The catalogue has this service switched off.")
        ticket = request.args.get("ticket")
        if ticket is not None:
            response: AnyResponse = redirect(request.path, 303)
            self.visits.keep(response, self.visits.begin(self._door, ticket, _address()))
            return response
        token = self.visits.carry_on(self._door, request, _address())
        return self._form_page(Form(service, token, idempotency_key=token_urlsafe(16)), Remarks())

    def post_form(self, service: str) -> AnyResponse:
        """The form without JavaScript: a code is asked for, or the inquiry submitted."""
        form = parse_form(service, _typed())
        session, words = self.visits.visitor(self._door, request, form.session), self.renderer.words(request)
        form = replace(form, session=session.fresh_token or form.session)
        if form.asks_code:
            return self._form_page(form, ask_code(self._door, session, form, _address(), words))
        outcome = submit(self._door, session, form, _address(), words)
        if isinstance(outcome, Accepted):
            return redirect(f"/inquiries/{outcome.reference}", 303)
        return self._form_page(form, outcome)

    def show_progress(self, reference: str) -> Response:
        """How far one's own inquiry is."""
        token, seen = self.visits.look(self._door, request, reference)
        view = view_progress(seen, self._ground.clock.now(), self.renderer.words(request))
        response = self.renderer.page(
            "progress", view=view, seen=seen, token=token, watch_said=request.args.get("watch", "")
        )
        self.visits.keep_viewing(response, token, request.path)
        return response

    def serve_asset(self, digest: str, name: str) -> Response:
        """A style sheet, the script or a picture."""
        return self.renderer.assets.serve(digest, name, request)

    def keep_choice(self) -> AnyResponse | None:
        """`?size=` and `?lang=` on any page: keep the choice, go to the clean address."""
        if request.method != "GET" or not asks_display(request.args):
            return None
        response = redirect(clean_address(request.path, request.args), 303)
        keep_display(response, chosen(request.args), secure=self.visits.secure)
        return response

    def _form_page(self, form: Form, remarks: Remarks) -> Response:
        response = self.renderer.page("form", form=form, remarks=remarks)
        self.visits.keep(response, form.session)
        response.status_code = 422 if remarks.faults else 409 if remarks.conflict else 200
        return response


def _typed() -> MultiDict[str, str]:
    """The posted form. A body without a length (chunked) would be cut at the limit, not refused: it is counted."""
    request.max_content_length = FORM_LIMIT + 1
    if len(request.get_data()) > FORM_LIMIT:
        abort(413)
    return request.form


def _address() -> str:
    """The client's address; behind trusted proxies app.py has already put theirs aside."""
    return request.remote_addr or ""
