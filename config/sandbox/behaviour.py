"""The behaviour of each side of the sandbox: one `Behaviour` that all sandboxes read.

A side is a partner of the default catalogue, `gateway` (both SMS gateways), `http` or `cmpp` (one of them), `wechat` or
`alipay`. The platforms also take a number as mode: the error code of every answer.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from functools import cache
from typing import Annotated, Literal

from flask import Blueprint, Response, jsonify, redirect, request
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from werkzeug.wrappers import Response as AnyResponse

from config.catalogue.document import default_document, load_catalogue
from config.catalogue.schema import Catalogue
from config.errors import ConfigError
from config.sandbox.received import Received

COMMON_MODES = frozenset({"ok", "slow", "500", "garbage", "silent", "retry", "callback", "429"})
CARRIER_MODES = COMMON_MODES | {"mismatch", "inactive", "not_ours", "since", "changed", "unknown"}
REQUEST_MODES = frozenset({"done", "none", "yours", "needs_holder", "refused", "accept", "silent", "late"})
"""An enterprise's way with requests (objections)."""
GATEWAY_MODES = COMMON_MODES | {"reject", "timeout_after_accept", "no_receipt"}
GATEWAY = "gateway"
GATEWAYS = {"http": GATEWAY_MODES, "cmpp": GATEWAY_MODES}
PLATFORM_MODES = {"wechat": COMMON_MODES | {"snapshot"}, "alipay": COMMON_MODES}
ERROR_CODE = re.compile(r"-?[0-9]{1,7}")
MAX_SECONDS = 3600
FORM = "application/x-www-form-urlencoded"
BODY = 'the body is {"side": text, "mode": text, "seconds": number or absent}, "requests" may stand for "mode"'
EVERY_SIDE = "*"
"""With the mode `ok`: all behave well again."""


class BehaviourUnknown(ConfigError):
    """There is no such side, or it has no such mode."""

    code = "behaviour_unknown"
    status = 400


class _Request(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    side: str
    mode: str | None = None
    requests: str | None = None
    seconds: Annotated[float, Field(ge=0, le=MAX_SECONDS)] | None = None

    @model_validator(mode="after")
    def check_something_is_wanted(self) -> _Request:
        """Refuse a request that names neither a mode nor a way with requests."""
        if self.mode is None and self.requests is None:
            raise ValueError("mode or requests")
        return self


class Behaviour:
    """The current mode of every side. Thread-safe. A partner that joins the catalogue becomes a side."""

    def __init__(self, catalogue: Callable[[], Catalogue] | None = None) -> None:
        self._catalogue = catalogue or _default
        self._played: dict[str, tuple[str, float | None]] = {}
        self._requests: dict[str, tuple[str, float | None]] = {}
        self._lock = threading.Lock()
        self.received = Received()

    def set(self, side: str, mode: str, seconds: float | None = None) -> None:
        """From now on `side` plays `mode`; `seconds` is how slow or how long silent it is (None: the side's own idea).

        Raises BehaviourUnknown with the words that are known.
        """
        sides = self.sides()
        if side not in sides:
            raise BehaviourUnknown(f"there is no such side; it is one of {', '.join(sides)}")
        if mode not in sides[side] and not (side in PLATFORM_MODES and ERROR_CODE.fullmatch(mode)):
            raise BehaviourUnknown(f"{side} has no such mode; it is one of {', '.join(sorted(sides[side]))}")
        with self._lock:
            self._played[side] = (mode, seconds)
            for each in GATEWAYS if side == GATEWAY else ():
                self._played.pop(each, None)

    def set_requests(self, side: str, word: str, seconds: float | None = None) -> None:
        """From now on the enterprise `side` answers requests so; `seconds`: how long until its report."""
        sides = [partner.code for partner in self._catalogue().partners if partner.kind == "enterprise"]
        if side not in sides:
            raise BehaviourUnknown(f"there is no such enterprise; it is one of {', '.join(sides)}")
        if word not in REQUEST_MODES:
            raise BehaviourUnknown(
                f"there is no such way with requests; it is one of {', '.join(sorted(REQUEST_MODES))}"
            )
        with self._lock:
            self._requests[side] = (word, seconds)

    def requests(self, side: str) -> tuple[str, float | None]:
        """Return an enterprise's way with requests; ("done", None) by default."""
        with self._lock:
            return self._requests.get(side, ("done", None))

    def reset(self) -> None:
        """Have every side behave well again."""
        with self._lock:
            self._played.clear()
            self._requests.clear()

    def mode(self, side: str) -> tuple[str, float | None]:
        """Return the (mode, seconds) of `side`; ("ok", None) by default."""
        with self._lock:
            both = self._played.get(GATEWAY, ("ok", None)) if side in GATEWAYS else ("ok", None)
            return self._played.get(side, both)

    def sides(self) -> dict[str, frozenset[str]]:
        """Every side, with the modes that it knows."""
        return _sides(self._catalogue())


@cache
def _default() -> Catalogue:
    return load_catalogue(default_document())


def _sides(catalogue: Catalogue) -> dict[str, frozenset[str]]:
    modes: dict[Literal["enterprise", "carrier"], frozenset[str]]
    modes = {"enterprise": COMMON_MODES, "carrier": CARRIER_MODES}
    sides = {partner.code: modes[partner.kind] for partner in catalogue.partners}
    return sides | {GATEWAY: GATEWAY_MODES, **GATEWAYS, **PLATFORM_MODES}


def make_blueprint(behaviour: Behaviour) -> Blueprint:
    """`GET /behaviour`: what is played. `POST` with `{"side", "mode", "seconds"?}`: 204, or 400 problem+json."""
    blueprint = Blueprint("behaviour", __name__)

    @blueprint.get("/behaviour")
    def show() -> Response:
        played = {side: behaviour.mode(side) for side in behaviour.sides()}
        return jsonify({side: {"mode": mode, "seconds": seconds} for side, (mode, seconds) in played.items()})

    @blueprint.post("/behaviour")
    def behave() -> AnyResponse:
        by_form = request.mimetype == FORM
        if by_form and request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
            return _problem("not_from_here", "only the sandbox's own page sends this form")
        try:
            _obey(behaviour, json.dumps(request.form.to_dict()).encode() if by_form else request.get_data())
        except ValidationError:
            return _problem("body_invalid", BODY)
        except BehaviourUnknown as unknown:
            return _problem(unknown.code, unknown.detail)
        return redirect("/", 303) if by_form else Response(status=204)

    return blueprint


def _obey(behaviour: Behaviour, body: bytes) -> None:
    change = _Request.model_validate_json(body)
    if (change.side, change.mode) == (EVERY_SIDE, "ok"):
        behaviour.reset()
        return
    if change.requests is not None:
        behaviour.set_requests(change.side, change.requests, change.seconds)
    if change.mode is not None:
        behaviour.set(change.side, change.mode, change.seconds)


def _problem(code: str, detail: str) -> Response:
    body = {"type": "about:blank", "title": "Bad Request", "status": 400, "code": code, "detail": detail}
    return Response(json.dumps(body), status=400, content_type="application/problem+json")
