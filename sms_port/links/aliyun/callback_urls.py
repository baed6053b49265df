"""Capability URLs for vendors that do not sign callbacks: the path contains an HMAC of the link's secret. (pure)

It gives access to nothing but the two callbacks, and changes with the secret.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

from config.crypto.suites import hmac_equal

CALLBACK_KINDS = ("receipts", "inbound")


def callback_path(link: str, secret: str, kind: str) -> str:
    """Return `/sms/<link>/aliyun/<32 hexadecimal digits>/receipts` or `…/inbound`."""
    return f"/sms/{link}/aliyun/{_token(link, secret)}/{kind}"


def matches(link: str, secrets: Iterable[str], given: str) -> bool:
    """Return whether this is the token of one of the link's secrets, in constant time."""
    return any([hmac_equal(_token(link, secret).encode(), given.encode()) for secret in secrets])


def _token(link: str, secret: str) -> str:
    return hmac.new(secret.encode(), f"onecert callbacks {link}".encode(), hashlib.sha256).hexdigest()[:32]
