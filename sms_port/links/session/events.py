"""Timers and events of a connection to a gateway (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any


@dataclass(frozen=True)
class Timers:
    """Seconds. `stall`: silence of a gateway with open requests after which it is tested and gets nothing new."""

    idle: float = 180.0
    answer: float = 60.0
    sends: int = 3
    stall: float = 10.0


class Stage(Enum):
    """State of the connection."""

    CONNECTING = "connecting"
    BOUND = "bound"
    LEAVING = "leaving"
    CLOSED = "closed"


@dataclass(frozen=True)
class Bound:
    """The gateway accepted our login; `proven` is whether it proved that it knows the secret."""

    proven: bool


@dataclass(frozen=True)
class Answered:
    """Response to what was submitted under `token`, perhaps after it had been given up as lost.

    Result 0 is good; `name` is then the gateway's id of the part.
    """

    token: Any
    result: int
    name: str


@dataclass(frozen=True)
class Lost:
    """No response in time, or ever: the gateway may have taken the part."""

    token: Any


@dataclass(frozen=True)
class Delivered:
    """A delivery; `acknowledge` it once it is stored."""

    sequence: int
    frame: Any


@dataclass(frozen=True)
class Stray:
    """A response to no request of this connection; changes nothing."""


@dataclass(frozen=True)
class UnknownCommand:
    """A request that this link does not know; changes nothing."""

    command: int


@dataclass(frozen=True)
class Closed:
    """The connection is over; the reason is a short word."""

    reason: str


Event = Bound | Answered | Lost | Delivered | Stray | UnknownCommand | Closed
