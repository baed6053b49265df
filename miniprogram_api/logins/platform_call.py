"""One call to a mini program's platform, bounded in time and size; its failures become ours here."""

from __future__ import annotations

from typing import Any

from config.catalogue.schema import Entrance
from config.errors import CallError, NotSentError
from config.ground import Ground
from config.telemetry.log import get_logger
from query.access.errors import PlatformUnavailable

LARGEST_ANSWER = 64 * 1024
CONNECT_S, READ_S, TOTAL_S = 2.0, 3.0, 4.0
"""A citizen waits for it with the page open."""

BUSY_STATUSES = (429, 503)
"""The platform says that it did nothing with the request."""

log = get_logger(__name__)


def ask_platform(
    ground: Ground, entrance: Entrance, url: str, body: bytes | None = None, content_type: str = "application/json"
) -> bytes:
    """POST `body` (GET without one) and return the body of the answer. Raises PlatformUnavailable."""
    limits: Any = {"connect": CONNECT_S, "read": READ_S, "total": TOTAL_S, "cap": LARGEST_ANSWER}
    try:
        if body is None:
            answer = ground.http.get(url, **limits)
        else:
            answer = ground.http.post(url, body, {"Content-Type": content_type}, **limits)
    except CallError as error:
        log.warning("platform_away", entrance=entrance.code, reason=error.reason)
        raise PlatformUnavailable(error.reason, spent=not isinstance(error, NotSentError)) from None
    if answer.status != 200:
        log.warning("platform_away", entrance=entrance.code, reason=str(answer.status))
        raise PlatformUnavailable(f"status {answer.status}", spent=answer.status not in BUSY_STATUSES)
    return answer.body
