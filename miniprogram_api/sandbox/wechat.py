"""Both mini programs' platforms as far as we call them, and what their clients give. No production code imports it.

`/wechat/applet` is WeChat's host, `/alipay/gateway.do` Alipay's gateway. `POST .../login-codes` gives what `wx.login`
and `my.getAuthCode` give, `phone-codes` and `phone-credentials` what the phone button gives. A login code that this
sandbox never gave is taken once as one of the vendor's tool, for a citizen of its own, unless it begins with `wrong`.

How they behave is told by `POST /behaviour`, sides `wechat` and `alipay`: a number is the error code of every answer.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from flask import Blueprint, Response, jsonify, request

from config.catalogue.schema import Entrance
from config.ground import Ground
from config.sandbox.behaviour import Behaviour
from config.sandbox.quotas import QUOTA_USED_UP, Quotas
from config.sandbox.stable_tokens import StableTokens, add_stable_token, check_app
from config.sandbox.wechat_platform import PlatformError, break_down, note_call, played_errcode, read_json, refuse
from miniprogram_api.sandbox.alipay import add_alipay, alipay_error

WECHAT, ALIPAY = "/wechat/applet", "/alipay"
CLIENTS = ("-codes", "-credentials")
"""The client's side of a platform works whatever its servers do."""
CODE_MS = 300_000


@dataclass(frozen=True)
class Given:
    """A code that was given to a client: for which app, for whom, until when (epoch ms); `phone` of a phone code."""

    app_id: str
    openid: str
    ends_at: int
    phone: str = ""
    country: str = "86"


@dataclass
class Played:
    """The memory of both platforms."""

    given: dict[str, Given] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    tokens: StableTokens = field(default_factory=StableTokens)
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def give(self, given: Given) -> str:
        """A new code that stands for it."""
        code = secrets.token_hex(16)
        with self.lock:
            self.given[code] = given
        return code

    def redeem(self, code: str, app_id: str, now: int, *, unknown: Given | None) -> Given:
        """Redeem a code, once. Raises PlatformError: 40163 used, 40029 unknown, expired or another app's."""
        with self.lock:
            if code in self.used:
                raise PlatformError(40163)
            found = self.given.get(code, unknown)
            if found is None or found.app_id != app_id or found.ends_at <= now:
                raise PlatformError(40029)
            self.used.add(code)
        return found


def make_blueprint(ground: Ground, behaviour: Behaviour, played: Played | None = None) -> Blueprint:
    """The endpoints of both platforms, for the mini programs of the catalogue and their secrets."""
    blueprint = Blueprint("applet_sandbox", __name__)
    memory = played or Played()

    def seconds() -> float:
        return ground.clock.now() / 1000

    def known_app(token: str) -> str | None:
        return memory.tokens.known_app(token, seconds())

    blueprint.before_request(lambda: note_call(behaviour, ground, known_app))
    blueprint.before_request(lambda: _misbehave(ground, behaviour))
    blueprint.register_error_handler(PlatformError, lambda fault: refuse(fault.errcode))
    _add_wechat(blueprint, ground, memory)
    _add_wechat_client(blueprint, ground, memory)
    check = partial(_checked_app, ground)
    Quotas(behaviour, lambda token: memory.tokens.app_of(token, seconds()), check).add_to(blueprint, WECHAT)

    def redeem(code: str, app_id: str) -> str | None:
        now = ground.clock.now()
        try:
            return memory.redeem(code, app_id, now, unknown=tool_given(code, app_id, now)).openid
        except PlatformError:
            return None

    add_alipay(blueprint, ground, redeem)
    _add_client(blueprint, ground, memory, f"{ALIPAY}/login-codes", "alipay-applet")
    return blueprint


def tool_given(code: str, app_id: str, now: int) -> Given | None:
    """A code of the vendor's tool: each is a citizen of its own."""
    if code.startswith("wrong"):
        return None
    return Given(app_id, openid_of(app_id, code), now + CODE_MS)


def openid_of(app_id: str, citizen: str) -> str:
    """The same citizen has another openid at every app."""
    return "o" + hashlib.sha256(f"{app_id}:{citizen}".encode()).hexdigest()[:27]


def _misbehave(ground: Ground, behaviour: Behaviour) -> Response | None:
    if request.path.endswith(CLIENTS):
        return None
    side = "wechat" if request.path.startswith(WECHAT) else "alipay"
    broken, errcode = break_down(behaviour, side), played_errcode(behaviour, side)
    if broken or errcode is None or (errcode == QUOTA_USED_UP and "/clear_quota" in request.path):
        return broken
    return refuse(errcode) if side == "wechat" else alipay_error(ground, str(errcode))


def _add_wechat(blueprint: Blueprint, ground: Ground, memory: Played) -> None:
    def seconds() -> float:
        return ground.clock.now() / 1000

    add_stable_token(blueprint, f"{WECHAT}/cgi-bin/stable_token", memory.tokens, partial(_checked_app, ground), seconds)

    @blueprint.get(f"{WECHAT}/sns/jscode2session")
    def code_to_session() -> Response:
        app_id = _checked_app(ground, request.args.get("appid"), request.args.get("secret"))
        code, now = request.args.get("js_code", ""), ground.clock.now()
        found = memory.redeem(code, app_id, now, unknown=tool_given(code, app_id, now))
        return jsonify(openid=found.openid, session_key=secrets.token_urlsafe(16), unionid=f"u{found.openid[1:]}")

    @blueprint.post(f"{WECHAT}/wxa/business/getuserphonenumber")
    def user_phone_number() -> Response:
        token, wish, now = request.args.get("access_token", ""), read_json(), ground.clock.now()
        app_id = memory.tokens.app_of(token, now / 1000)
        found = memory.redeem(str(wish.get("code")), app_id, now, unknown=None)
        if found.openid != wish.get("openid") or not found.phone:
            raise PlatformError(40003)
        told = {"phoneNumber": f"+{found.country} {found.phone}", "purePhoneNumber": found.phone}
        mark = {"timestamp": now // 1000, "appid": app_id}
        return jsonify(errcode=0, errmsg="ok", phone_info={**told, "countryCode": found.country, "watermark": mark})


def _add_wechat_client(blueprint: Blueprint, ground: Ground, memory: Played) -> None:
    _add_client(blueprint, ground, memory, f"{WECHAT}/login-codes", "wechat-applet")

    @blueprint.post(f"{WECHAT}/phone-codes")
    def phone_code() -> Response:
        wish, app = read_json(), _first_app(ground, "wechat-applet")
        openid = openid_of(app.app_id, str(wish.get("citizen", "")))
        ends_at = ground.clock.now() + CODE_MS
        told = Given(app.app_id, openid, ends_at, str(wish.get("phone", "")), str(wish.get("country", "86")))
        return jsonify(code=memory.give(told))


def _add_client(blueprint: Blueprint, ground: Ground, memory: Played, path: str, kind: str) -> None:
    def login_code() -> Response:
        wish, app = read_json(), _first_app(ground, kind)
        app_id = str(wish.get("app_id", app.app_id))
        given = Given(app_id, openid_of(app_id, str(wish.get("citizen", ""))), ground.clock.now() + CODE_MS)
        return jsonify(code=memory.give(given))

    blueprint.add_url_rule(path, f"{kind}-login-code", login_code, methods=["POST"])


def _checked_app(ground: Ground, app_id: object, secret: object) -> str:
    return check_app(ground.catalogues.current(), ground.secrets, app_id, secret)


def _first_app(ground: Ground, kind: str) -> Entrance:
    found = _apps(ground, lambda one: one.kind == kind)
    if not found:
        raise PlatformError(40013)
    return found[0]


def _apps(ground: Ground, wanted: Callable[[Entrance], bool]) -> list[Entrance]:
    return [entrance for entrance in ground.catalogues.current().entrances if wanted(entrance)]
