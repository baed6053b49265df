"""The WeChat platform as far as we call it: tokens, menus, a code for an openid. No production code imports it.

Its behaviour is set by `POST /behaviour` with side `wechat`: a number as mode is the errcode of every answer (40001,
40014 and 42001, that a token is over, not of those that give out tokens), `snapshot` that pages are a preview's.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Response, jsonify, redirect, request
from flask.typing import ResponseReturnValue

from config.ground import Ground
from config.sandbox.behaviour import Behaviour
from config.sandbox.quotas import QUOTA_USED_UP, Quotas
from config.sandbox.stable_tokens import TOKEN_S, StableTokens, add_stable_token, check_app
from config.sandbox.wechat_platform import PlatformError, break_down, note_call, played_errcode, read_json, refuse

SIDE = "wechat"
CODE_S = 300
TOKEN_OVER = (40001, 40014, 42001)
MESSAGES = {
    -1: "system error",
    40001: "invalid credential, access_token is invalid or not latest",
    40002: "invalid grant_type",
    40003: "invalid openid",
    40013: "invalid appid",
    40016: "invalid button size",
    40029: "invalid code",
    40037: "invalid template_id",
    40125: "invalid appsecret",
    40163: "code been used",
    40164: "invalid ip, not in whitelist",
    41004: "appsecret missing",
    45009: "reach max api daily quota limit",
    46003: "menu no exist",
    47001: "data format error",
    47003: "argument invalid",
}


MOST_REMEMBERED = 1_000


@dataclass
class Platform:
    """The state of the platform and the calls it got, for tests. Threads share it under `lock`."""

    tokens: StableTokens = field(default_factory=StableTokens)
    menus: dict[str, Any] = field(default_factory=dict)
    codes: dict[str, tuple[str, float]] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    cleared: int = 0
    notices: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=MOST_REMEMBERED))
    asked: deque[str] = field(default_factory=lambda: deque(maxlen=MOST_REMEMBERED))
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def known_app(self, token: str) -> str | None:
        """Return the app of this token; None: nobody's."""
        return self.tokens.known_app(token, time.monotonic())

    def app_of(self, token: str) -> str:
        """Return the app of this token. Raises PlatformError 40001."""
        return self.tokens.app_of(token, time.monotonic())

    def issue_code(self, app_id: str) -> str:
        """Return a new page login code, good once within five minutes."""
        code = secrets.token_urlsafe(24)
        with self.lock:
            self.codes[code] = app_id, time.monotonic() + CODE_S
        return code

    def redeem_code(self, app_id: str, code: str) -> str:
        """Return the openid of a code. Raises PlatformError 40029 or 40163."""
        with self.lock:
            if code in self.used:
                raise PlatformError(40163)
            owner, end = self.codes.pop(code, ("", 0.0))
            if owner != app_id or end < time.monotonic():
                raise PlatformError(40029)
            self.used.add(code)
        return f"oSandboxCitizenOf{app_id[-11:]}"


def make_blueprint(ground: Ground, behaviour: Behaviour, platform: Platform | None = None) -> Blueprint:
    """Make the blueprint of the platform's endpoints below `/wechat`, for the apps of the catalogue."""
    blueprint = Blueprint("wechat_sandbox", __name__, url_prefix="/wechat")
    played = platform or Platform()
    blueprint.before_request(lambda: played.asked.append(request.path))
    blueprint.before_request(lambda: note_call(behaviour, ground, played.known_app))
    blueprint.before_request(lambda: _misbehave(behaviour))
    blueprint.register_error_handler(PlatformError, lambda fault: _refuse(fault.errcode))
    _add_token(blueprint, ground, played)
    _add_menu(blueprint, played)
    _add_page_identity(blueprint, ground, played, behaviour)
    _add_notices(blueprint, played)
    _add_quota(blueprint, ground, played, behaviour)
    return blueprint


def _misbehave(behaviour: Behaviour) -> Response | None:
    broken, errcode = break_down(behaviour, SIDE), played_errcode(behaviour, SIDE)
    if broken or errcode is None or _is_spared(errcode):
        return broken
    return _refuse(errcode)


def _is_spared(errcode: int) -> bool:
    """Return whether this call is exempt from the errcode: stable_token, or clearing the quota."""
    if errcode == QUOTA_USED_UP:
        return "/clear_quota" in request.path
    return errcode in TOKEN_OVER and request.path.endswith("/stable_token")


def _refuse(errcode: int) -> Response:
    return refuse(errcode, MESSAGES.get(errcode, "error"))


def _done() -> Response:
    return jsonify(errcode=0, errmsg="ok")


def _add_token(blueprint: Blueprint, ground: Ground, platform: Platform) -> None:
    add_stable_token(blueprint, "/cgi-bin/stable_token", platform.tokens, partial(_known_app, ground), time.monotonic)

    @blueprint.get("/cgi-bin/ticket/getticket")
    def ticket() -> Response:
        app_id = platform.app_of(request.args.get("access_token", ""))
        return jsonify(errcode=0, errmsg="ok", ticket=f"ticket-of-{app_id}-{secrets.token_hex(16)}", expires_in=TOKEN_S)


def _add_menu(blueprint: Blueprint, platform: Platform) -> None:
    @blueprint.post("/cgi-bin/menu/create")
    def create_menu() -> Response:
        app_id = platform.app_of(request.args.get("access_token", ""))
        menu = read_json()
        if not isinstance(menu.get("button"), list) or not 1 <= len(menu["button"]) <= 3:
            raise PlatformError(40016)
        with platform.lock:
            platform.menus[app_id] = menu
        return _done()

    @blueprint.get("/cgi-bin/menu/get")
    def get_menu() -> Response:
        app_id = platform.app_of(request.args.get("access_token", ""))
        if app_id not in platform.menus:
            raise PlatformError(46003)
        return jsonify(menu=platform.menus[app_id])


def _add_page_identity(blueprint: Blueprint, ground: Ground, platform: Platform, behaviour: Behaviour) -> None:
    @blueprint.get("/connect/oauth2/authorize")
    def authorize() -> ResponseReturnValue:
        back = request.args.get("redirect_uri", "")
        if urlsplit(back).scheme not in ("http", "https"):
            return Response("redirect_uri", status=400)
        code = platform.issue_code(request.args.get("appid", ""))
        query = urlencode({"code": code, "state": request.args.get("state", "")})
        return redirect(f"{back}{'&' if urlsplit(back).query else '?'}{query}")

    @blueprint.get("/sns/oauth2/access_token")
    def exchange() -> Response:
        app_id = _known_app(ground, request.args.get("appid"), request.args.get("secret"))
        openid = platform.redeem_code(app_id, request.args.get("code", ""))
        answer = {"access_token": secrets.token_urlsafe(32), "expires_in": TOKEN_S, "scope": "snsapi_base"}
        preview = {"is_snapshotuser": 1} if behaviour.mode("wechat")[0] == "snapshot" else {}
        return jsonify(answer | {"openid": openid} | preview)


def _add_notices(blueprint: Blueprint, platform: Platform) -> None:
    @blueprint.post("/cgi-bin/message/subscribe/bizsend")
    def bizsend() -> Response:
        platform.app_of(request.args.get("access_token", ""))
        notice = read_json()
        if not notice.get("touser"):
            raise PlatformError(40003)
        if not notice.get("template_id"):
            raise PlatformError(40037)
        if not isinstance(notice.get("data"), dict):
            raise PlatformError(47003)
        platform.notices.append(notice)
        return _done()


def _add_quota(blueprint: Blueprint, ground: Ground, platform: Platform, behaviour: Behaviour) -> None:
    def count(path: str) -> int:
        return sum(asked.endswith(path) for asked in platform.asked)

    def cleared() -> None:
        platform.cleared += 1

    check = partial(_known_app, ground)
    Quotas(behaviour, platform.app_of, check, count, cleared).add_to(blueprint)


def _known_app(ground: Ground, app_id: object, secret: object) -> str:
    return check_app(ground.catalogues.current(), ground.secrets, app_id, secret)
