"""What every link can do, and the four ways in which sending may end.

The difference between the four decides whether a message may be sent again, so a driver claims no
more than it knows: `NotSent` and `Rejected` only when the other side certainly has not taken the
message; everything that happens after the first byte left and before a clear answer is `Unknown`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from sms_port.ledger.inbound import Inbound
from sms_port.ledger.receipts import Receipt
from sms_port.links.templates import Template
from sms_port.models import Lane


@dataclass(frozen=True)
class Accepted:
    """The gateway has taken the message and answers for it from now on; `ids`: what it calls each part, if it does."""

    code: str = ""
    ids: tuple[str, ...] = field(default=(), compare=False)


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
    """It may have got through or not: no answer in time, a broken connection, an answer that says nothing.

    `ids` names the parts that certainly did; an empty text stands for each of the others.
    """

    code: str
    ids: tuple[str, ...] = field(default=(), compare=False)


SendResult = Accepted | Rejected | NotSent | Unknown
"""`code` is a short word for operators: never a number, a text or a body."""


@dataclass(frozen=True)
class Dispatch:
    """One message as a link gets it.

    `reference` is its own for ever, and the same when it is offered again after `NotSent`;
    `valid_until` (epoch ms) is when it loses its sense. `template`: what a link that takes no free text sends instead.
    """

    reference: str
    sender: str
    to: str = field(repr=False)
    parts: tuple[str, ...] = field(repr=False)
    valid_until: int
    lane: Lane = Lane.REPLY
    template: Template | None = None


@dataclass(frozen=True)
class InDoubt:
    """A message whose outcome is unknown since then (epoch ms); `to` is "" when the number cannot be read any more."""

    reference: str
    to: str = field(repr=False)
    since: int


class LinkEvents(Protocol):
    """Who hears what a link says by itself. Each call returns when it is stored, and raises when it cannot be."""

    def on_late_results(self, link: str, results: Mapping[str, SendResult]) -> None:
        """Endings of messages that `send` left open, or a better word on an unknown one."""

    def on_receipts(self, receipts: Sequence[Receipt]) -> None:
        """The network's words on parts."""

    def on_texts(self, texts: Sequence[Inbound]) -> None:
        """What citizens wrote to the port number."""


class Link(Protocol):
    """A configured route to a gateway. Its methods do not raise: whatever happens is an result."""

    @property
    def status(self) -> str:
        """`up`, or a word for why it is not."""

    def room(self, lane: Lane) -> int:
        """How many messages of a lane it would take now: none while it is not connected."""

    def wait_ready(self, seconds: float) -> bool:
        """Wait until it is connected, if it has to be; whether it is."""

    def send(self, batch: Sequence[Dispatch]) -> Mapping[str, SendResult]:
        """Hand a batch over. A reference that is not in the answer is still under way: the events hear of it."""

    def ask(self, doubts: Sequence[InDoubt]) -> Mapping[str, SendResult]:
        """What became of these, by reference; left out is one that the gateway cannot tell now. Never `Unknown`."""

    def close(self) -> None:
        """Finish what is under way, within seconds, and give back connections."""
