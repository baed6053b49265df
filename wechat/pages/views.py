"""The citizens' pages. Views parse, call one verb of the door, render; refusals become pages in `refusals.py`."""

from __future__ import annotations

from dataclasses import replace
from secrets import token_urlsafe

from flask import Blueprint, Response, abort, redirect, request
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as AnyResponse

from config.errors import OneCertError
from config.ground import Ground
from query.access.errors import SessionInvalid
from query.access.sessions import FRESH_TOKEN_HEADER
from query.errors import NotFound
from query.front_door import FrontDoor
from wechat.errors import ServiceClosed
from wechat.pages.drafts import Draft, Drafts
from wechat.pages.family.views import add_family
from wechat.pages.form_actions import Remarks, ask_code, put_off, submit
from wechat.pages.forms import SERVICES, Form, code_view, parse_form
from wechat.pages.login.views import add_logins
from wechat.pages.lookup import add_lookup
from wechat.pages.objections.views import add_objections
from wechat.pages.preferences import asks_display, choose_display, chosen, keep_display
from wechat.pages.progress import view_progress, view_recent
from wechat.pages.refusals import refusal_page
from wechat.pages.rendering import Renderer
from wechat.pages.site_files import add_site_files
from wechat.pages.verify import add_verify
from wechat.pages.visits import Visits

FORM_LIMIT = 8 * 1024
PAGES = {
    "help": "/help",
    "privacy": "/privacy",
    "rights": "/privacy/rights",
    "accessibility": "/accessibility",
    "guides": "/guides",
}
"""Pages that are the same for everyone: template -> address."""


def make_blueprint(ground: Ground, door: FrontDoor) -> Blueprint:
    """All pages, their assets, and the pages that refusals become."""
    blueprint = Blueprint("pages", __name__, template_folder="templates")
    views = Pages(ground, door)
    for name, rule in PAGES.items():
        blueprint.add_url_rule(rule, name, lambda name=name: views.show(name))
    for service in SERVICES:
        blueprint.add_url_rule(f"/{service}", service, lambda s=service: views.show_form(s))
        blueprint.add_url_rule(f"/{service}", f"{service}-post", lambda s=service: views.post_form(s), methods=["POST"])
    blueprint.add_url_rule("/guides/<partner>", "guide", views.show_guide)
    blueprint.add_url_rule("/", "home", views.show_home)
    blueprint.add_url_rule("/inquiries", "last", views.show_last)
    blueprint.add_url_rule("/inquiries", "leave", views.leave, methods=["POST"])
    blueprint.add_url_rule("/inquiries/<reference>", "inquiry", views.show_progress)
    blueprint.add_url_rule("/inquiries/withdrawn", "withdrawn", views.show_withdrawn)
    blueprint.add_url_rule("/inquiries/<reference>/withdraw", "withdraw", views.withdraw, methods=["POST"])
    blueprint.add_url_rule("/assets/<digest>/<name>", "asset", views.serve_asset)
    add_site_files(blueprint, views.renderer.assets)
    add_lookup(blueprint, door, views.visits, views.renderer)
    add_logins(blueprint, ground, door)
    add_objections(blueprint, ground, door, views.visits, views.renderer)
    add_family(blueprint, ground, door, views.visits, views.renderer)
    add_verify(blueprint, ground, door, views.renderer)
    blueprint.before_request(views.keep_choice)
    blueprint.register_error_handler(OneCertError, lambda error: refusal_page(views.renderer, error))
    for status in (404, 413, 500):
        blueprint.register_error_handler(status, lambda error: refusal_page(views.renderer, error))
    return blueprint


class Pages:
    """One method a route."""

    def __init__(self, ground: Ground, door: FrontDoor) -> None:
        self._ground = ground
        self._door = door
        self.visits = Visits(ground)
        self._drafts = Drafts(ground, secure=self.visits.secure)
        self.renderer = Renderer(ground)

    def show_home(self) -> Response:
        """The first page; in the browser that submitted an inquiry, with the way back to it."""
        last = self.visits.last(self._door, request)
        now, words = self._ground.clock.now(), self.renderer.words(request)
        recent = view_recent(last, now, words) if last is not None else None
        return self.renderer.page("home", recent=recent)

    def show_last(self) -> AnyResponse:
        """The progress of the browser's last inquiry, or the page to look one up."""
        last = self.visits.last(self._door, request)
        return redirect(f"/inquiries/{last.reference}" if last is not None else "/lookup", 303)

    def leave(self) -> AnyResponse:
        """Log out, and have this browser forget its last inquiry."""
        response = redirect("/", 303)
        self.visits.leave(self._door, response, request)
        return response

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
            if request.headers.get("Sec-Fetch-Site") != "cross-site":  # another site's page signs nobody in
                self.visits.keep(response, self.visits.arrive(self._door, ticket, request, _address()))
            return response
        token = self.visits.carry_on(self._door, request, _address())
        found = self._drafts.take(request, request.path)
        draft = found or Draft(Form(service, token, idempotency_key=token_urlsafe(16)))
        response = self._form_page(replace(draft.form, session=token), draft.remarks)
        if found is not None:
            self._drafts.drop(response, request.path)
        return response

    def post_form(self, service: str) -> AnyResponse:
        """The form without JavaScript: a code is asked for, the inquiry submitted, or the page changed in mid-form.

        Always answered with a redirect: to the progress page, or to the form again with what was typed.
        """
        form = parse_form(service, _typed())
        if form.choice:
            return self._change_page(form)
        try:
            session, token = self.visits.visitor(self._door, request, form.session, _address())
        except OneCertError as error:
            return self._form_again(form, put_off(error, form))
        form, words = replace(form, session=token), self.renderer.words(request)
        if form.asks_code:
            answered = ask_code(self._door, session, form, _address(), words, self._ground.clock.now())
            return self._form_again(answered.form, answered.remarks)
        outcome = submit(self._door, session, form, _address(), words)
        if isinstance(outcome, Remarks):
            return self._form_again(form, outcome)
        response = redirect(f"/inquiries/{outcome.reference}", 303)
        self.visits.keep(response, token)
        return response

    def _change_page(self, form: Form) -> AnyResponse:
        """Another letter size or language, or the privacy notice; what was typed is there again afterwards."""
        name, _, value = form.choice.partition("=")
        if name == "tail" and form.whole_id:
            form = replace(form, id_tail=form.whole_id)
        response = redirect("/privacy" if name == "privacy" else f"/{form.service}", 303)
        keep_display(response, chosen({name: value}), secure=self.visits.secure)
        self._drafts.keep(response, request.path, Draft(form))
        return response

    def _form_again(self, form: Form, remarks: Remarks) -> AnyResponse:
        response = redirect(f"/{form.service}", 303)
        if form.session:
            self.visits.keep(response, form.session)
        self._drafts.keep(response, request.path, Draft(form, remarks))
        return response

    def show_progress(self, reference: str) -> Response:
        """Return how far one's own inquiry is."""
        try:
            token, seen = self.visits.look(self._door, request, reference)
        except NotFound:
            if not self.visits.is_granted(request):
                raise
            token, seen = "", self._door.looked_up_inquiry(reference)
        view = view_progress(seen, self._ground.clock.now(), self.renderer.words(request))
        response = self.renderer.page(
            "progress", view=view, seen=seen, token=token, watch_said=request.args.get("watch", "")
        )
        if token:
            self.visits.keep_viewing(response, token, request.path)
            self.visits.keep_last(response, token, reference)
        return response

    def withdraw(self, reference: str) -> AnyResponse:
        """Take back one's own running inquiry; whether it was still running is not told."""
        for token in self.visits.viewing_tokens(request):
            try:
                self._door.withdraw(self._door.read_session(token, viewing=True), reference)
            except (SessionInvalid, NotFound):
                continue
            return redirect("/inquiries/withdrawn", 303)
        raise NotFound("No such inquiry of this visit.")

    def show_withdrawn(self) -> Response:
        """The page after a withdrawal, the same for everyone."""
        return self.renderer.page("state", state_name="withdrawn", again="/", link=False, **self.renderer.wait(0))

    def serve_asset(self, digest: str, name: str) -> Response:
        """A style sheet, the script or a picture."""
        return self.renderer.assets.serve(digest, name, request)

    def keep_choice(self) -> AnyResponse | None:
        """`?size=` and `?lang=` on any page: keep the choice, go to the clean address."""
        if request.method != "GET" or not asks_display(request.args):
            return None
        return choose_display(request, secure=self.visits.secure)

    def _form_page(self, form: Form, remarks: Remarks) -> Response:
        now = self._ground.clock.now()
        response = self.renderer.page("form", form=form, remarks=remarks, code=code_view(form.sent, now))
        self.visits.keep(response, form.session)
        response.headers[FRESH_TOKEN_HEADER] = form.session  # for a script whose session lay idle
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
