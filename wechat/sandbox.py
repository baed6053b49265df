"""The WeChat platform as far as we call it: tokens, menus, a code for an openid. No production code imports it.

How it behaves is told by `POST /behaviour` with side `wechat`: a number as mode is the errcode of every answer (40001,
40014 and 42001, that a token is over, not of those that give out tokens), `snapshot` that pages are a preview's.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Response, jsonify, redirect, request
from flask.typing import ResponseReturnValue

from config.ground import Ground
from config.sandbox.behaviour import Behaviour
from config.sandbox.wechat_platform import PlatformError, break_down, note_call, played_errcode, read_wish, refuse

SIDE = "wechat"
TOKEN_S = 7200
EARLY_S = 300
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
    """What the platform remembers, and what it was asked, for the tests. Share between threads under `lock`."""

    tokens: dict[str, tuple[str, float]] = field(default_factory=dict)
    menus: dict[str, Any] = field(default_factory=dict)
    codes: dict[str, tuple[str, float]] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    fetches: int = 0
    forced: int = 0
    notices: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=MOST_REMEMBERED))
    asked: deque[str] = field(default_factory=lambda: deque(maxlen=MOST_REMEMBERED))
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def stable_token(self, app_id: str, *, force: bool) -> tuple[str, int]:
        """The same token while it is valid, renewed five minutes before its end; (token, seconds left)."""
        now = time.monotonic()
        with self.lock:
            self.fetches += 1
            self.forced += force
            token, end = self.tokens.get(app_id, ("", 0.0))
            if force or end - now < EARLY_S:
                token, end = secrets.token_urlsafe(96), now + TOKEN_S
                self.tokens[app_id] = token, end
            return token, int(end - now)

    def end_token(self, app_id: str) -> None:
        """The token is good no more, as when somebody reset the secret; the next fetch gives another."""
        with self.lock:
            self.tokens.pop(app_id, None)

    def known_app(self, token: str) -> str | None:
        """Whose token this is; None: nobody's."""
        with self.lock:
            for app_id, (known, end) in self.tokens.items():
                if secrets.compare_digest(known.encode(), token.encode()) and end > time.monotonic():
                    return app_id
        return None

    def app_of(self, token: str) -> str:
        """Whose token this is; PlatformError 40001 when nobody's."""
        if (app_id := self.known_app(token)) is None:
            raise PlatformError(40001)
        return app_id

    def issue_code(self, app_id: str) -> str:
        """A page's code, good once and for five minutes."""
        code = secrets.token_urlsafe(24)
        with self.lock:
            self.codes[code] = app_id, time.monotonic() + CODE_S
        return code

    def redeem_code(self, app_id: str, code: str) -> str:
        """The openid that the code stands for; PlatformError 40029 or 40163."""
        with self.lock:
            if code in self.used:
                raise PlatformError(40163)
            owner, end = self.codes.pop(code, ("", 0.0))
            if owner != app_id or end < time.monotonic():
                raise PlatformError(40029)
            self.used.add(code)
        return f"oSandboxCitizenOf{app_id[-11:]}"


def make_blueprint(ground: Ground, behaviour: Behaviour, platform: Platform | None = None) -> Blueprint:
    """The platform's endpoints below `/wechat`, for the apps of the catalogue and their secrets."""
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
    return blueprint


def _misbehave(behaviour: Behaviour) -> Response | None:
    broken, errcode = break_down(behaviour, SIDE), played_errcode(behaviour, SIDE)
    if broken or errcode is None or (errcode in TOKEN_OVER and request.path.endswith("/stable_token")):
        return broken
    return _refuse(errcode)


def _refuse(errcode: int) -> Response:
    return refuse(errcode, MESSAGES.get(errcode, "error"))


def _done() -> Response:
    return jsonify(errcode=0, errmsg="ok")


def _add_token(blueprint: Blueprint, ground: Ground, platform: Platform) -> None:
    @blueprint.post("/cgi-bin/stable_token")
    def stable_token() -> Response:
        wish = read_wish()
        if wish.get("grant_type") != "client_credential":
            raise PlatformError(40002)
        app_id = _known_app(ground, wish.get("appid"), wish.get("secret"))
        token, left = platform.stable_token(app_id, force=wish.get("force_refresh") is True)
        return jsonify(access_token=token, expires_in=left)

    @blueprint.get("/cgi-bin/ticket/getticket")
    def ticket() -> Response:
        app_id = platform.app_of(request.args.get("access_token", ""))
        return jsonify(errcode=0, errmsg="ok", ticket=f"ticket-of-{app_id}-{secrets.token_hex(16)}", expires_in=TOKEN_S)


def _add_menu(blueprint: Blueprint, platform: Platform) -> None:
    @blueprint.post("/cgi-bin/menu/create")
    def create_menu() -> Response:
        app_id = platform.app_of(request.args.get("access_token", ""))
        menu = read_wish()
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
        told = {"access_token": secrets.token_urlsafe(32), "expires_in": TOKEN_S, "scope": "snsapi_base"}
        preview = {"is_snapshotuser": 1} if behaviour.mode("wechat")[0] == "snapshot" else {}
        return jsonify(told | {"openid": openid} | preview)


def _add_notices(blueprint: Blueprint, platform: Platform) -> None:
    @blueprint.post("/cgi-bin/message/subscribe/bizsend")
    def bizsend() -> Response:
        platform.app_of(request.args.get("access_token", ""))
        notice = read_wish()
        if not notice.get("touser"):
            raise PlatformError(40003)
        if not notice.get("template_id"):
            raise PlatformError(40037)
        if not isinstance(notice.get("data"), dict):
            raise PlatformError(47003)
        platform.notices.append(notice)
        return _done()


def _known_app(ground: Ground, app_id: object, secret: object) -> str:
    """The app id, if the catalogue has it and the secret is its own; else PlatformError."""
    if not secret:
        raise PlatformError(41004)
    for entrance in ground.catalogues.current().entrances:
        if entrance.app_id and entrance.app_id == app_id:
            known = ground.secrets.get(f"{entrance.code}.app_secret")
            if secrets.compare_digest(known.encode(), str(secret).encode()):
                return entrance.app_id
            raise PlatformError(40125)
    raise PlatformError(40013)
