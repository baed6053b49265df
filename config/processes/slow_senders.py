"""Ends connections that keep a thread waiting for a request which does not come.

granian reads a body without any time limit (its issue 728), so a sender that stops half-way would hold a thread for
ever. The kernel knows for each socket when data last came and when data last left: a connection on which something
came since the last answer has a request pending. One that is pending for too long is answered 408 and shut, and the
read that waits for it fails. Linux only; elsewhere, and behind a proxy that buffers bodies, nothing is ended.
"""

from __future__ import annotations

import os
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final

from config.telemetry.log import get_logger

LONGEST_S: Final = 15.0
"""From the first byte of a request to its answer."""

BUSY_LONGEST_S: Final = 1.0
"""The same while at least BUSY threads wait for bodies: whoever sends at once is not touched by it."""

BUSY: Final = 16
LOOK_S: Final = 0.25

_TCP_INFO: Final = struct.Struct("=44xI4xI64xQQ")  # ms since data was sent, since it came; bytes acked, bytes received
_TIMED_OUT: Final = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

_log = get_logger(__name__)


class Waits:
    """The threads of this process that wait for the body of a request, each since when (monotonic s)."""

    def __init__(self) -> None:
        self._since: dict[int, float] = {}

    def __len__(self) -> int:
        return len(self._since)

    @contextmanager
    def wait(self) -> Iterator[None]:
        """Count this thread meanwhile."""
        thread = threading.get_ident()
        self._since[thread] = time.monotonic()
        try:
            yield
        finally:
            del self._since[thread]

    def oldest(self) -> float | None:
        """Since when the first of them waits; None: nobody does."""
        return min(list(self._since.values()), default=None)


waits: Final = Waits()
"""This process's."""


@dataclass(frozen=True, slots=True)
class _Pending:
    """A request that has begun to come on a connection: since when (monotonic s), after so many bytes were answered."""

    since: float
    answered: int


@dataclass(frozen=True, slots=True)
class _Traffic:
    """Traffic of a connection: whether bytes came since the last answer, bytes taken, and seconds of silence."""

    pending: bool
    answered: int
    silent_s: float


class SlowSenders:
    """Looks at the connections of one listening port of this process. Not shared by threads."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._pending: dict[tuple[int, int], _Pending] = {}

    def look(self, now: float, longest_s: float, *, stuck: bool = False) -> int:
        """Shut connections whose request is pending for longer than `longest_s`; returns how many.

        `stuck`: some thread has waited longer than that. Then whatever was silent for as long is shut as well: a
        request whose beginning came along with an earlier one looks like a connection that is idle.
        """
        seen: dict[tuple[int, int], _Pending] = {}
        ended = 0
        for number, inode in _sockets():
            with suppress(OSError), socket.socket(fileno=os.dup(number)) as sock:
                if (traffic := self._traffic(sock)) is None:
                    continue
                known = self._pending.get((number, inode))
                if known is None or known.answered != traffic.answered:
                    known = _Pending(now, traffic.answered)
                silent = stuck and traffic.silent_s > longest_s
                if not traffic.pending and not silent:
                    continue
                if silent or now - known.since > longest_s:
                    _shut(sock)
                    ended += 1
                else:
                    seen[number, inode] = known
        self._pending = seen
        return ended

    def _traffic(self, sock: socket.socket) -> _Traffic | None:
        """Return what the kernel knows of a connection to our port; None: it is none, or nothing has come."""
        if sock.getsockname()[1:2] != (self._port,):
            return None
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)
        sent_ago, came_ago, answered, received = _TCP_INFO.unpack(info)
        if not received:
            return None
        return _Traffic(pending=answered <= 1 or came_ago < sent_ago, answered=answered, silent_s=came_ago / 1000)


def _sockets() -> Iterator[tuple[int, int]]:
    """(descriptor, inode) of every socket of this process."""
    for name in os.listdir("/proc/self/fd"):
        with suppress(OSError):
            target = os.readlink(f"/proc/self/fd/{name}")
            if target.startswith("socket:["):
                yield int(name), int(target[8:-1])


def _shut(sock: socket.socket) -> None:
    sock.setblocking(False)
    with suppress(OSError):
        sock.send(_TIMED_OUT)
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


def watch(port: int) -> None:
    """Look every quarter of a second, from a thread of its own, as long as this process lives."""
    if not os.path.isdir("/proc/self/fd"):
        return
    threading.Thread(target=_watch, args=(SlowSenders(port),), name="slow-senders", daemon=True).start()


def _watch(senders: SlowSenders) -> None:
    while True:
        time.sleep(LOOK_S)
        oldest, now = waits.oldest(), time.monotonic()
        if oldest is None:
            continue
        longest = BUSY_LONGEST_S if len(waits) >= BUSY else LONGEST_S
        if ended := senders.look(now, longest, stuck=now - oldest > longest + LOOK_S):
            _log.warning("slow_senders_ended", connections=ended)
