"""Keep the connections of one account up, in a thread with an event loop of its own.

It connects, lets time pass, reconnects with growing pauses, and says goodbye. The frames are the business of the owner,
whose methods are called in this thread only.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from secrets import SystemRandom

from config.errors import OneCertError
from config.telemetry.log import get_logger
from sms_port.links.session.events import Event, Stage
from sms_port.links.session.protocol import ProtocolSession
from sms_port.links.session.stream import Owner, Stream

STEADY_S = 60.0
DRAIN_S, GOODBYE_S = 2.0, 0.5
RECONNECT_S = (1.0, 60.0)
_SPREAD = SystemRandom()
log = get_logger(__name__)


@dataclass(frozen=True)
class Slot:
    """Address of the gateway, the link's name in the log, and the number of its connections."""

    name: str
    host: str
    port: int
    connect_s: float
    step_s: float = 0.5
    connections: int = 1


class Connections:
    """The connections to one gateway. `bound` is set while at least one of them is logged in."""

    def __init__(self, owner: Owner, slot: Slot) -> None:
        self._owner, self._slot = owner, slot
        self.bound = threading.Event()
        self.reason = "starting"
        self._leaving = False
        self._later: asyncio.TimerHandle | None = None
        self._streams: list[Stream] = []
        self._loop = asyncio.new_event_loop()
        self._left = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name=f"connections-{slot.name}", daemon=True)

    def start(self) -> None:
        """Begin to connect; returns at once."""
        self._thread.start()

    def time(self) -> float:
        """Return the loop's time, in monotonic seconds."""
        return self._loop.time()

    def call(self, what: Callable[[], None]) -> bool:
        """Run something in the connections' thread soon; False when it has ended."""
        try:
            self._loop.call_soon_threadsafe(what)
        except RuntimeError:
            return False
        return True

    def close(self) -> None:
        """Wait two seconds for responses, say goodbye, end the thread."""
        self.bound.clear()
        self.call(self._leave)
        self._thread.join(DRAIN_S + GOODBYE_S + self._slot.connect_s + 1.0)

    def pump_later(self, seconds: float) -> None:
        """Pump again after this many seconds."""
        if self._later is None or self._later.when() <= self._loop.time():
            self._later = self._loop.call_later(seconds, self._pump)

    def flush(self) -> None:
        """Write what is queued."""
        for stream in self._streams:
            stream.flush()

    def hold(self, on: bool) -> None:
        """Stop reading from every connection, or go on."""
        for stream in self._streams:
            stream.hold(on)

    def bound_count(self) -> int:
        """Return the number of connections that are logged in."""
        return sum(stream.session.stage is Stage.BOUND for stream in list(self._streams))

    def status_text(self) -> str:
        """Return `up`, with the number of connections when not all of them are, or why none is."""
        count = self.bound_count()
        if not self.bound.is_set():
            return self.reason
        return "up" if count >= self._slot.connections else f"up_{count}_of_{self._slot.connections}"

    def _leave(self) -> None:
        self._leaving = True
        self._left.set()

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._keep_all())
        finally:
            self._loop.close()

    async def _keep_all(self) -> None:
        await asyncio.gather(*(self._keep_connected() for _ in range(self._slot.connections)))

    async def _keep_connected(self) -> None:
        pause = RECONNECT_S[0]
        while not self._leaving:
            begun = self._loop.time()
            self.reason = await self._connect()
            if not any(stream.session.stage is Stage.BOUND for stream in self._streams):
                self.bound.clear()
            if self._leaving:
                return
            steady = self._loop.time() - begun > STEADY_S
            pause = RECONNECT_S[0] if steady else pause
            log.warning("link_down", link=self._slot.name, reason=self.reason, again_s=pause)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._left.wait(), pause * _SPREAD.uniform(0.8, 1.2))
            pause = min(pause * 2, RECONNECT_S[1])

    async def _connect(self) -> str:
        try:
            session = self._owner.open_session(self._loop.time())
        except OneCertError as error:
            return error.code
        stream = Stream(self._owner, session, self._loop)
        self._streams.append(stream)  # before there is a socket: the login may be answered before `_reach` returns
        try:
            return await self._run_session(session, stream) if await self._reach(stream) else "unreachable"
        finally:
            self._streams.remove(stream)
            stream.close()

    async def _reach(self, stream: Stream) -> bool:
        making = self._loop.create_connection(lambda: stream, self._slot.host, self._slot.port)
        try:
            await asyncio.wait_for(making, self._slot.connect_s)
        except (OSError, TimeoutError):
            return False
        return True

    async def _run_session(self, session: ProtocolSession, stream: Stream) -> str:
        begun, deadline = self._loop.time(), 0.0
        while session.stage is not Stage.CLOSED:
            now = self._loop.time()
            events = session.tick(now)
            if session.stage is Stage.CONNECTING and now - begun >= self._slot.connect_s:
                events += session.close("no_answer")
            if self._leaving:
                deadline = deadline or now + DRAIN_S
                events += _leave_session(session, now, deadline)
            stream.advance(events)
            with suppress(TimeoutError):
                await asyncio.wait_for(stream.over.wait(), 0.02 if self._leaving else self._slot.step_s)
        return session.reason

    def _pump(self) -> None:
        for stream in list(self._streams):
            stream.advance([])


def _leave_session(session: ProtocolSession, now: float, deadline: float) -> list[Event]:
    """Say goodbye once all is answered or the deadline is over; wait half a second for its answer."""
    if not session.unanswered or now >= deadline:
        session.leave(now)
    return session.close("left") if now >= deadline + GOODBYE_S else []
