"""Wave ids: 63-bit numbers that no two waves share, even when several processes make them in the same moment.

A process starts at a random number and counts on, as ULID's monotonic form does, so it never repeats itself. If two
processes start within reach of each other, once in centuries, the primary key refuses the wave, and the transaction is
run again with another start.
"""

import os
import threading
from secrets import randbits
from typing import Final

SPAN_BITS: Final = 16
"""A process starts anew every 2**16 ms, about 65 s, so that new rows lie near each other in the table, by time."""
BITS: Final = 37
"""Bits below the span's 26, which last until the year 2109."""


class WaveIds:
    """The ids of one process, always rising. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._span = self._last = 0

    def begin_anew(self) -> None:
        """Start the next id at another random number."""
        with self._lock:
            self._span = 0

    def new(self, now: int) -> int:
        """Make an id at a time in epoch milliseconds."""
        with self._lock:
            if now >> SPAN_BITS > self._span:
                self._span = now >> SPAN_BITS
                self._last = self._span << BITS | randbits(BITS)
            else:
                self._last += 1
            return self._last


wave_ids: Final = WaveIds()
"""The instance of this process. A forked process starts anew, with a lock that no thread of its parent holds."""
os.register_at_fork(after_in_child=wave_ids.__init__)  # type: ignore[misc]
