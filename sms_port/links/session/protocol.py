"""One connection to a gateway from our side, without a socket: bytes and times in, bytes and events out (pure).

Common to CMPP and SMPP: a window of unanswered messages, responses in any order, link tests, a goodbye. The timers are
those of CMPP: C idle seconds before a test, T seconds for a response, N tests before the connection is given up. A
message is never repeated, though CMPP's specification says to: the citizen would get two.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from sms_port.errors import FrameInvalid
from sms_port.links.session.events import Answered, Bound, Closed, Delivered, Event, Lost, Stage, Stray, Timers

TIMERS = Timers()
LATE_KEPT = 4096
"""Sequences whose response still counts after T."""

EARLY_KEPT = 256
"""Deliveries kept that come before the login is answered; a further one is left to be delivered again."""


class ProtocolSession(ABC):
    """State of one connection. `now` is a monotonic time in seconds; `take` returns the bytes to write.

    `refused`: it ended before the gateway let us in with this secret.
    """

    alive: ClassVar[Any]
    goodbye: ClassVar[Any]
    last_sequence: ClassVar[int]

    def __init__(self, secret: str, timers: Timers = TIMERS, window: int = 16) -> None:
        self.secret = secret
        self.refused = False
        self.stage = Stage.CONNECTING
        self.reason = ""
        self.unanswered: OrderedDict[int, tuple[Any, float]] = OrderedDict()
        self._timers, self._window = timers, window
        self._late: OrderedDict[int, Any] = OrderedDict()
        self._early: list[Event] = []
        self._in, self._out = bytearray(), bytearray()
        self._sequence = 0
        self._received_at = self._written_at = 0.0
        self._tests = 0
        self._tested_at = 0.0
        self._paused_at: float | None = None

    @abstractmethod
    def acknowledge(self, delivered: Delivered, now: float) -> None:
        """Acknowledge a delivery that is stored."""

    @abstractmethod
    def _frames(self, buffer: bytearray) -> Iterable[tuple[int, Any]]:
        """Take the whole frames off the front of a buffer, as (sequence, frame); FrameInvalid when it has none."""

    @abstractmethod
    def _encode(self, frame: Any, sequence: int) -> bytes:
        """Return a whole frame."""

    @abstractmethod
    def _receive(self, sequence: int, frame: Any, now: float) -> list[Event]:
        """Return what a frame of the gateway means."""

    def may_submit(self, now: float) -> bool:
        """Return whether the window has room, on a connection that is read and shows signs of life."""
        free = self.stage is Stage.BOUND and len(self.unanswered) < self._window
        return free and self._paused_at is None and not self._stalled(now)

    def submit(self, token: Any, frame: Any, now: float) -> None:
        """Send one part; its response comes as an event with this token. Only when `may_submit`."""
        self.unanswered[self._write(frame, now)] = (token, now)

    def leave(self, now: float) -> None:
        """Say goodbye; the connection is over when it is answered."""
        if self.stage is Stage.BOUND:
            self.stage = Stage.LEAVING
            self._write(self.goodbye, now)

    def take(self) -> bytes:
        """Return and clear the bytes to write."""
        out = bytes(self._out)
        self._out.clear()
        return out

    def feed(self, received: bytes, now: float) -> list[Event]:
        """Read bytes, in pieces of any size. Nothing counts after `Closed`."""
        self._in += received
        events: list[Event] = []
        try:
            for sequence, frame in self._frames(self._in):
                self._received_at, self._tests = now, 0
                events += self._in_order(self._receive(sequence, frame, now))
                if self.stage is Stage.CLOSED:
                    break
        except FrameInvalid as error:
            events += self.close(f"frame_{error.detail}")
        return events

    def tick(self, now: float) -> list[Event]:
        """Let time pass: overdue requests are lost, a silent gateway is tested, a dead one left."""
        if self.stage is Stage.CLOSED or self._paused_at is not None:
            return []
        if self.stage is not Stage.BOUND:
            return self.close("no_answer") if now - self._written_at >= self._timers.answer else []
        events = list(self._give_up(now))
        if self._test_is_due(now):
            if self._tests >= self._timers.sends:
                return [*events, *self.close("dead")]
            self._tests, self._tested_at = self._tests + 1, now
            self._write(self.alive, now)
        return events

    def pause(self, now: float) -> None:
        """Stop the timers: nothing is read from the socket, so the gateway's silence means nothing."""
        if self._paused_at is None:
            self._paused_at = now

    def resume(self, now: float) -> None:
        """Let the timers go on where they stopped."""
        if self._paused_at is None:
            return
        spent, self._paused_at = now - self._paused_at, None
        self._received_at += spent
        self._written_at += spent
        self._tested_at += spent
        for sequence, (token, at) in self.unanswered.items():
            self.unanswered[sequence] = (token, at + spent)

    def close(self, reason: str) -> list[Event]:
        """End the connection; what was not answered is lost."""
        if self.stage is Stage.CLOSED:
            return []
        self.refused = self.stage is Stage.CONNECTING
        self.stage, self.reason = Stage.CLOSED, reason
        lost = [Lost(token) for token, _ in self.unanswered.values()]
        self.unanswered.clear()
        return [*lost, Closed(reason)]

    def _in_order(self, events: list[Event]) -> list[Event]:
        """Keep deliveries that come before the login is answered until it is."""
        if self.stage is Stage.CONNECTING:
            room = EARLY_KEPT - len(self._early)
            self._early += [event for event in events if isinstance(event, Delivered)][:room]
            return [event for event in events if not isinstance(event, Delivered)]
        if any(isinstance(event, Bound) for event in events):
            events, self._early = events + self._early, []
        return events

    def _write(self, frame: Any, now: float, sequence: int | None = None) -> int:
        if sequence is None:
            self._sequence = sequence = self._sequence % self.last_sequence + 1
        self._out += self._encode(frame, sequence)
        self._written_at = now
        return sequence

    def _match(self, sequence: int, result: int, name: str) -> Event:
        if sequence in self.unanswered:
            return Answered(self.unanswered.pop(sequence)[0], result, name)
        if sequence in self._late:
            return Answered(self._late.pop(sequence), result, name)
        return Stray()

    def _give_up(self, now: float) -> Iterator[Event]:
        while self.unanswered:
            sequence, (token, submitted_at) = next(iter(self.unanswered.items()))
            if now - submitted_at < self._timers.answer:
                return
            del self.unanswered[sequence]
            self._late[sequence] = token
            if len(self._late) > LATE_KEPT:
                self._late.popitem(last=False)
            yield Lost(token)

    def _stalled(self, now: float) -> bool:
        """Return whether the gateway owes responses and has sent nothing at all for a while."""
        if not self.unanswered:
            return self._tests > 0 and now - self._received_at >= self._timers.stall
        oldest = next(iter(self.unanswered.values()))[1]
        return now - max(oldest, self._received_at) >= self._timers.stall

    def _test_is_due(self, now: float) -> bool:
        if self._tests:
            return now - self._tested_at >= self._timers.answer
        return self._stalled(now) or now - max(self._received_at, self._written_at) >= self._timers.idle
