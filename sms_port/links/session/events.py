"""What a connection to a gateway is told and what it tells: its timers, and the events (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any


@dataclass(frozen=True)
class Timers:
    """Seconds; `stall` is how long a silent gateway with open answers gets before it is tested and spared."""

    idle: float = 180.0
    answer: float = 60.0
    sends: int = 3
    stall: float = 10.0


class Stage(Enum):
    """Where the connection stands."""

    CONNECTING = "connecting"
    BOUND = "bound"
    LEAVING = "leaving"
    CLOSED = "closed"


@dataclass(frozen=True)
class Bound:
    """The gateway has let us in; `proven` is whether it proved that it knows the secret."""

    proven: bool


@dataclass(frozen=True)
class Answered:
    """The gateway's word on what was submitted under `token`, perhaps after it had been given up as lost.

    Result 0 is good; `name` is what the gateway calls it then.
    """

    token: Any
    result: int
    name: str


@dataclass(frozen=True)
class Lost:
    """No answer in time, or ever: it may have been taken."""

    token: Any


@dataclass(frozen=True)
class Delivered:
    """A delivery; `answer` it once it is stored."""

    sequence: int
    deliver: Any


@dataclass(frozen=True)
class Stray:
    """An answer to nothing we said; changes nothing."""


@dataclass(frozen=True)
class Closed:
    """It is over; the reason is a short word."""

    reason: str


Event = Bound | Answered | Lost | Delivered | Stray | Closed
