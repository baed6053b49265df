"""Permits: whether a partner may be called now, by its hours, its breaker and the agreed number of calls."""

import threading
from collections.abc import Sequence
from typing import Final

from config.catalogue.schema import Partner
from config.ground import Ground
from config.times.opening_hours import opens_at
from enterprises import circuit_breaker
from enterprises.circuit_breaker import CallPermit
from query.inquiry import SECOND
from query.waves.record import postpone

SHORT_WAIT_S: Final = 1.5
"""The longest wait for a permit after which the step is rung again; the sweep rings after any longer one."""

_DENIED: Final = CallPermit()
_WITHOUT_A_CALL: Final = CallPermit("disabled")


def acquire_permits(ground: Ground, partners: Sequence[Partner], step: str) -> list[CallPermit]:
    """Acquire a permit for one call to each partner; a permit that is not granted tells why by itself.

    The due questions of a partner that may not be called are postponed until it may; `step` is rung when that is soon.
    A partner that is switched off needs no permit: its questions are answered without a call.
    """
    now = ground.clock.now()
    opening = [opens_at(partner.closed, now) for partner in partners]
    callable_now = [one for one, opens in zip(partners, opening, strict=True) if one.enabled and opens is None]
    acquired = iter(circuit_breaker.acquire_all(ground, callable_now))
    permits = []
    for partner, opens in zip(partners, opening, strict=True):
        if not partner.enabled:
            permits.append(_WITHOUT_A_CALL)
        elif opens is not None:
            postpone(ground, partner.code, opens)
            permits.append(_DENIED)
        else:
            permits.append(next(acquired))
            _wait_for(ground, partner, permits[-1], step)
    return permits


def _wait_for(ground: Ground, partner: Partner, permit: CallPermit, step: str) -> None:
    if permit.until is not None:
        postpone(ground, partner.code, permit.until)
    elif permit.wait_s is not None:
        postpone(ground, partner.code, ground.clock.now() + int(permit.wait_s * SECOND))
        if permit.wait_s <= SHORT_WAIT_S:
            argument = partner.code if step == "ask" else None
            timer = threading.Timer(permit.wait_s, ground.bell.ring, (step, argument))
            timer.daemon = True
            timer.start()
