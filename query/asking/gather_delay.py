"""Gather delay: a busy worker waits for more inquiries, so that they share a round (group commit between processes).

A round costs about the same CPU for one inquiry as for twenty: a call to each partner, and the same statements. In an
idle system nobody waits; where rounds are large anyway, a delay would save nothing.
"""

from collections import deque
from typing import Final

DELAY_S: Final = 0.15
BUSY_PER_S: Final = 15.0
"""Inquiries a second that one worker gathers, from which on it waits."""
LARGE: Final = 50
"""Mean number of inquiries in a gathering, from which on it does not wait."""
REMEMBERED: Final = 8
"""Number of gatherings from which the two are computed."""


class GatherDelay:
    """The last gatherings of one worker. Times are seconds, monotonic."""

    def __init__(self) -> None:
        self._past: deque[tuple[float, int]] = deque(maxlen=REMEMBERED)

    def note(self, inquiries: int, now: float) -> None:
        """Remember a gathering of this many inquiries."""
        if inquiries:
            self._past.append((now, inquiries))

    def seconds(self, now: float) -> float:
        """Return the delay before gathering at `now`."""
        if len(self._past) < 2:
            return 0.0
        (begun, _), *later = self._past
        gathered = sum(inquiries for _, inquiries in later)
        is_busy = gathered > BUSY_PER_S * (now - begun)
        return DELAY_S if is_busy and gathered < LARGE * len(later) else 0.0
