"""One connection's socket: bytes in and out for a session, and when to read no more."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol, cast

from sms_port.links.session.events import Event, Stage
from sms_port.links.session.protocol import ProtocolSession


class Owner(Protocol):
    """Whose connections they are."""

    def begin(self, now: float) -> ProtocolSession:
        """A session that has been opened; OneCertError when it cannot be."""

    def hear(self, session: ProtocolSession, events: Sequence[Event]) -> None:
        """What happened on the connection."""

    def pump(self, session: ProtocolSession, now: float) -> None:
        """Say what may be said now."""


class Stream(asyncio.Protocol):
    """One socket. Bytes that cannot be written stop the reading, so that no peer can make us pile up answers."""

    def __init__(self, owner: Owner, session: ProtocolSession, loop: asyncio.AbstractEventLoop) -> None:
        self.session = session
        self.over = asyncio.Event()
        self._owner, self._loop = owner, loop
        self._transport: asyncio.Transport | None = None
        self._holds: set[str] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say what was said before there was a socket."""
        self._transport = cast(asyncio.Transport, transport)
        self._read_or_not()
        self.flush()

    def data_received(self, data: bytes) -> None:
        """Understand it, answer, and use the room that answers made."""
        self.told(self.session.feed(data, self._loop.time()))

    def connection_lost(self, exc: Exception | None) -> None:
        """The other side is gone."""
        self.told(self.session.close("dropped"))

    def pause_writing(self) -> None:
        """The peer does not read."""
        self._hold("peer", True)

    def resume_writing(self) -> None:
        """The peer reads again."""
        self._hold("peer", False)

    def told(self, events: Sequence[Event]) -> None:
        """Pass on what happened, and say what may be said now."""
        if events:
            self._owner.hear(self.session, events)
        if self.session.stage is Stage.CLOSED:
            self.over.set()
        else:
            self._owner.pump(self.session, self._loop.time())
        self.flush()

    def flush(self) -> None:
        """Write what has been said; before there is a socket, it is kept."""
        if self._transport is None:
            return
        out = self.session.take()
        if out and not self._transport.is_closing():
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
        self._read_or_not()

    def _read_or_not(self) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        if self._holds:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()
