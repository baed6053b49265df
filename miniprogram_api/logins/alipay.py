"""Alipay's mini programs: a login code for the user's id, a sealed phone credential for a number.

The only calls to Alipay. What comes back with the user's id (tokens for further calls) is not kept.
"""

from __future__ import annotations

from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa

from config.catalogue.schema import Entrance
from config.crypto.rsa_keys import load_private_key, load_public_key
from config.ground import Ground
from config.telemetry.log import get_logger
from miniprogram_api.errors import LoginCodeInvalid, LoginRefused, PhoneCredentialInvalid, PhoneNumberUnavailable
from miniprogram_api.logins.alipay_certificates import certificate_sn
from miniprogram_api.logins.alipay_protocol import SUCCESS, Answer, Unverified, build_request, open_phone, parse_answer
from miniprogram_api.logins.platform_call import ask_platform
from query.access.errors import PlatformUnavailable

EXCHANGE = "alipay.system.oauth.token"
FORM = "application/x-www-form-urlencoded;charset=utf-8"
LONGEST_ID = 128

CODE_REFUSALS = frozenset({"isv.code-invalid", "isv.code-expired", "isv.code-is-used", "isv.grant-type-invalid"})
USER_REFUSALS = frozenset({"isv.user-forbidden", "isv.invalid-user", "aop.user-risk-control"})
BUSY = {"20000": 5, "40005": 60}
"""Seconds to wait when Alipay is busy, or we asked too often; neither takes the code."""

log = get_logger(__name__)


def fetch_openid(ground: Ground, entrance: Entrance, code: str) -> str:
    """The user's id at Alipay (`open_id`, or `user_id` of older mini programs) that a login code stands for.

    Raises LoginCodeInvalid, LoginRefused, PlatformUnavailable.
    """
    fields = {"grant_type": "authorization_code", "code": code}
    told = _call(ground, entrance, EXCHANGE, fields)
    if told.failed:
        raise _refusal(told.members, entrance)
    openid = told.members.get("open_id") or told.members.get("user_id")
    if not isinstance(openid, str) or len(openid) > LONGEST_ID:
        raise PlatformUnavailable("garbage")
    return openid


def fetch_phone(ground: Ground, entrance: Entrance, response: str, signature: str) -> str:
    """The number that `my.getPhoneNumber` gave. Raises PhoneCredentialInvalid, PhoneNumberUnavailable."""
    content_key = ground.secrets.get(f"{entrance.code}.content_key")
    try:
        told = open_phone(response, signature, _platform_key(ground, entrance), content_key)
    except Unverified:
        raise PhoneCredentialInvalid() from None
    if told.get("code") != SUCCESS:
        log.warning("platform_tells_no_number", entrance=entrance.code, reason=_word(told, "subCode", "sub_code"))
        raise PhoneNumberUnavailable()
    phone = told.get("mobile")
    if not isinstance(phone, str):
        raise PhoneCredentialInvalid()
    return phone


def _call(ground: Ground, entrance: Entrance, method: str, fields: dict[str, str]) -> Answer:
    query, body = build_request(
        method,
        fields,
        app_id=entrance.app_id,
        private_key=load_private_key(ground.secrets.get(f"{entrance.code}.private_key")),
        now=ground.clock.now(),
        certificates=_certificates(entrance),
    )
    answer = ask_platform(ground, entrance, f"{entrance.base_url}?{query}", body, FORM)
    known = certificate_sn(_platform_text(ground, entrance)) if entrance.key_mode == "certificate" else ""
    try:
        return parse_answer(answer, method, _platform_key(ground, entrance), certificate=known)
    except Unverified as unverified:
        log.error("platform_alarm", entrance=entrance.code, reason=str(unverified))
        raise PlatformUnavailable("unverified") from None


def _refusal(told: Any, entrance: Entrance) -> LoginCodeInvalid | LoginRefused | PlatformUnavailable:
    code, reason = _word(told, "code"), _word(told, "sub_code")
    if reason in CODE_REFUSALS:
        return LoginCodeInvalid()
    if reason in USER_REFUSALS:
        return LoginRefused()
    if code in BUSY:
        return PlatformUnavailable(code, BUSY[code], spent=False)
    log.error("platform_alarm", entrance=entrance.code, errcode=code, reason=reason)
    return PlatformUnavailable(code)


def _word(told: Any, *names: str) -> str:
    """One of Alipay's own words, cut short: it goes to the log."""
    return next((str(told[name])[:64] for name in names if name in told), "")


def _certificates(entrance: Entrance) -> dict[str, str]:
    if entrance.key_mode == "public-key":
        return {}
    return {"app_cert_sn": entrance.app_cert_sn, "alipay_root_cert_sn": entrance.root_cert_sn}


def _platform_text(ground: Ground, entrance: Entrance) -> str:
    return ground.secrets.get(f"{entrance.code}.platform_key")


def _platform_key(ground: Ground, entrance: Entrance) -> rsa.RSAPublicKey:
    return load_public_key(_platform_text(ground, entrance))
