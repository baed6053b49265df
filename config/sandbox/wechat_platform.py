"""Shared by the sandbox's two WeChat platforms: refusals and breakdowns."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Any

from flask import Response, jsonify, request

from config.ground import Ground
from config.sandbox.behaviour import Behaviour

PAUSES_S = {"slow": 3.0, "silent": 30.0}


class PlatformError(Exception):
    """An errcode, as the platform gives it: with status 200."""

    def __init__(self, errcode: int) -> None:
        super().__init__(errcode)
        self.errcode = errcode


def refuse(errcode: int, message: str = "error") -> Response:
    """The platform's way of saying no."""
    return jsonify(errcode=errcode, errmsg=f"{message} rid: {secrets.token_hex(4)}")


def break_down(behaviour: Behaviour, side: str) -> Response | None:
    """Return the response of a slow, silent or broken platform, after its delay; None when it works."""
    mode, seconds = behaviour.mode(side)
    if mode in PAUSES_S:
        time.sleep(seconds or PAUSES_S[mode])
    if mode in ("500", "429"):
        return Response(status=int(mode))
    return Response("<html>", content_type="text/html") if mode in ("garbage", "silent") else None


def played_errcode(behaviour: Behaviour, side: str) -> int | None:
    """The errcode with which a platform answers everything just now, if it does."""
    mode, _ = behaviour.mode(side)
    return int(mode) if mode.lstrip("-").isdigit() else None


def note_call(behaviour: Behaviour, ground: Ground, app_of: Callable[[str], str | None]) -> None:
    """Count a call for the app that makes it; `app_of` tells whose an access token is."""
    body = request.get_json(force=True, silent=True) if request.content_length else None
    named = (
        request.values.get("appid") or request.values.get("app_id") or (isinstance(body, dict) and body.get("appid"))
    )
    app_id = named or app_of(request.args.get("access_token", ""))
    for entrance in ground.catalogues.current().entrances:
        if app_id and entrance.app_id == app_id:
            behaviour.received.note(entrance.code, ground.clock.now())


def read_json() -> dict[str, Any]:
    """The JSON object of a call; PlatformError 47001 when it is none."""
    body = request.get_json(force=True, silent=True)
    if not isinstance(body, dict):
        raise PlatformError(47001)
    return body
