"""What this door itself refuses. OneCertError > ApiError > BodyInvalid, BodyTooLarge, SessionInvalid, ...

The inquiry's own refusals (`phone_invalid`, `code_wrong`, ...) are query's; both end in `problems.py`.
"""

from __future__ import annotations

from config.errors import OneCertError


class ApiError(OneCertError):
    """Base of this folder."""


class BodyInvalid(ApiError):
    """The body or a header is not what the OpenAPI document says; `field` is its path, never its value."""

    code = "body_invalid"
    status = 400


class ContentTypeInvalid(BodyInvalid):
    """A body that does not claim to be JSON is not parsed at all."""

    status = 415


class BodyTooLarge(ApiError):
    """More than 8 KiB, whatever Content-Length said."""

    code = "body_too_large"
    status = 413


class SessionInvalid(ApiError):
    """No token, not ours, or over. One answer for all, so that a forger learns nothing."""

    code = "session_invalid"
    status = 401

    def __init__(self) -> None:
        super().__init__("Open a session first: it is missing, not ours, or over.")


class EntranceUnknown(ApiError):
    """The catalogue has no such entrance, or it is not opened with what was sent."""

    code = "entrance_unknown"
    status = 422

    def __init__(self) -> None:
        super().__init__("There is no such entrance, or it is not opened this way.", field="entrance")


class LoginUnavailable(ApiError):
    """The entrance is known, but its platform's login is not switched on here."""

    code = "login_unavailable"
    status = 422

    def __init__(self) -> None:
        super().__init__("This mini program's login is not switched on.", field="entrance")


class LimitReached(ApiError):
    """A budget is used up. Extras: `retry_after` seconds, `limit` the budget's name."""

    code = "limit_reached"
    status = 429

    def __init__(self, limit: str, retry_after: int) -> None:
        super().__init__("Too many requests; try again later.", limit=limit, retry_after=retry_after)


class LimiterUnavailable(ApiError):
    """The counters cannot be read, so nothing is sent and nothing opened."""

    code = "unavailable"
    status = 503

    def __init__(self) -> None:
        super().__init__("The service is not available; try again soon.", retry_after=RETRY_SOON_S)


class RouteUnknown(ApiError):
    """There is nothing at this address."""

    code = "not_found"
    status = 404


class MethodNotAllowed(ApiError):
    """The address exists, but not for this method."""

    code = "method_not_allowed"
    status = 405


RETRY_SOON_S = 5
"""What a client is told to wait when a part of ours is down: long enough to restart it, short enough to stay."""
