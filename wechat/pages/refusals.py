"""Refusals as pages: what happened, then what to do. One place, so that no view has to try and catch."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask, request
from flask.wrappers import Response
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.wrappers import Response as AnyResponse

from config.errors import RETRY_SOON_S, OneCertError
from config.ground import Ground
from wechat.errors import CookiesMissing
from wechat.pages.forms import SERVICES
from wechat.pages.preferences import asks_display, choose_display, clean_address
from wechat.pages.rendering import Renderer

STATE_OF_CODE = {
    "not_found": "missing",
    "service_unknown": "down",
    "session_invalid": "expired",
    "too_soon": "soon",
    "unavailable": "down",
}
STRAYS = (404, 405)
"""What Flask refuses before it knows whose view it is: an unknown address, a wrong method."""
PROGRAMS = ("/api/", "/wechat/", "/sms/", "/partners/", "/health/")
"""Where only programs come: a stray there is answered with problem+json."""


def refusal_page(renderer: Renderer, error: Exception) -> Response:
    """The page for a refusal, with its status; what is not expected reads as "not available"."""
    state, status, retry_after = _state(error)
    link = state == "expired" and "ticket" in request.args
    # The ticket that does not open stays in the address: larger letters do not make a form of this page.
    here = clean_address(request.path, request.args) if link else ""
    response = renderer.page(
        "state", state_name=state, again=_again(), link=link, here=here, **renderer.wait(retry_after)
    )
    response.status_code = status
    if retry_after or status == 503:
        response.headers["Retry-After"] = str(retry_after or RETRY_SOON_S)  # programs want to know
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
    return response


def receive_strays(app: Flask, ground: Ground, elsewhere: Callable[[HTTPException], Response]) -> None:
    """Have `app` answer unknown addresses and wrong methods: with a page for people, `elsewhere` for programs."""
    renderer, secure = Renderer(ground), ground.settings.public_url.startswith("https:")

    def stray(error: HTTPException) -> AnyResponse:
        if request.method == "GET" and asks_display(request.args):
            return choose_display(request, secure=secure)
        return elsewhere(error) if request.path.startswith(PROGRAMS) else refusal_page(renderer, error)

    for status in STRAYS:
        app.register_error_handler(status, stray)


def _state(error: Exception) -> tuple[str, int, int]:
    """(which page, HTTP status, seconds to wait or 0)."""
    if isinstance(error, CookiesMissing):
        return "cookies", error.status, 0
    if isinstance(error, OneCertError):
        retry_after = int(error.extra.get("retry_after", 0))
        return _limit_state(error) or STATE_OF_CODE.get(error.code, "down"), error.status, retry_after
    status = (error.code if isinstance(error, HTTPException) else None) or 500
    return "missing" if status in STRAYS else "down", status, 0


def _limit_state(error: OneCertError) -> str:
    """A used-up budget of one citizen is told as such; those that only stop floods read as "not available"."""
    if error.code != "limit_reached":
        return ""
    limit = str(error.extra.get("limit", ""))
    if limit.startswith("codes_per_"):
        return "limit"
    return "many" if limit.startswith(("submissions_per_", "lookups_per_")) else "down"


def _again() -> str:
    """Return where "try again" and "start again" lead: to the form that was meant, or home."""
    return request.path if request.path.lstrip("/") in SERVICES else "/"
