"""WeChat's mini programs: a login code for an openid, a phone code for a number. The only calls to WeChat here.

The session key that comes with the openid is not read: nothing of ours needs it, and what is not kept cannot leak.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from config.catalogue.schema import Entrance
from config.ground import Ground
from config.platforms import wechat_calls
from config.platforms.errors import PlatformAway, PlatformRefused
from config.platforms.wechat_client import WeChatClient
from config.platforms.wechat_errcodes import ErrcodeAction
from miniprogram_api.errors import (
    ApiError,
    LoginCodeInvalid,
    LoginCodeUsed,
    LoginRefused,
    PhoneCredentialInvalid,
    PhoneCredentialUsed,
    PhoneNumberUnavailable,
)
from miniprogram_api.logins.platform_call import BUSY_STATUSES
from query.access.errors import PlatformUnavailable
from query.errors import PhoneInvalid

FRESH_MS = 5 * 60 * 1000
MAINLAND = "86"
WAITS_S = {ErrcodeAction.RETRY: 5, ErrcodeAction.MINUTE: 60}
"""Seconds to wait when WeChat is busy, or this user asked too often; neither uses up the code."""

LOGIN_REFUSALS: dict[int, type[ApiError]] = {40029: LoginCodeInvalid, 40163: LoginCodeUsed, 40226: LoginRefused}
PHONE_REFUSALS: dict[int, type[ApiError]] = {
    40029: PhoneCredentialInvalid,
    40163: PhoneCredentialUsed,
    40003: PhoneCredentialInvalid,  # the code belongs to another openid
    1400001: PhoneNumberUnavailable,  # what was paid for is used up
    45009: PhoneNumberUnavailable,  # the day's calls are used up
    48001: PhoneNumberUnavailable,  # the mini program has not the right
}
"""Every other code is ours to mend or to wait for: see `_refusals`."""

Shape = TypeVar("Shape", bound=BaseModel)


class _Login(BaseModel):
    model_config = ConfigDict(strict=True, hide_input_in_errors=True)
    openid: str = Field(min_length=1, max_length=128, repr=False)


class _Watermark(BaseModel):
    model_config = ConfigDict(strict=True, hide_input_in_errors=True)
    timestamp: int
    appid: str


class PhoneInfo(BaseModel):
    """The member of WeChat's answer with the number and its watermark (app id, time)."""

    model_config = ConfigDict(strict=True, hide_input_in_errors=True, populate_by_name=True)
    phone: str = Field(alias="purePhoneNumber", repr=False)
    country: str | int = Field(alias="countryCode")
    watermark: _Watermark


class _Phone(BaseModel):
    model_config = ConfigDict(strict=True, hide_input_in_errors=True)
    phone_info: PhoneInfo = Field(repr=False)


def fetch_openid(ground: Ground, entrance: Entrance, code: str) -> str:
    """Exchange a login code for the openid.

    Raises LoginCodeInvalid, LoginCodeUsed, LoginRefused, PlatformUnavailable.
    """
    with _refusals(LOGIN_REFUSALS):
        answer = _client(ground, entrance).wxa.code_to_session(code)
    return _as(_Login, answer).openid


def fetch_phone(ground: Ground, entrance: Entrance, openid: str, code: str) -> str:
    """Exchange this citizen's phone code for the number, eleven digits or more as WeChat has it.

    Raises PhoneCredentialInvalid, PhoneCredentialUsed, PhoneNumberUnavailable, PhoneInvalid (not of the mainland),
    PlatformUnavailable.
    """
    client = _client(ground, entrance)
    with _refusals({}, spent=False):
        client.session.token()  # the citizen's code has gone nowhere yet
    with _refusals(PHONE_REFUSALS):
        answer = client.wxa.get_user_phone_number(code, openid)
    return judge_phone(_as(_Phone, answer).phone_info, entrance.app_id, ground.clock.now())


def judge_phone(info: PhoneInfo, app_id: str, now: int) -> str:
    """Return the number, if it was given to this app within 5 minutes and is a mainland one. Pure."""
    if info.watermark.appid != app_id or abs(now - info.watermark.timestamp * 1000) > FRESH_MS:
        raise PhoneCredentialInvalid()
    if str(info.country) != MAINLAND:
        raise PhoneInvalid("only mainland mobile numbers can be asked about")
    return info.phone


def _client(ground: Ground, entrance: Entrance) -> WeChatClient:
    return WeChatClient(ground, entrance, wechat_calls.ATTENDED)


@contextmanager
def _refusals(refusals: Mapping[int, type[ApiError]], *, spent: bool = True) -> Iterator[None]:
    """Turn the platform's errcodes into errors for the citizen; `spent`: the code may have been used by this call."""
    try:
        yield
    except PlatformAway as away:
        used = spent and away.sent and away.answered not in BUSY_STATUSES
        raise PlatformUnavailable(away.detail, spent=used) from None
    except PlatformRefused as refused:
        if refused.errcode in refusals:
            raise refusals[refused.errcode]() from None
        if refused.action in WAITS_S:
            raise PlatformUnavailable(str(refused.errcode), WAITS_S[refused.action], spent=False) from None
        raise PlatformUnavailable(str(refused.errcode), spent=spent) from None


def _as(shape: type[Shape], answer: Mapping[str, Any]) -> Shape:
    try:
        return shape.model_validate(answer)
    except ValidationError:
        raise PlatformUnavailable("garbage") from None
