"""Rate limit of a link: a token bucket that counts parts, as contracts do.

Never more than the limit in any one second. A gateway that says "too fast" halves the rate after a pause of a second;
it recovers by a tenth of the limit a second.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

PAUSE_S = 1.0
RECOVERY = 0.1
Item = TypeVar("Item")
BURST = 20
"""The bucket holds a twentieth of the limit."""


class RateLimiter:
    """Token bucket of one link. Times are monotonic seconds; safe to share between threads."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.burst = max(1.0, limit // BURST)
        self._lock = threading.Lock()
        self._tokens = self.burst
        self._filled_at = 0.0
        self._halved_at: float | None = None
        self._halved_to = float(limit)

    def acquire(self, parts: int, now: float) -> float:
        """Take `parts` tokens: returns 0.0, or the seconds after which to ask again, and then nothing was taken.

        More parts than the bucket holds are lent, so that a long message is not refused for ever.
        """
        with self._lock:
            rate, wait = self._rate(now), self._pause(now)
            if wait:
                return wait
            # at most the burst now and the rest within the second
            filling = max(rate + 1 - self.burst, rate / 2)
            self._tokens = min(self.burst, self._tokens + (now - self._filled_at) * filling)
            self._filled_at = now
            wanted = min(float(parts), self.burst)
            if self._tokens >= wanted:
                self._tokens -= parts
                return 0.0
            return (wanted - self._tokens) / filling

    def back_off(self, now: float) -> None:
        """Halve the rate: the gateway said "too fast". Refusals of several messages at once count once."""
        with self._lock:
            if self._pause(now):
                return
            self._halved_to = max(1.0, self._rate(now) / 2)
            self._halved_at = now
            self._tokens, self._filled_at = min(self._tokens, 0.0), now + PAUSE_S

    def rate(self, now: float) -> float:
        """Return the current rate in parts a second."""
        with self._lock:
            return self._rate(now)

    def _rate(self, now: float) -> float:
        if self._halved_at is None:
            return float(self.limit)
        recovered = (now - self._halved_at - PAUSE_S) * self.limit * RECOVERY
        return min(float(self.limit), self._halved_to + max(0.0, recovered))

    def _pause(self, now: float) -> float:
        return 0.0 if self._halved_at is None else max(0.0, self._halved_at + PAUSE_S - now)


def paced(limiter: RateLimiter, batch: Sequence[Item], parts_of: Callable[[Item], int]) -> Iterator[list[Item]]:
    """Yield the batch in pieces that the bucket can hold, each when it may be sent; sleeps in between."""
    rest = deque(batch)
    while rest:
        piece = [rest.popleft()]
        parts = parts_of(piece[0])
        while rest and parts + parts_of(rest[0]) <= limiter.burst:
            parts += parts_of(rest[0])
            piece.append(rest.popleft())
        while wait := limiter.acquire(parts, time.monotonic()):
            time.sleep(wait)
        yield piece
