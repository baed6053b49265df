"""`/lookup`: a progress by its reference and the last four digits of the number, on any device.

It shows what its owner sees and no more. A wrong reference, a wrong ending and what is not kept any more are answered
with the same page.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from flask import Blueprint, Response, abort, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from query.errors import NotFound
from query.objection_door import ObjectionDoor
from query.progress import ENDING, Progress
from wechat.pages.rendering import Renderer
from wechat.pages.texts import Words
from wechat.pages.visits import Visits

PATH: Final = "/lookup"
FORM_LIMIT: Final = 2 * 1024
REFERENCE_DIGITS: Final = 12
LONGEST: Final = 40


def add_lookup(blueprint: Blueprint, door: ObjectionDoor, visits: Visits, renderer: Renderer) -> None:
    """Add the routes to the pages' blueprint."""
    views = Lookup(door, visits, renderer)
    blueprint.add_url_rule(PATH, "lookup", views.show)
    blueprint.add_url_rule(PATH, "lookup-post", views.post, methods=["POST"])


@dataclass(frozen=True)
class Lookup:
    """One method a route."""

    door: ObjectionDoor
    visits: Visits
    renderer: Renderer

    def show(self) -> Response:
        """The empty form."""
        return self._page({}, {})

    def post(self) -> AnyResponse:
        """Lead to the progress, which this browser may look at from then on."""
        if (request.content_length or FORM_LIMIT + 1) > FORM_LIMIT:
            abort(413)
        typed = {name: request.form.get(name, "")[:LONGEST] for name in ("reference", "last")}
        reference, ending = _digits(typed["reference"]), _digits(typed["last"])
        faults = find_faults(reference, ending, self.renderer.words(request))
        if faults:
            response = self._page(typed, faults)
            response.status_code = 422
            return response
        try:
            found = self.door.look_up(reference, ending, request.remote_addr or "")
        except NotFound:
            response = self.renderer.page("lookup_none")
            response.status_code = 404
            return response
        path = f"/{'inquiries' if isinstance(found, Progress) else 'objections'}/{found.reference}"
        answer = redirect(path, 303)
        self.visits.grant(answer, path)
        return answer

    def _page(self, typed: dict[str, str], faults: dict[str, str]) -> Response:
        return self.renderer.page("lookup", typed=typed, faults=faults)


def find_faults(reference: str, ending: str, words: Words) -> dict[str, str]:
    """Return what is wrong with the two fields (digits only): field -> message."""
    faults = {}
    if not reference:
        faults["reference"] = words("e.lo.ref.empty")
    elif len(reference) != REFERENCE_DIGITS:
        faults["reference"] = words("e.lo.ref", n=len(reference))
    if len(ending) != ENDING:
        faults["last"] = words("e.lo.last")
    return faults


def _digits(typed: str) -> str:
    return re.sub(r"[^0-9]", "", unicodedata.normalize("NFKC", typed))
