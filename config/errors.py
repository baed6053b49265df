"""The errors of this folder, as a tree.

OneCertError                 the one base of the whole project
└── ConfigError              the base of this folder
    ├── SettingInvalid       a variable of the environment is missing, malformed or weak
    ├── CatalogueInvalid     the catalogue's document has faults
    ├── SecretMissing        a secret that the catalogue names was never set
    ├── SealBroken           a sealed field or token was not made by us, or not for this place
    ├── KeysUnavailable      the key ring cannot be opened just now
    ├── DatabaseUnavailable  the database does not answer
    ├── KeyTaken             a key that was drawn belongs to another row already
    ├── RedisUnavailable     Redis does not answer where an answer is needed
    ├── SignatureInvalid     a signed request is not genuine, not fresh or not new
    └── CallError            an outgoing HTTP call without an answer
        ├── NotSentError     certainly nothing reached the other side
        └── NoAnswerError    something may have reached the other side
"""

from typing import Any, Final

RETRY_SOON_S: Final = 5
"""Default Retry-After in seconds when one of our own components is down: long enough to restart it."""

CALL_REASONS: Final = {
    "url": "this is no address to call",
    "dns": "its name is unknown",
    "private": "its address is not on the public internet, which the catalogue does not allow",
    "refused": "nobody listens there, or a firewall refuses",
    "timeout": "there was no answer in time",
    "tls": "TLS failed; is its authority among those of ONECERT_CA_FILE?",
    "too_large": "the answer is too large",
    "broken": "the connection ended before the answer did",
}
"""Reasons of calls that failed, and each as a sentence for an operator."""


class OneCertError(Exception):
    """An expected failure. `app.py` renders it as problem+json.

    `code` is stable and public, `status` the HTTP status, `detail` one sentence without personal
    data, `extra` further members of the problem (`retry_after` in seconds, `tries_left`).
    """

    code: str = "internal"
    status: int = 500

    def __init__(self, detail: str = "", **extra: str | int) -> None:
        super().__init__(detail)
        self.detail = detail
        self.extra: dict[str, Any] = {**extra}


class ConfigError(OneCertError):
    """The base of what the ground raises."""


class SettingInvalid(ConfigError):
    """A setting is missing, malformed or too weak; the process must not start."""

    code = "setting_invalid"


class CatalogueInvalid(ConfigError):
    """The catalogue's document is refused, or none is in force that holds; `detail` has every fault, one a line."""

    code = "catalogue_invalid"
    status = 503


class SecretMissing(ConfigError):
    """A secret was never set; `onecert config secret set NAME` mends it."""

    code = "secret_missing"
    status = 503


class SealBroken(ConfigError):
    """A sealed value is damaged, foreign, or sealed for another place."""

    code = "seal_broken"


class KeysUnavailable(ConfigError):
    """The key ring cannot be opened: nothing is sealed, opened or sent meanwhile."""

    code = "unavailable"
    status = 503


class DatabaseUnavailable(ConfigError):
    """The database refuses, is gone, or is too busy. Whether a commit took effect is unknown."""

    code = "unavailable"
    status = 503


class KeyTaken(ConfigError):
    """A key that was drawn at random belongs to another row already; `transact` runs its work again."""

    code = "unavailable"
    status = 503


class RedisUnavailable(ConfigError):
    """Redis is needed for this answer (a limit, a nonce) and does not give it: fail closed."""

    code = "unavailable"
    status = 503


class SignatureInvalid(ConfigError):
    """A request's signature is missing, wrong, too old, too new, or was seen before."""

    code = "signature_invalid"
    status = 401


class CallError(ConfigError):
    """An outgoing HTTP call without an answer; `reason` is a word of CALL_REASONS, `host` whom it was to reach."""

    code = "unavailable"
    status = 503

    def __init__(self, reason: str, host: str = "") -> None:
        super().__init__(f"the call failed: {reason}")
        self.reason = reason
        self.host = host


class NotSentError(CallError):
    """Certainly no byte of the request reached the other side: it may be sent again."""


class NoAnswerError(CallError):
    """The request, or a part of it, may have reached the other side; what it did is unknown."""
