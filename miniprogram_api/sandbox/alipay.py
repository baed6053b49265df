"""Alipay's gateway and its phone button, for the sandbox: verifies our signature and signs its own answers."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, jsonify, request

from config.catalogue.schema import Entrance
from config.crypto.rsa_keys import load_private_key
from config.ground import Ground
from config.times.formats import shanghai
from miniprogram_api.logins.alipay_certificates import certificate_sn
from miniprogram_api.logins.alipay_protocol import Unverified, seal_phone, sign, text_to_sign, verify

METHOD = "alipay.system.oauth.token"
CLOCK_SLACK_MS = 15 * 60 * 1000
FAULTS = {
    "20000": ("Service Currently Unavailable", "isp.unknow-error"),
    "20001": ("Insufficient Authorization", "aop.invalid-auth-token"),
    "40001": ("Missing Required Arguments", "isv.missing-signature"),
    "40002": ("Invalid Arguments", "isv.code-invalid"),
    "40004": ("Business Failed", "isv.user-forbidden"),
    "40005": ("Call Limited", "isv.app-call-limited"),
    "40006": ("Insufficient Permissions", "isv.insufficient-isv-permissions"),
}


class Refused(Exception):
    """An error of the gateway: code and sub code."""

    def __init__(self, code: str, sub_code: str) -> None:
        super().__init__(code)
        self.code, self.sub_code = code, sub_code


def add_alipay(blueprint: Blueprint, ground: Ground, redeem: Callable[[str, str], str | None]) -> None:
    """Add the gateway, and the phone credentials that the client would give.

    `redeem(code, app_id)` is the user's id that a login code stands for, once.
    """

    @blueprint.post("/alipay/gateway.do")
    def gateway() -> Response:
        parameters = {**request.args.to_dict(), **request.form.to_dict()}
        try:
            app = _checked_app(ground, parameters)
            openid = redeem(parameters.get("code", ""), app.app_id)
        except Refused as refused:
            return _answer(ground, "error_response", _fault(refused.code, refused.sub_code))
        if openid is None:
            return _answer(ground, "error_response", _fault("40002", "isv.code-invalid"))
        lent = {"access_token": secrets.token_hex(20), "expires_in": 31_536_000, "refresh_token": secrets.token_hex(20)}
        told = {**lent, "re_expires_in": 31_536_000, "auth_start": "2026-11-22 14:05:00", "open_id": openid}
        return _answer(ground, f"{METHOD.replace('.', '_')}_response", told)

    @blueprint.post("/alipay/phone-credentials")
    def phone_credential() -> Response:
        wish = request.get_json(force=True, silent=True)
        app, key = _app(ground), _key(ground)
        if not isinstance(wish, dict) or "error" in wish:
            told = {"code": "40001", "msg": "Missing Required Arguments", "subCode": "isv.missing-encrypt-key"}
            plain = json.dumps(told)
            return jsonify(response=plain, sign=sign(plain.encode(), key))
        told = {"code": "10000", "msg": "Success", "mobile": str(wish.get("phone", ""))}
        sealed = seal_phone(json.dumps(told), ground.secrets.both(f"{app.code}.content_key")[-1])
        return jsonify(response=sealed, sign=sign(f'"{sealed}"'.encode(), key))


def alipay_error(ground: Ground, code: str) -> Response:
    """An error of the gateway by its code, signed."""
    return _answer(ground, "error_response", _fault(code, FAULTS.get(code, ("", "isv.unknown-error"))[1]))


def _fault(code: str, sub_code: str) -> dict[str, Any]:
    return {"code": code, "msg": FAULTS.get(code, ("Error", ""))[0], "sub_code": sub_code, "sub_msg": "见 {文档}"}


def _answer(ground: Ground, name: str, told: dict[str, Any]) -> Response:
    """Written as Alipay writes: the member signed as it stands, `sign` behind it."""
    member = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
    signature = sign(member.encode(), _key(ground))
    behind = f'"sign":"{signature}"{_certificate(ground)}'
    return Response(f'{{"{name}":{member},{behind}}}', content_type="text/html;charset=utf-8")


def _certificate(ground: Ground) -> str:
    """In certificate mode an answer names the platform's certificate."""
    if _app(ground).key_mode == "public-key":
        return ""
    known = ground.secrets.both(f"{_app(ground).code}.platform_key")[-1]
    return f',"alipay_cert_sn":"{certificate_sn(known)}"'


def _checked_app(ground: Ground, parameters: dict[str, str]) -> Entrance:
    app = next((one for one in _apps(ground) if one.app_id == parameters.get("app_id")), None)
    if app is None:
        raise Refused("40002", "isv.invalid-app-id")
    # Alipay knows one key of an app: the successor, as soon as there is one.
    ours = load_private_key(ground.secrets.both(f"{app.code}.private_key")[-1]).public_key()
    try:
        verify(text_to_sign(parameters), parameters.get("sign", ""), ours)
    except Unverified:
        raise Refused("40002", "isv.invalid-signature") from None
    earliest, latest = (_stamp(ground.clock.now() + slack) for slack in (-CLOCK_SLACK_MS, CLOCK_SLACK_MS))
    if not earliest <= parameters.get("timestamp", "") <= latest:
        raise Refused("40002", "isv.invalid-timestamp")
    if parameters.get("app_cert_sn", "") != app.app_cert_sn:
        raise Refused("40002", "isv.invalid-app-cert-sn")
    if parameters.get("method") != METHOD or parameters.get("grant_type") != "authorization_code":
        raise Refused("40002", "isv.invalid-method")
    return app


def _stamp(ms: int) -> str:
    return shanghai(ms).strftime("%Y-%m-%d %H:%M:%S")


def _apps(ground: Ground) -> list[Entrance]:
    return [one for one in ground.catalogues.current().entrances if one.kind == "alipay-applet"]


def _app(ground: Ground) -> Entrance:
    return _apps(ground)[0]


def _key(ground: Ground) -> Any:
    return load_private_key(ground.secrets.get(f"{_app(ground).code}.sandbox_key"))
