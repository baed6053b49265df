"""What every link can do, and the four ways in which sending may end.

The difference between the four decides whether a message may be sent again, so a driver claims no
more than it knows: `NotSent` and `Rejected` only when the other side certainly has not taken the
message; everything that happens after the first byte left and before a clear answer is `Unknown`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class Accepted:
    """The gateway has taken the message and answers for it from now on."""

    code: str = ""


@dataclass(frozen=True)
class Rejected:
    """The gateway has said no: for good (`permanent`), or not now."""

    code: str
    permanent: bool


@dataclass(frozen=True)
class NotSent:
    """It certainly did not get through: not connected, the whole call refused, or the gateway knows nothing of it."""

    code: str


@dataclass(frozen=True)
class Unknown:
    """It may have got through or not: no answer in time, a broken connection, an answer that says nothing."""

    code: str


Ending = Accepted | Rejected | NotSent | Unknown
"""`code` is a short word for operators: never a number, a text or a body."""


@dataclass(frozen=True)
class Dispatch:
    """One message as a link gets it.

    `reference` is its own for ever, and the same when it is offered again after `NotSent`;
    `valid_until` (epoch ms) is when it loses its sense.
    """

    reference: str
    sender: str
    to: str = field(repr=False)
    parts: tuple[str, ...] = field(repr=False)
    valid_until: int


class Link(Protocol):
    """A configured route to a gateway. Its methods do not raise: whatever happens is an ending."""

    @property
    def can_ask(self) -> bool:
        """Whether the gateway can be asked later what became of a message."""

    def send(self, batch: Sequence[Dispatch]) -> Mapping[str, Ending]:
        """Hand a batch over; every reference of the batch is in the answer."""

    def ask(self, references: Sequence[str]) -> Mapping[str, Ending]:
        """What became of these; left out is one that the gateway cannot tell now. Never `Unknown`."""

    def close(self) -> None:
        """Give back connections; called once, when no call is under way."""
