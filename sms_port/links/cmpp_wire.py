"""Keeps one CMPP connection up, in a thread with an event loop of its own.

It connects, lets time pass, reconnects with growing pauses, and says goodbye. What is said and heard is the business
of its owner, whose methods are called in this thread only.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from secrets import SystemRandom
from typing import Protocol, cast

from config.errors import OneCertError
from config.log import get_logger
from sms_port.links.cmpp_conversation import Conversation
from sms_port.links.cmpp_events import Event, Stage

STEADY_S = 60.0
DRAIN_S, GOODBYE_S = 2.0, 0.5
RECONNECT_S = (1.0, 60.0)
MOST_WAITING = 2_000
"""Deliveries that wait to be stored before no more is read."""

_SPREAD = SystemRandom()
log = get_logger(__name__)


class Owner(Protocol):
    """Whose connection it is."""

    def begin(self, now: float) -> Conversation:
        """A conversation that has been opened; OneCertError when it cannot be."""

    def hear(self, conversation: Conversation, events: Sequence[Event]) -> None:
        """What happened on the connection."""

    def pump(self, conversation: Conversation, now: float) -> None:
        """Say what may be said now."""


class Wire:
    """The connection to `host:port`; `name` names it in the log."""

    def __init__(self, owner: Owner, name: str, host: str, port: int, connect_s: float, step_s: float = 0.5) -> None:
        self._owner, self._name, self._place = owner, name, (host, port)
        self._connect_s, self._step_s = connect_s, step_s
        self.bound = threading.Event()
        self.reason = "starting"
        self._leaving = False
        self._later: asyncio.TimerHandle | None = None
        self._stream: _Stream | None = None
        self._loop = asyncio.new_event_loop()
        self._left = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name=f"cmpp-{name}", daemon=True)

    def start(self) -> None:
        """Begin to connect; comes back at once."""
        self._thread.start()

    def time(self) -> float:
        """The loop's clock: monotonic seconds."""
        return self._loop.time()

    def call(self, what: Callable[[], None]) -> bool:
        """Run something in the connection's thread soon; False when it has ended."""
        try:
            self._loop.call_soon_threadsafe(what)
        except RuntimeError:
            return False
        return True

    def close(self) -> None:
        """Wait two seconds for answers, say goodbye, end the thread."""
        self.bound.clear()
        self.call(self._leave)
        self._thread.join(DRAIN_S + GOODBYE_S + self._connect_s + 1.0)

    def pump_later(self, seconds: float) -> None:
        """Pump again after so many seconds."""
        if self._later is None or self._later.when() <= self._loop.time():
            self._later = self._loop.call_later(seconds, self._pump)

    def flush(self) -> None:
        """Write what has been said."""
        if self._stream is not None:
            self._stream.flush()

    def hold(self, waiting: int) -> None:
        """Read no more while so many deliveries wait, and again when they are fewer."""
        if self._stream is not None:
            self._stream.hold(waiting > MOST_WAITING)

    def _leave(self) -> None:
        self._leaving = True
        self._left.set()

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._keep_connected())
        finally:
            self._loop.close()

    async def _keep_connected(self) -> None:
        pause = RECONNECT_S[0]
        while not self._leaving:
            begun = self._loop.time()
            self.reason = await self._connect()
            self.bound.clear()
            if self._leaving:
                return
            steady = self._loop.time() - begun > STEADY_S
            pause = RECONNECT_S[0] if steady else pause
            log.warning("link_down", link=self._name, reason=self.reason, again_s=pause)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._left.wait(), pause * _SPREAD.uniform(0.8, 1.2))
            pause = min(pause * 2, RECONNECT_S[1])

    async def _connect(self) -> str:
        try:
            conversation = self._owner.begin(self._loop.time())
            stream = _Stream(self._owner, conversation, self._loop)
            making = self._loop.create_connection(lambda: stream, *self._place)
            await asyncio.wait_for(making, self._connect_s)
        except OneCertError as error:
            return error.code
        except (OSError, TimeoutError):
            return "unreachable"
        self._stream = stream
        try:
            return await self._converse(conversation, stream)
        finally:
            self._stream = None
            stream.close()

    async def _converse(self, conversation: Conversation, stream: _Stream) -> str:
        begun, deadline = self._loop.time(), 0.0
        while conversation.stage is not Stage.CLOSED:
            now = self._loop.time()
            events = conversation.tick(now)
            if conversation.stage is Stage.CONNECTING and now - begun >= self._connect_s:
                events += conversation.close("no_answer")
            if self._leaving:
                deadline = deadline or now + DRAIN_S
                events += _part(conversation, now, deadline)
            stream.told(events)
            with suppress(TimeoutError):
                await asyncio.wait_for(stream.over.wait(), 0.02 if self._leaving else self._step_s)
        return conversation.reason

    def _pump(self) -> None:
        if self._stream is not None:
            self._stream.told([])


def _part(conversation: Conversation, now: float, deadline: float) -> list[Event]:
    """Say goodbye once all is answered or the time for it is over; do not wait for ever for a goodbye."""
    if not conversation.unanswered or now >= deadline:
        conversation.leave(now)
    return conversation.close("left") if now >= deadline + GOODBYE_S else []


class _Stream(asyncio.Protocol):
    """One socket. Bytes that cannot be written stop the reading, so that no peer can make us pile up answers."""

    def __init__(self, owner: Owner, conversation: Conversation, loop: asyncio.AbstractEventLoop) -> None:
        self.conversation = conversation
        self.over = asyncio.Event()
        self._owner, self._loop = owner, loop
        self._transport: asyncio.Transport | None = None
        self._holds: set[str] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say what was said before there was a socket."""
        self._transport = cast(asyncio.Transport, transport)
        self.flush()

    def data_received(self, data: bytes) -> None:
        """Understand it, answer, and use the room that answers made."""
        self.told(self.conversation.feed(data, self._loop.time()))

    def connection_lost(self, exc: Exception | None) -> None:
        """The other side is gone."""
        self.told(self.conversation.close("dropped"))

    def pause_writing(self) -> None:
        """The peer does not read."""
        self._hold("peer", True)

    def resume_writing(self) -> None:
        """The peer reads again."""
        self._hold("peer", False)

    def told(self, events: Sequence[Event]) -> None:
        """Pass on what happened, and say what may be said now."""
        if events:
            self._owner.hear(self.conversation, events)
        if self.conversation.stage is Stage.CLOSED:
            self.over.set()
        else:
            self._owner.pump(self.conversation, self._loop.time())
        self.flush()

    def flush(self) -> None:
        """Write what has been said."""
        out = self.conversation.take()
        if out and self._transport is not None and not self._transport.is_closing():
            self._transport.write(out)

    def hold(self, on: bool) -> None:
        """Stop or go on reading, at the owner's wish."""
        self._hold("owner", on)

    def close(self) -> None:
        """Close the socket; what was said last is still written."""
        if self._transport is not None:
            self._transport.close()

    def _hold(self, who: str, on: bool) -> None:
        (self._holds.add if on else self._holds.discard)(who)
        if self._transport is None or self._transport.is_closing():
            return
        if self._holds:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()
