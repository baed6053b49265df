"""Where vendors call us back who sign nothing: an address that only they and the operator know (pure).

The path is derived from the link's secret, opens nothing but these two doors, and changes with the secret.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

from config.crypto.suites import hmac_equal

KINDS = ("receipts", "inbound")


def callback_path(link: str, secret: str, kind: str) -> str:
    """`/sms/<link>/aliyun/<32 hexadecimal digits>/receipts` or `…/inbound`."""
    return f"/sms/{link}/aliyun/{_token(link, secret)}/{kind}"


def matches(link: str, secrets: Iterable[str], given: str) -> bool:
    """Whether this is the token of one of the link's secrets; takes as long for every guess."""
    return any([hmac_equal(_token(link, secret).encode(), given.encode()) for secret in secrets])


def _token(link: str, secret: str) -> str:
    return hmac.new(secret.encode(), f"onecert callbacks {link}".encode(), hashlib.sha256).hexdigest()[:32]
