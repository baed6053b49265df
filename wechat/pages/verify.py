"""`/verify`: is an SMS with a code ours and unchanged? The whole of it in one field; nothing of it is shown or kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flask import Blueprint, Response, abort, request

from config.ground import Ground
from query.front_door import FrontDoor
from query.proofs.code import take_apart
from query.proofs.verdict import is_offered
from wechat.pages.rendering import Renderer

PATH: Final = "/verify"
FORM_LIMIT: Final = 12 * 1024
"""A whole SMS, percent-encoded."""


def add_verify(blueprint: Blueprint, ground: Ground, door: FrontDoor, renderer: Renderer) -> None:
    """Add the routes to the pages' blueprint."""
    views = Verify(ground, door, renderer)
    blueprint.add_url_rule(PATH, "verify", views.show)
    blueprint.add_url_rule(PATH, "verify-post", views.post, methods=["POST"])


@dataclass(frozen=True)
class Verify:
    """One method a route."""

    ground: Ground
    door: FrontDoor
    renderer: Renderer

    def show(self) -> Response:
        """The empty form."""
        self._need_codes()
        return self.renderer.page("verify", fault="")

    def post(self) -> Response:
        """The verdict, or what is missing; the text does not come back in either."""
        self._need_codes()
        if (request.content_length or FORM_LIMIT + 1) > FORM_LIMIT:
            abort(413)
        text = request.form.get("text", "")
        if not text.strip() or take_apart(text) is None:
            words = self.renderer.words(request)
            response = self.renderer.page("verify", fault=words("e.ve.nocode" if text.strip() else "e.ve.empty"))
            response.status_code = 422
            return response
        verdict = self.door.verify(text, request.remote_addr or "")
        return self.renderer.page("verdict", verdict=verdict.value.replace("_", ""))

    def _need_codes(self) -> None:
        if not is_offered(self.ground.catalogues.current()):
            abort(404)
