"""The pipeline's steps by name, as a worker runs them.

    submit ─> gather(carrier) ─> advance ─> ask(partner) ─> advance ─> the gateway sends ─> record_outcome

Every step may run twice, or be killed anywhere; `sweep` finds what stands.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from config.ground import Ground
from query.advance import advance
from query.ask import ask
from query.gather import gather
from query.lanes import Lanes
from query.rounds import Rounds, lanes_of

_LANES: Final = Lanes()


def in_lane(step: Callable[[Ground, str], object]) -> Callable[[Ground, str], None]:
    """The step in a lane of its partner's, so that a slow partner keeps no worker from the others."""

    def run(ground: Ground, code: str) -> None:
        partner = ground.catalogues.current().partner(code)
        if partner is not None:
            _LANES.run(code, lanes_of(partner), partial(step, ground, code))

    return run


def gather_and_ask(ground: Ground, carrier: str) -> None:
    """Gather who waits for a carrier, and ask the enterprises about those who match."""
    gather(ground, carrier, Rounds(ground, _LANES))


JOBS: Final[Mapping[str, Callable[..., object]]] = {
    "gather": in_lane(gather_and_ask),
    "ask": in_lane(ask),
    "advance": advance,
}
"""What a worker may run: name -> step(ground, argument of the ring, if any)."""
