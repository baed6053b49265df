"""Interface of every link, and the four results that sending may have.

The difference between the four decides whether a message may be sent again, so a driver claims no more than it knows:
`NotSent` and `Rejected` only when the gateway certainly has not taken the message; whatever happens after the first
byte left and before a clear answer is `Unknown`.
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
    """The gateway has taken the message; `ids`: its id of each part, if it gives any."""

    code: str = ""
    ids: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class Rejected:
    """The gateway refused it: for good (`permanent`), or not now."""

    code: str
    permanent: bool


@dataclass(frozen=True)
class NotSent:
    """It certainly did not get through: not connected, the whole call refused, or the gateway knows nothing of it."""

    code: str


@dataclass(frozen=True)
class Unknown:
    """It may have got through or not: no answer in time, a broken connection, an answer without meaning.

    `ids` has the ids of the parts that certainly did; "" stands for each of the others.
    """

    code: str
    ids: tuple[str, ...] = field(default=(), compare=False)


SendResult = Accepted | Rejected | NotSent | Unknown
"""`code` is a short word for operators: never a number, a text or a body."""


@dataclass(frozen=True)
class Dispatch:
    """One message as a link gets it.

    `reference` is unique, and the same when it is offered again after `NotSent`; `valid_until` (epoch ms) is when it
    loses its use. `template`: what a link that takes no free text sends instead.
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
    """A message whose outcome is unknown since `since` (epoch ms); `to` is "" when the number cannot be opened."""

    reference: str
    to: str = field(repr=False)
    since: int


class LinkEvents(Protocol):
    """Receives a link's unsolicited events. Every method stores them before it returns, and raises if it cannot."""

    def on_submit(self, reference: str) -> None:
        """Note that a message is about to leave; called before its first byte does. Must not wait."""

    def on_late_results(self, link: str, results: Mapping[str, SendResult]) -> None:
        """Store results of messages that `send` left open, or the clear result of an unknown one.

        Does not raise while the database is away: what cannot be stored is kept until it can.
        """

    def on_receipts(self, receipts: Sequence[Receipt]) -> None:
        """Store the network's receipts for parts."""

    def on_texts(self, texts: Sequence[Inbound]) -> None:
        """Store what citizens wrote to the port number."""


class Link(Protocol):
    """A configured route to a gateway. Its methods do not raise: whatever happens is a result."""

    @property
    def status(self) -> str:
        """Return `up`, or a word for why it is not."""

    def room(self, lane: Lane) -> int:
        """Return the number of messages of a lane it would take now: 0 while it is not connected."""

    def wait_ready(self, seconds: float) -> bool:
        """Wait until it is connected, if it has to be. Returns whether it is."""

    def send(self, batch: Sequence[Dispatch]) -> Mapping[str, SendResult]:
        """Hand a batch over. A reference that is not in the answer is still under way; its result is an event."""

    def ask(self, doubts: Sequence[InDoubt]) -> Mapping[str, SendResult]:
        """Return results by reference, without those that the gateway cannot tell now. Never `Unknown`."""

    def close(self) -> None:
        """Finish what is under way, within seconds, and give back connections."""
