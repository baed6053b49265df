"""Counts of what each side of the sandbox has received, for its index page: how often, the last number, and when.

In memory, bounded; never a body, a name, an ID, a code or a count. A text's words are on its phone's own page.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

MOST_PHONES: Final = 10_000


@dataclass(frozen=True, slots=True)
class Seen:
    """A count, the number that the last one was about (may be empty), and its time (epoch ms)."""

    times: int = 0
    phone: str = ""
    at: int = 0


NEVER: Final = Seen()


class Received:
    """Counters by side, and the phones that have received texts. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sides: dict[str, Seen] = {}
        self._phones: OrderedDict[str, Seen] = OrderedDict()

    def note(self, side: str, at: int, phone: str = "", times: int = 1) -> None:
        """Count what a side received."""
        with self._lock:
            before = self._sides.get(side, NEVER)
            self._sides[side] = Seen(before.times + times, phone or before.phone, at)

    def note_text(self, phone: str, at: int) -> None:
        """Remember that a phone received a text; the phone that waited longest for one is forgotten first."""
        with self._lock:
            self._phones[phone] = Seen(self._phones.pop(phone, NEVER).times + 1, phone, at)
            if len(self._phones) > MOST_PHONES:
                self._phones.popitem(last=False)

    def of(self, side: str) -> Seen:
        """Return what a side has received so far."""
        with self._lock:
            return self._sides.get(side, NEVER)

    def phones(self, most: int) -> list[Seen]:
        """The phones that received the latest texts, the latest first."""
        with self._lock:
            return list(reversed(self._phones.values()))[:most]
