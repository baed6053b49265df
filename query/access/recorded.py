"""Records what became of a request as a security event: let in, or refused with which code and by which limit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from config.errors import OneCertError
from config.ground import Ground
from config.telemetry.security_events import record


@contextmanager
def recorded(ground: Ground, event: str, **told: Any) -> Iterator[dict[str, Any]]:
    """Record `event` when the block ends, with its outcome; what becomes known meanwhile is added to the dictionary."""
    try:
        yield told
    except OneCertError as error:
        record(ground.keys, event, **told, outcome=error.code, limit=str(error.extra.get("limit", "")))
        raise
    record(ground.keys, event, **told)
