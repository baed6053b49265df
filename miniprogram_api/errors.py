"""Errors of the JSON API. OneCertError > ApiError > BodyInvalid, BodyTooLarge, SessionInvalid, ...

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


class LoginUnavailable(ApiError):
    """The entrance is known, but has no `url`: its platform's login is not switched on here."""

    code = "login_unavailable"
    status = 422

    def __init__(self) -> None:
        super().__init__("This mini program's login is not switched on.", field="entrance")


class LoginCodeInvalid(ApiError):
    """The platform does not know the login code: empty, made up, another mini program's, or over 5 minutes old."""

    code = "login_code_invalid"
    status = 422

    def __init__(self) -> None:
        super().__init__("Take a new login code from the platform.", field="code")


class LoginCodeUsed(ApiError):
    """A login code opens one session, once."""

    code = "login_code_used"
    status = 422

    def __init__(self) -> None:
        super().__init__("This login code was used before; take a new one from the platform.", field="code")


class LoginRefused(ApiError):
    """The platform itself holds this user back (WeChat's 40226, a high-risk user)."""

    code = "login_refused"
    status = 403

    def __init__(self) -> None:
        super().__init__("The platform refuses this user's login.", field="code")


class LoginTooOld(ApiError):
    """The platform's credential bears no time, so only a fresh login may bring one."""

    code = "login_too_old"
    status = 422

    def __init__(self) -> None:
        super().__init__("Open a new session first; this one is older than 5 minutes.")


class EntranceMismatch(ApiError):
    """The credential belongs to another kind of entrance than the session's."""

    code = "entrance_mismatch"
    status = 422

    def __init__(self) -> None:
        super().__init__("This session's entrance does not take that.")


class PhoneCredentialInvalid(ApiError):
    """The platform does not know the phone credential, or it is not signed for this mini program and this citizen."""

    code = "phone_credential_invalid"
    status = 422

    def __init__(self) -> None:
        super().__init__("Let the citizen press the button again, or type the number.")


class PhoneCredentialUsed(ApiError):
    """A phone credential is good once."""

    code = "phone_credential_used"
    status = 422

    def __init__(self) -> None:
        super().__init__("This phone credential was used before; let the citizen press the button again.")


class PhoneNumberUnavailable(ApiError):
    """The platform tells no number now: the quota is used up, or the right was not given."""

    code = "phone_number_unavailable"
    status = 422

    def __init__(self) -> None:
        super().__init__("The platform does not tell the number; let the citizen type it.")


class RouteUnknown(ApiError):
    """There is nothing at this address."""

    code = "not_found"
    status = 404


class MethodNotAllowed(ApiError):
    """The address exists, but not for this method."""

    code = "method_not_allowed"
    status = 405
