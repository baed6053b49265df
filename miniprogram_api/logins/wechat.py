"""WeChat's mini programs: a login code for an openid, a phone code for a number. The only calls to WeChat here.

The session key that comes with the openid is not read: nothing of ours needs it, and what is not kept cannot leak.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from config.catalogue.schema import Entrance
from config.ground import Ground
from config.platforms.access_tokens import Fetched, Kept, TokenStore
from config.platforms.wechat_errcodes import ALARMING, Course, course_of
from config.telemetry.log import get_logger
from miniprogram_api.errors import (
    ApiError,
    LoginCodeInvalid,
    LoginCodeUsed,
    LoginRefused,
    PhoneCredentialInvalid,
    PhoneCredentialUsed,
    PhoneNumberUnavailable,
)
from miniprogram_api.logins.platform_call import ask_platform
from query.access.errors import PlatformUnavailable
from query.errors import PhoneInvalid

FRESH_MS = 5 * 60 * 1000
MAINLAND = "86"
MOMENT_S, MINUTE_S = 5, 60
"""How long to wait when WeChat is busy, or this user asked too often; neither takes the code."""

TOKEN_PATH = "/cgi-bin/stable_token"  # noqa: S105  # nosec B105
LOGIN_REFUSALS: dict[int, type[ApiError]] = {40029: LoginCodeInvalid, 40163: LoginCodeUsed, 40226: LoginRefused}
PHONE_REFUSALS: dict[int, type[ApiError]] = {
    40029: PhoneCredentialInvalid,
    40163: PhoneCredentialUsed,
    40003: PhoneCredentialInvalid,  # the code belongs to another openid
    1400001: PhoneNumberUnavailable,  # what was paid for is used up
    45009: PhoneNumberUnavailable,  # the day's calls are used up
    48001: PhoneNumberUnavailable,  # the mini program has not the right
}
"""Every other code is ours to mend or to wait for: see `_raise_refusal`."""

Shape = TypeVar("Shape", bound=BaseModel)

log = get_logger(__name__)


class _Login(BaseModel):
    model_config = ConfigDict(strict=True, hide_input_in_errors=True)
    openid: str = Field(min_length=1, max_length=128, repr=False)


class _Token(BaseModel):
    model_config = ConfigDict(strict=True, hide_input_in_errors=True)
    access_token: str = Field(min_length=1, max_length=1024, repr=False)
    expires_in: int = Field(ge=1, le=86_400)


class _Watermark(BaseModel):
    model_config = ConfigDict(strict=True, hide_input_in_errors=True)
    timestamp: int
    appid: str


class PhoneInfo(BaseModel):
    """The member of WeChat's answer that holds the number and says whom it was given to, and when."""

    model_config = ConfigDict(strict=True, hide_input_in_errors=True, populate_by_name=True)
    phone: str = Field(alias="purePhoneNumber", repr=False)
    country: str | int = Field(alias="countryCode")
    watermark: _Watermark


class _Phone(BaseModel):
    model_config = ConfigDict(strict=True, hide_input_in_errors=True)
    phone_info: PhoneInfo = Field(repr=False)


def fetch_openid(ground: Ground, entrance: Entrance, code: str) -> str:
    """The openid that a login code stands for.

    Raises LoginCodeInvalid, LoginCodeUsed, LoginRefused, PlatformUnavailable.
    """
    asked = {"appid": entrance.app_id, "secret": _secret(ground, entrance), "js_code": code}
    told = _get(ground, entrance, "/sns/jscode2session", asked | {"grant_type": "authorization_code"})
    _raise_refusal(told, entrance, LOGIN_REFUSALS)
    return _as(_Login, told).openid


def fetch_phone(ground: Ground, entrance: Entrance, openid: str, code: str) -> str:
    """The number, eleven digits or more as WeChat has it, that this citizen's phone code stands for.

    Raises PhoneCredentialInvalid, PhoneCredentialUsed, PhoneNumberUnavailable, PhoneInvalid (not of the mainland),
    PlatformUnavailable.
    """
    told = _with_token(ground, entrance, "/wxa/business/getuserphonenumber", {"code": code, "openid": openid})
    _raise_refusal(told, entrance, PHONE_REFUSALS)
    return judge_phone(_as(_Phone, told).phone_info, entrance.app_id, ground.clock.now())


def judge_phone(info: PhoneInfo, app_id: str, now: int) -> str:
    """The number, if it was given to this app within 5 minutes and is of the mainland. Pure."""
    if info.watermark.appid != app_id or abs(now - info.watermark.timestamp * 1000) > FRESH_MS:
        raise PhoneCredentialInvalid()
    if str(info.country) != MAINLAND:
        raise PhoneInvalid("only mainland mobile numbers can be asked about")
    return info.phone


def _with_token(ground: Ground, entrance: Entrance, path: str, body: dict[str, str]) -> dict[str, Any]:
    """One call with the access token; once more with a new one when WeChat no longer takes it."""
    tokens, name = TokenStore(ground.redis, ground.keys, ground.clock, "wechat-applet-token"), _app(ground, entrance)

    def ask(token: Kept) -> dict[str, Any]:
        return _post(ground, entrance, f"{path}?{urlencode({'access_token': token.value})}", body)

    kept = tokens.get(name, lambda: _fetch_token(ground, entrance))  # the citizen's code has gone nowhere yet
    told = ask(kept)
    if _course(told) is not Course.REFRESH:
        return told
    tokens.drop(name, kept)
    fresh = tokens.get(name, lambda: _fetch_token(ground, entrance))
    return told if fresh.value == kept.value else ask(fresh)


def _app(ground: Ground, entrance: Entrance) -> str:
    """Named by app and platform: a token of the sandbox is none of the real platform's."""
    return ground.keys.mac("wechat applet", entrance.platform_url, entrance.app_id).hex()[:32]


def _fetch_token(ground: Ground, entrance: Entrance) -> Fetched:
    wish = {"grant_type": "client_credential", "appid": entrance.app_id, "secret": _secret(ground, entrance)}
    try:
        told = _post(ground, entrance, TOKEN_PATH, wish)
        _raise_refusal(told, entrance, {}, at_token=True)
        lent = _as(_Token, told)
    except PlatformUnavailable as failed:
        failed.spent = False
        raise
    return Fetched(lent.access_token, lent.expires_in)


def _raise_refusal(
    told: dict[str, Any], entrance: Entrance, refusals: Mapping[int, type[ApiError]], *, at_token: bool = False
) -> None:
    """Without errcode, or with 0, it is an answer. What somebody must mend raises the alarm, whoever is told of it."""
    course = _course(told, at_token=at_token)
    if course is None:
        return
    errcode = told["errcode"]
    if course in ALARMING:
        log.error("platform_alarm", entrance=entrance.code, errcode=errcode, course=course.value)
    if errcode in refusals:
        raise refusals[errcode]()
    if course in (Course.RETRY, Course.MINUTE):
        raise PlatformUnavailable(str(errcode), MINUTE_S if course is Course.MINUTE else MOMENT_S, spent=False)
    log.warning("platform_refused", entrance=entrance.code, errcode=errcode, course=course.value)
    raise PlatformUnavailable(str(errcode))


def _course(told: dict[str, Any], *, at_token: bool = False) -> Course | None:
    """What to do about the errcode of an answer; None when it has none. Raises PlatformUnavailable for garbage."""
    errcode = told.get("errcode", 0)
    if not isinstance(errcode, int) or isinstance(errcode, bool):
        raise PlatformUnavailable("garbage")
    return course_of(errcode, at_token=at_token) if errcode != 0 else None


def _get(ground: Ground, entrance: Entrance, path: str, query: dict[str, str]) -> dict[str, Any]:
    return _parse(ask_platform(ground, entrance, f"{entrance.base_url}{path}?{urlencode(query)}"))


def _post(ground: Ground, entrance: Entrance, path: str, body: dict[str, str]) -> dict[str, Any]:
    return _parse(ask_platform(ground, entrance, f"{entrance.base_url}{path}", json.dumps(body).encode()))


def _parse(body: bytes) -> dict[str, Any]:
    try:
        told = json.loads(body, strict=False)
    except (ValueError, RecursionError):
        raise PlatformUnavailable("garbage") from None
    if not isinstance(told, dict):
        raise PlatformUnavailable("garbage")
    return told


def _as(shape: type[Shape], told: dict[str, Any]) -> Shape:
    try:
        return shape.model_validate(told)
    except ValidationError:
        raise PlatformUnavailable("garbage") from None


def _secret(ground: Ground, entrance: Entrance) -> str:
    return ground.secrets.get(f"{entrance.code}.app_secret")
