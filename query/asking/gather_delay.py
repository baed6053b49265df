"""How long a worker waits for company before it gathers, so that inquiries which come thick and singly share a round.

A round costs about the same for one inquiry as for twenty. In an idle system nobody waits: only a worker that has
gathered many of late, and few at a time, waits for more.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

LONGEST_S: Final = 0.2
BUSY_PER_S: Final = 15.0
"""Inquiries a second that one worker gathers, below which nobody is waited for."""
ENOUGH: Final = 50
"""Inquiries gathered at a time, on average, from which on company saves little."""
LOOK_BACK: Final = 8
"""So many times of gathering are remembered."""


@dataclass(frozen=True, slots=True)
class Gathering:
    """At some time (seconds, monotonic), so many inquiries."""

    at: float
    inquiries: int


def linger_s(past: Sequence[Gathering], now: float) -> float:
    """Seconds to wait before gathering at `now`, from what was gathered of late, the oldest first.

    The smaller the rounds of a busy worker, the longer it waits.
    """
    if len(past) < 2 or now <= past[0].at:
        return 0.0
    came = sum(one.inquiries for one in past[1:])
    if came / (now - past[0].at) < BUSY_PER_S:
        return 0.0
    return LONGEST_S * max(0.0, 1 - came / (len(past) - 1) / ENOUGH)


class Linger:
    """What one worker remembers of its gathering. Times are seconds, monotonic."""

    def __init__(self) -> None:
        self._past: deque[Gathering] = deque(maxlen=LOOK_BACK)

    def note(self, inquiries: int, now: float) -> None:
        """So many were gathered just now."""
        if inquiries:
            self._past.append(Gathering(now, inquiries))

    def seconds(self, now: float) -> float:
        """How long to wait now."""
        return linger_s(tuple(self._past), now)
