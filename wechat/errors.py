"""Errors of the official accounts' webhook, menus and commands.

WeChatError
├── BadPush            400  not a push this door understands
│   ├── SignatureWrong 403  not signed by WeChat for this account, stale, or meant for another account
│   └── PushTooLarge   413  a body over the cap
├── AccountUnknown     404  no official account of that code in the catalogue
├── AccountUnready     503  an official account that still lacks a secret
├── ServiceClosed      503  a form of a service that is switched off
├── CookiesMissing     401  a form from a browser that keeps no cookies
├── PageForeign        404  a page whose host may not use the JS-SDK in an account's name
├── MenuInvalid        422  the catalogue's menu breaks a limit of the platform
└── PlayFailed         502  `onecert account push` got something a WeChat client would not show
"""

from __future__ import annotations

from config.errors import OneCertError


class WeChatError(OneCertError):
    """Base of this folder."""

    code = "wechat"


class BadPush(WeChatError):
    """A request to the webhook that is not a well-formed push."""

    code = "push_invalid"
    status = 400


class SignatureWrong(BadPush):
    """A request that WeChat did not sign for this account, or signed too long ago."""

    code = "signature_invalid"
    status = 403


class PushTooLarge(BadPush):
    """A body over the cap."""

    code = "body_too_large"
    status = 413


class AccountUnknown(WeChatError):
    """No official account of that code."""

    code = "not_found"
    status = 404


class AccountUnready(WeChatError):
    """An official account whose token or key was never set; the detail names it, for the log."""

    code = "account_unready"
    status = 503


class ServiceClosed(WeChatError):
    """The form of a service that takes no new inquiries now."""

    code = "unavailable"
    status = 503


class CookiesMissing(WeChatError):
    """A form that came without any cookie: the browser keeps none, or lost them."""

    code = "session_invalid"
    status = 401


class PageForeign(WeChatError):
    """A page that is not on the account's list of hosts."""

    code = "not_found"
    status = 404


class MenuInvalid(WeChatError):
    """A menu that the platform would refuse; the detail names every fault."""

    code = "menu_invalid"
    status = 422


class PlayFailed(WeChatError):
    """The instance under `account push` answered with something WeChat would not take."""

    code = "play_failed"
    status = 502
