"""What a committed transaction owes to the bell. Rung after the commit, never before; lost, the sweep rings again."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from config.catalogue.schema import Partner
from config.ground import Ground
from query.waves.waves import Wave
from sms_port.ledger.messages import Lane

RING_GATHER: Final = ("gather", None)
"""The ring for everybody who waits, whichever carrier for: they share rounds."""

ChooseLeases = Callable[[Sequence[Partner]], Mapping[str, int]]
"""Whom of these partners this process asks itself, at once: code -> how long it has the question (epoch ms)."""


@dataclass(frozen=True, slots=True)
class OwnedWave:
    """A wave whose questions this process has made, and taken on itself to put to these partners until then."""

    wave: Wave
    leases: Mapping[str, int]


@dataclass
class AfterCommit:
    """Jobs to ring, as (step, partner), and whether messages wait for the gateway, or inquiries for a carrier.

    `take` says what the process does itself instead, once the transaction is committed: the `round`.
    """

    jobs: set[tuple[str, str]] = field(default_factory=set)
    messages: bool = False
    waiting: bool = False
    choose: ChooseLeases = field(default=lambda partners: {}, repr=False)
    owned: OwnedWave | None = None

    def add(self, other: "AfterCommit") -> None:
        """Owe as well what another transaction owes to the bell."""
        self.jobs |= other.jobs
        self.messages |= other.messages
        self.waiting |= other.waiting

    def ring(self, ground: Ground) -> None:
        """Ring everything owed; the gateway first, since a citizen waits for it."""
        if self.messages:
            ground.bell.notify_gateway(Lane.REPLY.bell)
        ground.bell.ring_all([*sorted(self.jobs), *([RING_GATHER] if self.waiting else [])])
