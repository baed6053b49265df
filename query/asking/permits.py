"""Whether a partner may be called just now: its hours, its breaker, the agreed number of calls."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from config.catalogue.schema import Partner
from config.ground import Ground
from config.times.opening_hours import opens_at
from enterprises import circuit_breaker
from query.asking.bulkheads import waiting
from query.inquiry import SECOND
from query.waves.record import slow_down

SHORT_WAIT_S: Final = 1.5
"""So long a step waits for its turn itself: it has a lane of its own, and the sweep comes no sooner."""


@dataclass
class Permit:
    """Whether one call may be made. `used` is unset when there turned out to be nothing to ask."""

    granted: bool
    used: bool = True


@contextmanager
def turn(ground: Ground, partner: Partner) -> Iterator[Permit]:
    """A turn to call this partner, given back at the end. Not granted: what is due waits until it may be asked."""
    if not partner.enabled:
        yield Permit(True)  # settled without a call
        return
    opens = opens_at(partner.closed, ground.clock.now())
    if opens is not None:
        slow_down(ground, partner.code, opens)
        yield Permit(False)
        return
    taken = _enter(ground, partner)
    permit = Permit(taken.granted)
    try:
        yield permit
    finally:
        if taken.granted:
            circuit_breaker.leave(ground, partner, taken, used=permit.used)


def _enter(ground: Ground, partner: Partner) -> circuit_breaker.Turn:
    taken = circuit_breaker.enter(ground, partner)
    if taken.wait_s is not None and taken.wait_s <= SHORT_WAIT_S:
        with waiting():
            time.sleep(taken.wait_s)
        taken = circuit_breaker.enter(ground, partner)
    if taken.until is not None:
        slow_down(ground, partner.code, taken.until)
    elif taken.wait_s is not None:
        slow_down(ground, partner.code, ground.clock.now() + int(taken.wait_s * SECOND))
    return taken
