"""Messages being sent over a link with sessions: the part to send next, and the results of parts and messages.

Codes go before replies. Nothing here touches a socket; the link's event loop is the only caller.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sms_port.links.link import Accepted, Dispatch, NotSent, Rejected, SendResult, Unknown
from sms_port.models import Lane


class SendBatch:
    """The results that one call of `send` waits for; a later one goes to the link's events."""

    def __init__(self, size: int) -> None:
        self._open = size
        self._results: dict[str, SendResult] = {}
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._over = False

    def resolve(self, reference: str, result: SendResult) -> bool:
        """Add a result; False when `wait` has already returned."""
        with self._lock:
            if self._over:
                return False
            self._results[reference] = result
            self._open -= 1
            if not self._open:
                self._done.set()
            return True

    def wait(self, seconds: float) -> dict[str, SendResult]:
        """Return the results so far, as soon as all are there or the time is over."""
        self._done.wait(seconds)
        with self._lock:
            self._over = True
            return self._results


@dataclass(frozen=True)
class PartAccepted:
    """The gateway took this part; `id` is its name for it."""

    id: str


@dataclass(frozen=True)
class Refused:
    """The gateway refused this part."""

    code: str
    permanent: bool


@dataclass(frozen=True)
class Unsent:
    """This part was never sent."""

    code: str


class NoResponse:
    """This part was sent, and no response came."""


PartResult = PartAccepted | Refused | Unsent | NoResponse


@dataclass(eq=False)
class Sending:
    """One message: its frames, and the result of each. Parts not sent until `overdue_at` never are."""

    dispatch: Dispatch
    frames: Sequence[Any]
    overdue_at: float
    batch: SendBatch
    results: list[PartResult | None] = field(default_factory=list)
    tries: int = 0

    def __post_init__(self) -> None:
        self.results = [None] * len(self.frames)

    def result(self) -> SendResult | None:
        """Return the message's result from those of its parts; None while one is open (pure)."""
        results = [result for result in self.results if result is not None]
        if len(results) < len(self.results):
            return None
        ids = tuple(result.id if isinstance(result, PartAccepted) else "" for result in results)
        if all(ids):
            return Accepted(ids=ids)
        if any(isinstance(result, NoResponse) for result in results):
            return Unknown("no_answer", ids)
        refused = [result for result in results if isinstance(result, Refused)]
        final = next((result for result in refused if result.permanent), None)
        if final is not None:
            return Rejected(final.code, True)
        if any(ids):
            return Unknown("partial", ids)
        return Rejected(refused[0].code, False) if refused else NotSent(str(getattr(results[0], "code", "unsent")))


@dataclass(frozen=True, eq=False)
class Part:
    """One part of a message; the token under which it is submitted."""

    sending: Sending
    index: int

    @property
    def frame(self) -> Any:
        """The frame that carries it."""
        return self.sending.frames[self.index]

    def end(self, result: PartResult) -> None:
        """Note its result; a part that was accepted stays so."""
        if not isinstance(self.sending.results[self.index], PartAccepted):
            self.sending.results[self.index] = result


class Outbox:
    """Parts that wait to be sent."""

    def __init__(self) -> None:
        self._queues: dict[Lane, deque[Part]] = {lane: deque() for lane in Lane}

    def add(self, sending: Sending) -> None:
        """Queue all parts of a message."""
        self._queues[sending.dispatch.lane].extend(Part(sending, index) for index in range(len(sending.frames)))

    def put_back(self, part: Part) -> None:
        """Queue a part first that has to be sent again: the gateway certainly did not take it."""
        part.sending.results[part.index] = None
        self._queues[part.sending.dispatch.lane].appendleft(part)

    def first(self) -> Part | None:
        """Return the part to send next."""
        return next((queue[0] for queue in self._queues.values() if queue), None)

    def pop(self, part: Part) -> None:
        """Take the first part out."""
        self._queues[part.sending.dispatch.lane].popleft()

    def drop(self, now: float) -> Iterator[Part]:
        """Take out the parts that wait too long; at an infinite `now`, all."""
        for lane, queue in self._queues.items():
            overdue = [part for part in queue if part.sending.overdue_at <= now]
            if overdue:
                self._queues[lane] = deque(part for part in queue if part.sending.overdue_at > now)
                yield from overdue
