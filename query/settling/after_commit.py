"""Wake-ups to send after a transaction has committed.

They are never sent earlier; if the process dies in between, the sweep sends them again.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from config.catalogue.schema import Partner
from config.ground import Ground
from query.waves.waves import Wave
from sms_port.ledger.messages import Lane

RING_GATHER: Final = ("gather", None)
"""One ring gathers for all carriers, because their inquiries share rounds."""

ChooseLeases = Callable[[Sequence[Partner]], Mapping[str, int]]
"""Select the partners that this process calls immediately: partner code -> end of the lease (epoch ms)."""


@dataclass(frozen=True, slots=True)
class OwnedWave:
    """A wave whose new questions are leased to this process: partner code -> end of the lease (epoch ms)."""

    wave: Wave
    leases: Mapping[str, int]


@dataclass
class AfterCommit:
    """Jobs to ring, as (step, partner); whether messages wait for the gateway; whether inquiries wait for a carrier.

    `choose` selects the partners that this process calls itself after the commit; `owned` is the wave it then asks
    about.
    """

    jobs: set[tuple[str, str]] = field(default_factory=set)
    messages: bool = False
    waiting: bool = False
    choose: ChooseLeases = field(default=lambda partners: {}, repr=False)
    owned: OwnedWave | None = None

    def add(self, other: "AfterCommit") -> None:
        """Add the wake-ups of another transaction."""
        self.jobs |= other.jobs
        self.messages |= other.messages
        self.waiting |= other.waiting

    def ring(self, ground: Ground) -> None:
        """Send all wake-ups, the gateway's first, since a citizen waits for it."""
        if self.messages:
            ground.bell.notify_gateway(Lane.REPLY.bell)
        ground.bell.ring_all([*sorted(self.jobs), *([RING_GATHER] if self.waiting else [])])
