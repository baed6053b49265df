"""The behaviour of each side of the sandbox: one `Behaviour` that all sandboxes read.

A side is a partner of the default catalogue, `gateway` (the SMS gateway), `wechat` or `alipay`. The platforms also take
a number as mode: the error code of every answer.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from functools import cache
from typing import Annotated, Literal

from flask import Blueprint, Response, request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from config.catalogue.document import default_document, load_catalogue
from config.catalogue.schema import Catalogue
from config.errors import ConfigError

COMMON_MODES = frozenset({"ok", "slow", "500", "garbage", "silent", "retry", "callback", "429"})
CARRIER_MODES = COMMON_MODES | {"mismatch", "inactive", "not_ours", "since"}
GATEWAY_MODES = COMMON_MODES | {"reject", "timeout_after_accept", "no_receipt"}
PLATFORM_MODES = {"wechat": COMMON_MODES | {"snapshot"}, "alipay": COMMON_MODES}
ERROR_CODE = re.compile(r"-?[0-9]{1,7}")
MAX_SECONDS = 3600


class BehaviourUnknown(ConfigError):
    """There is no such side, or it has no such mode."""

    code = "behaviour_unknown"
    status = 400


class _Request(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    side: str
    mode: str
    seconds: Annotated[float, Field(ge=0, le=MAX_SECONDS)] | None = None


class Behaviour:
    """The current mode of every side. Thread-safe. A partner that joins the catalogue becomes a side."""

    def __init__(self, catalogue: Callable[[], Catalogue] | None = None) -> None:
        self._catalogue = catalogue or _default
        self._played: dict[str, tuple[str, float | None]] = {}
        self._lock = threading.Lock()

    def set(self, side: str, mode: str, seconds: float | None = None) -> None:
        """From now on `side` plays `mode`; `seconds` is how slow or how long silent it is (None: the side's own idea).

        Raises BehaviourUnknown with the words that are known.
        """
        sides = _sides(self._catalogue())
        if side not in sides:
            raise BehaviourUnknown(f"there is no such side; it is one of {', '.join(sides)}")
        if mode not in sides[side] and not (side in PLATFORM_MODES and ERROR_CODE.fullmatch(mode)):
            raise BehaviourUnknown(f"{side} has no such mode; it is one of {', '.join(sorted(sides[side]))}")
        with self._lock:
            self._played[side] = (mode, seconds)

    def mode(self, side: str) -> tuple[str, float | None]:
        """Return the (mode, seconds) of `side`; ("ok", None) by default."""
        with self._lock:
            return self._played.get(side, ("ok", None))


@cache
def _default() -> Catalogue:
    return load_catalogue(default_document())


def _sides(catalogue: Catalogue) -> dict[str, frozenset[str]]:
    modes: dict[Literal["enterprise", "carrier"], frozenset[str]]
    modes = {"enterprise": COMMON_MODES, "carrier": CARRIER_MODES}
    sides = {partner.code: modes[partner.kind] for partner in catalogue.partners}
    return sides | {"gateway": GATEWAY_MODES, **PLATFORM_MODES}


def make_blueprint(behaviour: Behaviour) -> Blueprint:
    """`POST /behaviour` with `{"side", "mode", "seconds"?}`: 204, or 400 problem+json."""
    blueprint = Blueprint("behaviour", __name__)

    @blueprint.post("/behaviour")
    def behave() -> Response:
        try:
            wish = _Request.model_validate_json(request.get_data())
            behaviour.set(wish.side, wish.mode, wish.seconds)
        except ValidationError:
            return _problem("body_invalid", 'the body is {"side": text, "mode": text, "seconds": number or absent}')
        except BehaviourUnknown as unknown:
            return _problem(unknown.code, unknown.detail)
        return Response(status=204)

    return blueprint


def _problem(code: str, detail: str) -> Response:
    body = {"type": "about:blank", "title": "Bad Request", "status": 400, "code": code, "detail": detail}
    return Response(json.dumps(body), status=400, content_type="application/problem+json")
