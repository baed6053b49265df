"""Security events: who was let in, who was refused and by which limit. Counted, and written to the log.

Address blocks, sessions and numbers stand there as MACs, so that the lines of one of them can be found together and
none of them can be read. A flood must not fill the disk: of events that are alike, one line in ten seconds tells how
many there were.
"""

from __future__ import annotations

import threading
import time
from typing import Final, Protocol, TypeAlias

from config.telemetry.log import get_logger
from config.telemetry.metrics import count_security_event

SESSION: Final = "session"
"""The part of a line that names a session."""
ALIKE_S: Final = 10.0
MOST_KINDS: Final = 10_000
LINES_PER_S: Final = 100

_Kind: TypeAlias = tuple[str, ...]
_log = get_logger("security")


class Macs(Protocol):
    """Makes MACs: the key ring."""

    def mac(self, purpose: str, *parts: bytes | str | int) -> bytes:
        """A MAC of 32 bytes over the parts, for this purpose."""
        ...


class _Lines:
    """Decides which events get a line. Threads share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[_Kind, tuple[float, int]] = {}
        self._second, self._written = 0, 0

    def admit(self, kind: _Kind, now: float) -> int:
        """Count an event at `now` (monotonic s); returns how many the line stands for, or 0 for no line."""
        with self._lock:
            since, count = self._seen.get(kind, (0.0, 0))
            if now - since < ALIKE_S or not self._room(now):
                if len(self._seen) < MOST_KINDS or kind in self._seen:
                    self._seen[kind] = (since, count + 1)
                return 0
            if len(self._seen) >= MOST_KINDS:
                self._seen = {one: entry for one, entry in self._seen.items() if now - entry[0] < ALIKE_S}
            self._seen[kind] = (now, 0)
            return count + 1

    def _room(self, now: float) -> bool:
        if int(now) != self._second:
            self._second, self._written = int(now), 0
        self._written += 1
        return self._written <= LINES_PER_S


_lines = _Lines()


def record(
    keys: Macs,
    event: str,
    *,
    outcome: str = "ok",
    limit: str = "",
    entrance: str = "",
    address: str = "",
    session: bytes = b"",
    phone: str = "",
) -> None:
    """Count an event, and write its line unless a like one was written just now.

    `outcome`: `ok` or the code of the refusal. `address`: the block that budgets are counted by. Never raises.
    """
    count_security_event(event, outcome, limit, entrance)
    number = _lines.admit((event, outcome, limit, entrance, address), time.monotonic())
    if not number:
        return
    parts: dict[str, bytes | str] = {"address": address, SESSION: session, "phone": phone}
    keyed = {name: mac for name, value in parts.items() if value and (mac := _mac(keys, name, value))}
    words = {name: word for name, word in (("limit", limit), ("entrance", entrance)) if word}
    write = _log.info if outcome == "ok" else _log.warning
    write(event, outcome=outcome, **words, **keyed, **({"alike": number} if number > 1 else {}))


def log_mac(keys: Macs, name: str, value: bytes | str) -> str:
    """Return what a part of a line (`SESSION`) is written as: 32 hexadecimal digits."""
    return keys.mac(f"security-log/{name}", value)[:16].hex()


def _mac(keys: Macs, name: str, value: bytes | str) -> str:
    """As `log_mac`; empty while the keys cannot be read."""
    try:
        return log_mac(keys, name, value)
    except Exception:  # the keys cannot be read just now; the event is no less one
        return ""
