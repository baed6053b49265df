"""One connection to a gateway from our side, without a socket: bytes and times in, bytes and events out (pure).

What CMPP and SMPP have in common: a window of unanswered messages, answers in any order, tests that the other side is
alive, a goodbye. The timers are those of CMPP: C idle seconds before a test, T seconds for an answer, N tests before
the connection is given up. A message is never repeated, though CMPP's specification says to: that is how a citizen
gets two.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from sms_port.errors import FrameInvalid
from sms_port.links.session.events import Answered, Closed, Delivered, Event, Lost, Stage, Stray, Timers

TIMERS = Timers()
LATE_KEPT = 4096
"""Sequences whose answer is still welcome after T."""


class ProtocolSession(ABC):
    """One connection. `now` is a monotonic time in seconds; what is to be written piles up until `take`."""

    alive: ClassVar[Any]
    goodbye: ClassVar[Any]
    last_sequence: ClassVar[int]

    def __init__(self, timers: Timers = TIMERS, window: int = 16) -> None:
        self.stage = Stage.CONNECTING
        self.reason = ""
        self.unanswered: OrderedDict[int, tuple[Any, float]] = OrderedDict()
        self._timers, self._window = timers, window
        self._late: OrderedDict[int, Any] = OrderedDict()
        self._in, self._out = bytearray(), bytearray()
        self._sequence = 0
        self._heard_at = self._said_at = 0.0
        self._tests = 0
        self._tested_at = 0.0

    @abstractmethod
    def answer(self, heard: Delivered, now: float) -> None:
        """Acknowledge a delivery that is stored."""

    @abstractmethod
    def _frames(self, buffer: bytearray) -> Iterable[tuple[int, Any]]:
        """Take the whole frames off the front of a buffer, as (sequence, frame); FrameInvalid when it holds none."""

    @abstractmethod
    def _encode(self, frame: Any, sequence: int) -> bytes:
        """A whole frame."""

    @abstractmethod
    def _hear(self, sequence: int, frame: Any, now: float) -> list[Event]:
        """What a frame of the gateway means."""

    def may_submit(self, now: float) -> bool:
        """Whether there is room in the window, on a connection that shows signs of life."""
        return self.stage is Stage.BOUND and len(self.unanswered) < self._window and not self._stalled(now)

    def submit(self, token: Any, frame: Any, now: float) -> None:
        """Say one part; its answer comes as an event with this token. Only when `may_submit`."""
        self.unanswered[self._say(frame, now)] = (token, now)

    def leave(self, now: float) -> None:
        """Say goodbye; the connection is over when it is answered."""
        if self.stage is Stage.BOUND:
            self.stage = Stage.LEAVING
            self._say(self.goodbye, now)

    def take(self) -> bytes:
        """What is to be written now."""
        out = bytes(self._out)
        self._out.clear()
        return out

    def feed(self, received: bytes, now: float) -> list[Event]:
        """Understand what arrived, in whatever pieces. After `Closed` nothing counts any more."""
        self._in += received
        events: list[Event] = []
        try:
            for sequence, frame in self._frames(self._in):
                self._heard_at, self._tests = now, 0
                events += self._hear(sequence, frame, now)
                if self.stage is Stage.CLOSED:
                    break
        except FrameInvalid as error:
            events += self.close(f"frame_{error.detail}")
        return events

    def tick(self, now: float) -> list[Event]:
        """Let time pass: what is overdue is lost, a silent gateway is tested, a dead one left."""
        if self.stage is Stage.CLOSED:
            return []
        if self.stage is not Stage.BOUND:
            return self.close("no_answer") if now - self._said_at >= self._timers.answer else []
        events = list(self._give_up(now))
        if self._test_is_due(now):
            if self._tests >= self._timers.sends:
                return [*events, *self.close("dead")]
            self._tests, self._tested_at = self._tests + 1, now
            self._say(self.alive, now)
        return events

    def close(self, reason: str) -> list[Event]:
        """The connection is gone or has to go; whatever was not answered is lost."""
        if self.stage is Stage.CLOSED:
            return []
        self.stage, self.reason = Stage.CLOSED, reason
        lost = [Lost(token) for token, _ in self.unanswered.values()]
        self.unanswered.clear()
        return [*lost, Closed(reason)]

    def _say(self, frame: Any, now: float, sequence: int | None = None) -> int:
        if sequence is None:
            self._sequence = sequence = self._sequence % self.last_sequence + 1
        self._out += self._encode(frame, sequence)
        self._said_at = now
        return sequence

    def _match(self, sequence: int, result: int, name: str) -> Event:
        if sequence in self.unanswered:
            return Answered(self.unanswered.pop(sequence)[0], result, name)
        if sequence in self._late:
            return Answered(self._late.pop(sequence), result, name)
        return Stray()

    def _give_up(self, now: float) -> Iterator[Event]:
        while self.unanswered:
            sequence, (token, said_at) = next(iter(self.unanswered.items()))
            if now - said_at < self._timers.answer:
                return
            del self.unanswered[sequence]
            self._late[sequence] = token
            if len(self._late) > LATE_KEPT:
                self._late.popitem(last=False)
            yield Lost(token)

    def _stalled(self, now: float) -> bool:
        """Whether the gateway owes answers and has said nothing at all for a while."""
        if not self.unanswered:
            return self._tests > 0 and now - self._heard_at >= self._timers.stall
        oldest = next(iter(self.unanswered.values()))[1]
        return now - max(oldest, self._heard_at) >= self._timers.stall

    def _test_is_due(self, now: float) -> bool:
        if self._tests:
            return now - self._tested_at >= self._timers.answer
        return self._stalled(now) or now - max(self._heard_at, self._said_at) >= self._timers.idle
