"""Alipay's mini programs: a login code for the user's id, a sealed phone credential for a number.

The only calls to Alipay. What comes back with the user's id (tokens for further calls) is not kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from config.catalogue.schema import Entrance
from config.crypto.rsa_keys import load_private_key, load_public_key
from config.errors import OneCertError
from config.ground import Ground
from config.telemetry.log import get_logger
from miniprogram_api.errors import (
    ApiError,
    LoginCodeInvalid,
    LoginCodeUsed,
    LoginRefused,
    PhoneCredentialInvalid,
    PhoneNumberUnavailable,
)
from miniprogram_api.logins.alipay_certificates import certificate_sn
from miniprogram_api.logins.alipay_protocol import (
    SUCCESS,
    Answer,
    PlatformKey,
    Unverified,
    build_request,
    open_phone,
    parse_answer,
)
from miniprogram_api.logins.platform_call import ask_platform
from query.access.errors import PlatformUnavailable

EXCHANGE = "alipay.system.oauth.token"
FORM = "application/x-www-form-urlencoded;charset=utf-8"
LONGEST_ID = 128

REFUSALS: Mapping[str, type[ApiError]] = {
    "isv.code-invalid": LoginCodeInvalid,
    "isv.code-expired": LoginCodeInvalid,
    "isv.grant-type-invalid": LoginCodeInvalid,
    "isv.unmatched-app-id": LoginCodeInvalid,  # another mini program's code: anybody can bring one
    "isv.code-is-used": LoginCodeUsed,
    "isv.code-used": LoginCodeUsed,
    "isv.user-forbidden": LoginRefused,
    "isv.invalid-user": LoginRefused,
    "aop.user-risk-control": LoginRefused,
}
"""Sub-codes that are about the citizen's code or the citizen. Source: Alipay's page of alipay.system.oauth.token."""
BUSY = {"20000": 5, "40005": 60}
"""Seconds to wait when Alipay is busy, or we asked too often; neither takes the code."""
BUSY_WORDS = re.compile(r"isp\.|.*(system|unknow\w*)[-_. ]?(error|exception)", re.IGNORECASE)
"""Sub-codes of a fault of the platform's own, which comes under other codes than 20000 as well."""
KEY_REFUSALS = frozenset({"isv.invalid-signature", "isv.invalid-app-cert-sn"})
"""Alipay does not (or no longer) know our key."""

log = get_logger(__name__)


def fetch_openid(ground: Ground, entrance: Entrance, code: str) -> str:
    """Exchange a login code for the user's id at Alipay (`open_id`, or `user_id` of older mini programs).

    Raises LoginCodeInvalid, LoginRefused, PlatformUnavailable.
    """
    fields = {"grant_type": "authorization_code", "code": code}
    answer = _call(ground, entrance, EXCHANGE, fields)
    if answer.failed:
        raise find_refusal(answer.members, entrance)
    openid = answer.members.get("open_id") or answer.members.get("user_id")
    if not isinstance(openid, str) or len(openid) > LONGEST_ID:
        raise PlatformUnavailable("garbage")
    return openid


def fetch_phone(ground: Ground, entrance: Entrance, response: str, signature: str) -> str:
    """Open the phone number of `my.getPhoneNumber`. Raises PhoneCredentialInvalid, PhoneNumberUnavailable."""
    content_keys = ground.secrets.both(f"{entrance.code}.content_key")
    public_keys = [key.public for key in _platform_keys(ground, entrance)]
    try:
        members = open_phone(response, signature, public_keys, content_keys)
    except Unverified:
        raise PhoneCredentialInvalid() from None
    if str(members.get("code")) != SUCCESS:
        log.warning(
            "platform_phone_number_refused", entrance=entrance.code, reason=_word(members, "subCode", "sub_code")
        )
        raise PhoneNumberUnavailable()
    phone = members.get("mobile")
    if not isinstance(phone, str):
        raise PhoneCredentialInvalid()
    return phone


def _call(ground: Ground, entrance: Entrance, method: str, fields: dict[str, str]) -> Answer:
    """Call Alipay; once more with the next private key when Alipay refuses the present one."""
    private_keys = ground.secrets.both(f"{entrance.code}.private_key")
    for private_key in private_keys:
        answer = _call_with(ground, entrance, method, fields, private_key)
        if not answer.failed or _word(answer.members, "sub_code") not in KEY_REFUSALS:
            break
    return answer


def _call_with(ground: Ground, entrance: Entrance, method: str, fields: dict[str, str], private_key: str) -> Answer:
    query, body = build_request(
        method,
        fields,
        app_id=entrance.app_id,
        private_key=load_private_key(private_key),
        now=ground.clock.now(),
        certificates=_certificates(entrance),
    )
    answer = ask_platform(ground, entrance, f"{entrance.base_url}?{query}", body, FORM)
    try:
        return parse_answer(answer, method, _platform_keys(ground, entrance))
    except Unverified as unverified:
        log.error("platform_alarm", entrance=entrance.code, reason=str(unverified))
        raise PlatformUnavailable("unverified") from None


def find_refusal(members: Mapping[str, Any], entrance: Entrance) -> OneCertError:
    """Map an error of Alipay's to ours; log an alarm for what only the operator can mend."""
    code, reason = _word(members, "code"), _word(members, "sub_code")
    if refusal := REFUSALS.get(reason.casefold()):
        return refusal()
    if code in BUSY or BUSY_WORDS.match(reason):
        return PlatformUnavailable(code, BUSY.get(code, BUSY["20000"]), spent=False)
    log.error("platform_alarm", entrance=entrance.code, errcode=code, reason=reason)
    return PlatformUnavailable(code)


def _word(members: Any, *names: str) -> str:
    """Return one of Alipay's codes, cut to 64 characters for the log."""
    return next((str(members[name])[:64] for name in names if name in members), "")


def _certificates(entrance: Entrance) -> dict[str, str]:
    if entrance.key_mode == "public-key":
        return {}
    return {"app_cert_sn": entrance.app_cert_sn, "alipay_root_cert_sn": entrance.root_cert_sn}


def _platform_keys(ground: Ground, entrance: Entrance) -> list[PlatformKey]:
    """Return Alipay's key and its successor, if any; in certificate mode with serial numbers."""
    texts = ground.secrets.both(f"{entrance.code}.platform_key")
    named = entrance.key_mode == "certificate"
    return [PlatformKey(load_public_key(text), certificate_sn(text) if named else "") for text in texts]
