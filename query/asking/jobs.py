"""The pipeline's steps by name, as a worker runs them.

    submit ─> gather ─> advance ─> a round, or ask(partner) ─> advance ─> the gateway sends ─> record_outcome

Every step may run twice, or be killed anywhere; `sweep` finds what stands.
"""

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from config.ground import Ground
from query.asking.ask import ask
from query.asking.bulkheads import Lanes
from query.asking.gather import Gathered, gather, waited_for
from query.asking.gather_delay import Linger
from query.asking.rounds import Rounds, lanes_of
from query.settling.advance import advance

_LANES: Final = Lanes()
_LINGER: Final = Linger()


def ask_in_lane(ground: Ground, code: str) -> None:
    """Ask in a lane of the partner's, so that a slow partner keeps no worker from the others."""
    partner = ground.catalogues.current().partner(code)
    if partner is not None:
        _LANES.run(code, lanes_of(partner), partial(ask, ground, code))


def gather_all(ground: Ground, _carrier: str = "") -> None:
    """Gather who waits, whichever carrier for, until nobody does, and ask the enterprises about those who match.

    (An older release beside this one rings for each carrier.)
    """
    heard = _gather_once(ground)
    while any(one.more for one in heard.values()):
        heard = _gather_once(ground)
    _ring_for_the_rest(ground, heard)


def _gather_once(ground: Ground) -> dict[str, Gathered]:
    """One wave for each carrier, side by side in their lanes, and a round for all of them but the slow."""
    rounds, gathered = Rounds(ground, _LANES), dict[str, Gathered]()
    catalogue, steps = ground.catalogues.current(), {}
    for code, services in waited_for(ground).items():
        if (carrier := catalogue.partner(code)) is not None:
            steps[code] = (lanes_of(carrier), partial(_gather, ground, code, services, rounds, gathered))
    without = _LANES.run_beside(steps)
    rounds.run()
    heard = dict(gathered)  # who is slower than this looks for the rest itself
    _LINGER.note(sum(one.inquiries for one in heard.values()), time.monotonic())
    for code in without:
        _LANES.run(code, *steps[code])  # when one of its lanes is free
    return heard


def _gather(ground: Ground, code: str, services: list[str], rounds: Rounds, gathered: dict[str, Gathered]) -> None:
    gathered[code] = one = gather(ground, code, services, rounds)
    if one.more:
        ground.bell.ring("gather")  # another worker may be idle
    if rounds.run_if_left():
        _ring_for_the_rest(ground, {code: one})


def _ring_for_the_rest(ground: Ground, heard: Mapping[str, Gathered]) -> None:
    """A claim passes over what another worker's has locked: whoever ends last must not leave it to the sweep."""
    if {code for code, one in heard.items() if one.goes_on} & waited_for(ground).keys():
        ground.bell.ring("gather")


def linger_s(step: str) -> float:
    """Seconds that a worker waits, once it was rung for a step, before it takes the ring away and runs it."""
    return _LINGER.seconds(time.monotonic()) if step == "gather" else 0.0


JOBS: Final[Mapping[str, Callable[..., object]]] = {"gather": gather_all, "ask": ask_in_lane, "advance": advance}
"""What a worker may run: name -> step(ground, argument of the ring, if any)."""
