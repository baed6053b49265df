"""Marks, on this host, of the claimed messages whose first byte has left: what a killed process never sent.

A claim is committed for a whole batch, long before most of its messages leave. After a kill all of them would have to
count as perhaps sent; the marks tell those that certainly were not, so that they go out at once. They are a small file
in memory shared with the kernel: it survives the process, not the host, and is believed only on the same boot, after
the process that wrote it is gone. Whatever is not marked counts as perhaps sent.
"""

from __future__ import annotations

import mmap
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

from config.telemetry.log import get_logger
from sms_port.message_reference import parse_reference
from sms_port.sending.leader_lease import is_dead, process_name

SLOTS = 8_192
HEADER, SLOT = 128, 18
"""Bytes: the name of the process; state, attempt number and message id."""

FREE, CLAIMED, SENT = 0, 1, 2
log = get_logger(__name__)


class SentMarks:
    """The marks of this process. Safe to share between threads; without a file it marks nothing."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._slots: dict[str, int] = {}
        self._free = list(range(SLOTS))
        self._map = _create(path)

    def claim(self, attempts: Iterable[tuple[str, int]]) -> None:
        """Mark (reference, attempt number) as claimed by this process and not sent. Call before they are offered."""
        with self._lock:
            for reference, number in attempts:
                parsed = parse_reference(reference)
                if self._map is None or parsed is None or number > 255 or not self._free or reference in self._slots:
                    continue
                slot = self._slots[reference] = self._free.pop()
                at = HEADER + slot * SLOT
                self._map[at + 1 : at + SLOT] = bytes((number,)) + parsed[0]
                self._map[at] = CLAIMED

    def mark_sent(self, reference: str) -> None:
        """Note that the first byte of a message leaves now."""
        with self._lock:
            slot = self._slots.get(reference)
            if slot is not None and self._map is not None:
                self._map[HEADER + slot * SLOT] = SENT

    def release(self, references: Iterable[str]) -> None:
        """Forget messages whose result is recorded."""
        with self._lock:
            for reference in references:
                slot = self._slots.pop(reference, None)
                if slot is not None and self._map is not None:
                    self._map[HEADER + slot * SLOT] = FREE
                    self._free.append(slot)

    def close(self) -> None:
        """Give back the memory."""
        with self._lock:
            if self._map is not None:
                self._map.close()
                self._map = None


def read_never_sent(path: Path) -> Sequence[tuple[bytes, int]]:
    """Return (message id, attempt number) of what a killed process of this host claimed and never sent."""
    try:
        kept = path.read_bytes()
    except OSError:
        return []
    process = kept[:HEADER].rstrip(b"\0").decode("ascii", "replace")
    if len(kept) != HEADER + SLOTS * SLOT or not is_dead(process):
        return []
    slots = (kept[at : at + SLOT] for at in range(HEADER, len(kept), SLOT))
    return [(slot[2:], slot[1]) for slot in slots if slot[0] == CLAIMED]


def _create(path: Path) -> mmap.mmap | None:
    """A fresh file, mapped; None where the directory cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(process_name().encode("ascii", "replace")[:HEADER].ljust(HEADER, b"\0") + bytes(SLOTS * SLOT))
        with path.open("r+b") as file:
            return mmap.mmap(file.fileno(), 0)
    except OSError as error:
        log.warning("sent_marks_unavailable", error=type(error).__name__)
        return None
