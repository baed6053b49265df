"""What a committed transaction owes to the bell. Rung after the commit, never before; lost, the sweep rings again."""

from dataclasses import dataclass, field

from config.ground import Ground


@dataclass
class Owing:
    """Jobs to ring, as (step, carrier or partner), and whether messages wait for the gateway."""

    jobs: set[tuple[str, str]] = field(default_factory=set)
    messages: bool = False

    def ring(self, ground: Ground) -> None:
        """Ring everything owed; the gateway first, since a citizen waits for it."""
        if self.messages:
            ground.bell.ring_gateway()
        ground.bell.ring_all(sorted(self.jobs))
