"""One connection's socket: bytes in and out for a session, and back-pressure."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol, cast

from sms_port.links.session.events import Event, Stage
from sms_port.links.session.protocol import ProtocolSession


class Owner(Protocol):
    """The link that the connections belong to."""

    def open_session(self, now: float) -> ProtocolSession:
        """Return a session that has sent its login; OneCertError when it cannot be made."""

    def on_events(self, session: ProtocolSession, events: Sequence[Event]) -> None:
        """Take the events of a connection."""

    def pump(self, session: ProtocolSession, now: float) -> None:
        """Submit what window and rate allow."""


class Stream(asyncio.Protocol):
    """One socket. Bytes that cannot be written stop the reading, so that no peer can make us pile up responses."""

    def __init__(self, owner: Owner, session: ProtocolSession, loop: asyncio.AbstractEventLoop) -> None:
        self.session = session
        self.over = asyncio.Event()
        self._owner, self._loop = owner, loop
        self._transport: asyncio.Transport | None = None
        self._holds: set[str] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Write what was queued before there was a socket."""
        self._transport = cast(asyncio.Transport, transport)
        self._update_reading()
        self.flush()

    def data_received(self, data: bytes) -> None:
        """Read it, answer, and submit into the window that responses freed."""
        self.advance(self.session.feed(data, self._loop.time()))

    def connection_lost(self, exc: Exception | None) -> None:
        """End the session."""
        self.advance(self.session.close("dropped"))

    def pause_writing(self) -> None:
        """Stop reading while the peer does not read."""
        self._hold("peer", True)

    def resume_writing(self) -> None:
        """Go on reading: the peer reads again."""
        self._hold("peer", False)

    def advance(self, events: Sequence[Event]) -> None:
        """Pass events to the owner, then write whatever the session may send."""
        if events:
            self._owner.on_events(self.session, events)
        if self.session.stage is Stage.CLOSED:
            self.over.set()
        else:
            self._owner.pump(self.session, self._loop.time())
        self.flush()

    def flush(self) -> None:
        """Write what is queued; before there is a socket, it is kept."""
        if self._transport is None:
            return
        out = self.session.take()
        if out and not self._transport.is_closing():
            self._transport.write(out)

    def hold(self, on: bool) -> None:
        """Stop or go on reading, at the owner's request; the session's timers stop meanwhile."""
        self._hold("owner", on)
        if on:
            self.session.pause(self._loop.time())
        else:
            self.session.resume(self._loop.time())

    def close(self) -> None:
        """Close the socket; what is queued is still written."""
        if self._transport is not None:
            self._transport.close()

    def _hold(self, reason: str, on: bool) -> None:
        (self._holds.add if on else self._holds.discard)(reason)
        self._update_reading()

    def _update_reading(self) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        if self._holds:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()
