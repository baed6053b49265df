"""Single-use credentials of mini programs: login codes and phone credentials.

Here is decided what holds for every platform: a code that was used is refused before anybody is asked, and a credential
is taken only in a session of the entrance that it belongs to. The platforms' own words are in the files below.
"""

from __future__ import annotations

import re

from config.catalogue.schema import Entrance
from config.ground import Ground
from miniprogram_api.errors import (
    EntranceMismatch,
    LoginCodeInvalid,
    LoginCodeUsed,
    LoginTooOld,
    LoginUnavailable,
    PhoneCredentialInvalid,
    PhoneCredentialUsed,
)
from miniprogram_api.logins import alipay, wechat
from query.access.door import Credential
from query.access.errors import PlatformUnavailable
from query.access.sessions import Session
from query.access.single_use import OnceOnly
from query.intake.fields import parse_phone

CODE_LIFE_S = 300
CREDENTIAL_MEMORY_S = 24 * 3600
"""Alipay's phone credential bears no time, so it is remembered for longer than any login that may bring it."""
FRESH_LOGIN_MS = 5 * 60 * 1000
CODE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,510}[\x21-\x7e])?")

APPLETS = ("wechat-applet", "alipay-applet")


def log_in(ground: Ground, entrance: Entrance, code: str) -> str:
    """Exchange a login code of this mini program for an openid.

    Raises LoginUnavailable, LoginCodeInvalid, LoginCodeUsed, LoginRefused, PlatformUnavailable, LimiterUnavailable.
    """
    if not entrance.base_url:
        raise LoginUnavailable()
    if CODE.fullmatch(code) is None:
        raise LoginCodeInvalid()
    once = OnceOnly(ground.redis, ground.keys)
    # Not by entrance: one mini program's code at another one's door is refused as well.
    if not once.take("login", code, CODE_LIFE_S):
        raise LoginCodeUsed()
    fetch = {"wechat-applet": wechat.fetch_openid, "alipay-applet": alipay.fetch_openid}[entrance.kind]
    try:
        return fetch(ground, entrance, code)
    except PlatformUnavailable as failed:
        if not failed.spent:
            once.give_back("login", code)
        raise


def read_phone(ground: Ground, session: Session, credential: Credential) -> str:
    """Exchange a phone credential for the number, eleven digits.

    Raises EntranceMismatch, LoginTooOld, PhoneCredentialInvalid, PhoneCredentialUsed, PhoneNumberUnavailable,
    PhoneInvalid, PlatformUnavailable, LimiterUnavailable.
    """
    entrance = ground.catalogues.current().entrance(session.entrance)
    if entrance is None or entrance.kind not in APPLETS or not entrance.base_url or session.openid is None:
        raise EntranceMismatch()
    if (entrance.kind == "wechat-applet") != (credential.code is not None):
        raise EntranceMismatch()
    if credential.code is not None:
        return parse_phone(_wechat_phone(ground, entrance, session.openid, credential.code))
    return parse_phone(_alipay_phone(ground, entrance, session, credential))


def _wechat_phone(ground: Ground, entrance: Entrance, openid: str, code: str) -> str:
    if CODE.fullmatch(code) is None:
        raise PhoneCredentialInvalid()
    once = OnceOnly(ground.redis, ground.keys)
    if not once.take("phone", code, CODE_LIFE_S):
        raise PhoneCredentialUsed()
    try:
        return wechat.fetch_phone(ground, entrance, openid, code)
    except PlatformUnavailable as failed:
        if not failed.spent:
            once.give_back("phone", code)
        raise


def _alipay_phone(ground: Ground, entrance: Entrance, session: Session, credential: Credential) -> str:
    if ground.clock.now() - session.issued_at >= FRESH_LOGIN_MS:
        raise LoginTooOld()
    phone = alipay.fetch_phone(ground, entrance, credential.response or "", credential.sign or "")
    # Only a verified one is remembered, by what was signed: a signature has more than one spelling.
    if not OnceOnly(ground.redis, ground.keys).take("phone", credential.response or "", CREDENTIAL_MEMORY_S):
        raise PhoneCredentialUsed()
    return phone
