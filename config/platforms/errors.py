"""Errors of calls to WeChat's API.

PlatformError
├── PlatformAway      503  the platform gave no answer, or may not be asked just now
└── PlatformRefused   502  the platform answered with an errcode
"""

from __future__ import annotations

from config.errors import OneCertError
from config.platforms.wechat_errcodes import ErrcodeAction


class PlatformError(OneCertError):
    """Base of this folder."""

    code = "platform"
    status = 503


class PlatformAway(PlatformError):
    """No answer. `sent`: something may have reached the platform; `answered`: the HTTP status that came, or 0."""

    code = "platform_away"

    def __init__(self, detail: str, *, sent: bool, answered: int = 0) -> None:
        super().__init__(detail)
        self.sent = sent
        self.answered = answered


class PlatformRefused(PlatformError):
    """An errcode, with the action to take and WeChat's request id."""

    code = "platform_refused"
    status = 502

    def __init__(self, errcode: int, action: ErrcodeAction, rid: str = "") -> None:
        super().__init__(f"WeChat refused with errcode {errcode} ({action.value}){f', rid {rid}' if rid else ''}.")
        self.errcode = errcode
        self.action = action
        self.rid = rid
