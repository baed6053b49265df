"""The pages of 帮家人查. They work without JavaScript, and tell nothing about the relative but what was typed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

from flask import Blueprint, Response, abort, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from config.errors import OneCertError
from config.ground import Ground
from config.phone_numbers import find_phone, mask_phone
from query.access.sessions import Session
from query.errors import ServiceUnknown
from query.front_door import FilledHelp, FrontDoor
from query.inquiry import DAY, HELP
from query.services import check_helps
from wechat.pages.drafts import Draft, Drafts
from wechat.pages.form_actions import Remarks, ask_code, put_off
from wechat.pages.forms import Form, code_view, fault_of, find_faults, parse_form
from wechat.pages.rendering import Renderer
from wechat.pages.texts import Words
from wechat.pages.visits import Visits

PATH: Final = "/help-family"
SENT: Final = "/help-family/sent"
FORM_LIMIT: Final = 4 * 1024
FIELDS_LIKE: Final = "internet-accounts"
"""The form whose number and code this one has, too."""
OFFER_LIFE: Final = 7 * DAY
LONGEST: Final = 40


@dataclass(frozen=True)
class FamilyForm:
    """The form as typed: what it shares with an inquiry's, and the relative's number."""

    form: Form
    relative: str = field(default="", repr=False)


def add_family(blueprint: Blueprint, ground: Ground, door: FrontDoor, visits: Visits, renderer: Renderer) -> None:
    """Add the routes to the pages' blueprint."""
    views = FamilyPages(ground, door, visits, renderer, Drafts(ground, secure=visits.secure))
    blueprint.add_url_rule(PATH, "help-family", views.show)
    blueprint.add_url_rule(PATH, "help-family-post", views.post, methods=["POST"])
    blueprint.add_url_rule(SENT, "help-family-sent", views.show_sent)


@dataclass(frozen=True)
class FamilyPages:
    """One method a route."""

    ground: Ground
    door: FrontDoor
    visits: Visits
    renderer: Renderer
    drafts: Drafts

    def show(self) -> Response:
        """The empty form."""
        self._need_helps()
        token = self.visits.carry_on(self.door, request, _address())
        return self._page(FamilyForm(Form(FIELDS_LIKE, token, idempotency_key="")), Remarks(), token)

    def post(self) -> AnyResponse:
        """The form: a code is sent, or the offer made; then a redirect."""
        self._need_helps()
        if (request.content_length or FORM_LIMIT + 1) > FORM_LIMIT:
            abort(413)
        typed = FamilyForm(parse_form(FIELDS_LIKE, request.form), request.form.get("relative", "")[:LONGEST])
        words = self.renderer.words(request)
        session, token = self.visits.visitor(self.door, request, typed.form.session, _address())
        if typed.form.asks_code:
            now = self.ground.clock.now()
            told = ask_code(self.door, session, typed.form, _address(), words, now, service=HELP)
            return self._page(replace(typed, form=told.form), told.remarks, token)
        remarks = self._submitted(session, typed, words)
        return self._page(typed, remarks, token) if remarks is not None else self._to_sent(typed, token)

    def show_sent(self) -> AnyResponse:
        """Say what happens now; the same whatever becomes of the offer."""
        kept = self.drafts.take(request, SENT)
        if kept is None:
            return redirect(PATH, 303)
        wait = self.renderer.wait(max(0, (kept.more["ends_at"] - self.ground.clock.now()) // 1000))
        return self.renderer.page("family/sent", helper=kept.more["helper"], relative=kept.more["relative"], **wait)

    def _submitted(self, session: Session, typed: FamilyForm, words: Words) -> Remarks | None:
        """Make the offer; None: it is made. Refusals that are about no field are raised."""
        faults = _faults(typed, words)
        if faults:
            return Remarks(faults, summed_up=True)
        filled = FilledHelp(typed.form.phone, typed.form.code, typed.relative)
        try:
            self.door.submit_help(session, filled, _address())
        except OneCertError as error:
            wait = self.renderer.wait(int(error.extra.get("retry_after", 0)))
            faults = _told(error, words, wait["when"]) or fault_of(error, typed.form, words)
            return Remarks(faults) if faults else put_off(error, typed.form)
        return None

    def _to_sent(self, typed: FamilyForm, token: str) -> AnyResponse:
        response = redirect(SENT, 303)
        self.visits.keep(response, token)
        shown = {name: mask_phone(find_phone(text) or "") for name, text in _numbers(typed).items()}
        more = {**shown, "ends_at": self.ground.clock.now() + OFFER_LIFE}
        self.drafts.keep(response, SENT, Draft(Form(FIELDS_LIKE, "", idempotency_key=""), more=more))
        return response

    def _page(self, typed: FamilyForm, remarks: Remarks, token: str) -> Response:
        code = code_view(typed.form.sent, self.ground.clock.now())
        filled = replace(typed.form, session=token)
        response = self.renderer.page(
            "family/form", filled=filled, relative=typed.relative, remarks=remarks, code=code, offer=self._offer()
        )
        response.status_code = 422 if remarks.faults else 503 if remarks.box else 200
        self.visits.keep(response, token)
        return response

    def _offer(self) -> str:
        """The SMS that the relative gets, with an example's number."""
        return self.ground.catalogues.current().texts.sms["help-offer"].format(helper="139****5678")

    def _need_helps(self) -> None:
        try:
            check_helps(self.ground.catalogues.current())
        except ServiceUnknown:
            abort(404)


def _numbers(typed: FamilyForm) -> dict[str, str]:
    return {"helper": typed.form.phone, "relative": typed.relative}


def _faults(typed: FamilyForm, words: Words) -> dict[str, str]:
    found = find_faults(typed.form, words)
    relative = "" if find_phone(typed.relative) else words("e.phone_invalid")
    faults = {
        "phone": found.get("phone", ""),
        "code": found.get("code", ""),
        "relative": relative if typed.relative.strip() else words("e.fa.relative.empty"),
        "consent": "" if typed.form.consent else words("e.fa.consent"),
    }
    return {name: fault for name, fault in faults.items() if fault}


def _told(error: OneCertError, words: Words, when: str) -> dict[str, str]:
    """Return the remark beside the relative's number; it depends on her own offers alone."""
    told = {"own_number": "fa.self", "help_too_soon": "fa.again", "helps_used_up": "fa.many"}
    if error.code == "relative_invalid":
        return {"relative": words("e.phone_invalid")}
    return {"relative": words(told[error.code], when=when)} if error.code in told else {}


def _address() -> str:
    return request.remote_addr or ""
