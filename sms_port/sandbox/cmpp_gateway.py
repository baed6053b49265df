"""A CMPP gateway for the sandbox and for tests: accepts logins and messages, reports, injects faults.

One thread reads each connection, one delivers reports. A delivery that is not acknowledged is repeated over the next
connection. A test overrides behaviour with a `Play` of its own.
"""

from __future__ import annotations

import itertools
import queue
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import BinaryIO

from config.telemetry.log import get_logger
from config.times.formats import shanghai
from sms_port.sandbox import cmpp_frames as wire
from sms_port.sandbox.cmpp_frames import Malformed, Part

REPORTED_AFTER_S = 0.5
MOST_UNDELIVERED = 50_000
LONGEST = 4_000

log = get_logger(__name__)


@dataclass(eq=False)
class Guest:
    """One connection of one account."""

    connection: socket.socket
    source: str = ""
    version: int = 0x30
    open: bool = True
    sequences: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    undelivered: dict[int, Delivery] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def say(self, frame: bytes) -> None:
        """Write a frame; does nothing when the connection is closed."""
        with self.lock, suppress(OSError):
            self.connection.sendall(frame)

    def drop(self) -> None:
        """Close the connection without TERMINATE."""
        self.open = False
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)


@dataclass(frozen=True)
class Delivery:
    """DELIVER for an account: a status report or a citizen's text."""

    source: str
    msg_id: int
    dest: str
    phone: str = field(repr=False)
    content: bytes = field(repr=False)
    report: bool


class Play:
    """Behaviour of a gateway without faults; tests override its methods."""

    report_size = 71
    report_after_s = REPORTED_AFTER_S

    def greet(self, guest: Guest, status: int) -> int | None:
        """Return the status of the CONNECT_RESP; None: send no response."""
        return status

    def prove(self, frame: bytes) -> bytes:
        """Return the CONNECT_RESP to send."""
        return frame

    def judge(self, gateway: CmppGateway, guest: Guest, part: Part) -> int:
        """Return the result for a part: 0 accepts it."""
        return 0

    def answer(self, guest: Guest, frame: bytes, part: Part) -> None:
        """Send a SUBMIT_RESP."""
        guest.say(frame)

    def reports(self, part: Part) -> Sequence[str]:
        """Return the states to report for an accepted part."""
        return ("DELIVRD",)


class CmppGateway:
    """CMPP server at `host:port` (port 0: any). `secrets(source)`: the account's; `arrived` is called for each part."""

    def __init__(
        self,
        place: tuple[str, int],
        secrets: Callable[[str], Sequence[str]],
        arrived: Callable[[int, Part], None],
        play: Play | None = None,
    ) -> None:
        self.play = play or Play()
        self._secrets, self._arrived = secrets, arrived
        self._lock = threading.Lock()
        self._guests: list[Guest] = []
        self._undelivered: deque[Delivery] = deque(maxlen=MOST_UNDELIVERED)
        self._reports: queue.SimpleQueue[tuple[float, Delivery] | None] = queue.SimpleQueue()
        self._ids = itertools.count(int(time.time() * 1000) << 16)
        self._server = socket.create_server(place, backlog=64)
        self.port = int(self._server.getsockname()[1])
        for run in (self._listen, self._report):
            threading.Thread(target=run, name="sandbox-cmpp", daemon=True).start()

    def close(self) -> None:
        """Stop listening and close all connections."""
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._reports.put(None)
        for guest in self.guests():
            guest.drop()

    def guests(self) -> list[Guest]:
        """Return the connections that are logged in."""
        with self._lock:
            return list(self._guests)

    def deliver(self, delivery: Delivery) -> None:
        """Deliver to an account now, or as soon as it connects."""
        with self._lock:
            guest = next((guest for guest in self._guests if guest.source == delivery.source and guest.open), None)
            if guest is None:
                self._undelivered.append(delivery)
                return
            sequence = next(guest.sequences)
            guest.undelivered[sequence] = delivery
        told = (delivery.msg_id, delivery.dest, delivery.phone, delivery.content)
        guest.say(wire.build_deliver(sequence, *told, guest.version, report=delivery.report))

    def write(self, source: str, dest: str, phone: str, text: str) -> None:
        """Play a citizen who writes to a number of an account."""
        self.deliver(Delivery(source, next(self._ids), dest, phone, text.encode("utf-16-be"), False))

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._host, args=(Guest(connection),), name="sandbox-guest", daemon=True).start()

    def _host(self, guest: Guest) -> None:
        with guest.connection, guest.connection.makefile("rb") as stream:
            try:
                if self._let_in(guest, _read(stream)):
                    while guest.open:
                        self._take(guest, _read(stream))
            except (OSError, EOFError, ValueError):
                pass
            except Malformed:
                log.warning("guest_malformed")
            finally:
                self._part(guest)

    def _let_in(self, guest: Guest, frame: bytes) -> bool:
        if wire.number_at(frame, 4, 4) != wire.CONNECT:
            raise Malformed
        asked = wire.read_connect(frame)
        guest.source, guest.version = asked.source, asked.version
        secret = next((secret for secret in self._secrets(asked.source) if wire.is_proven(asked, secret)), None)
        status = self.play.greet(guest, 3 if secret is None else 0)
        if status is not None:
            welcome = wire.build_connect_response(wire.number_at(frame, 8, 4), status, asked, secret or "")
            guest.say(self.play.prove(welcome))
        if status:
            return False
        with self._lock:
            self._guests.append(guest)
            waiting, self._undelivered = self._undelivered, deque(maxlen=MOST_UNDELIVERED)
        for delivery in waiting:
            self.deliver(delivery)
        return True

    def _take(self, guest: Guest, frame: bytes) -> None:
        command, sequence = wire.number_at(frame, 4, 4), wire.number_at(frame, 8, 4)
        if command == wire.SUBMIT:
            self._submitted(guest, sequence, wire.read_submit(frame, guest.version))
        elif command == wire.DELIVER | wire.ANSWER:
            guest.undelivered.pop(sequence, None)
        elif command == wire.ACTIVE_TEST:
            guest.say(wire.build(wire.ACTIVE_TEST | wire.ANSWER, sequence, b"\0"))
        elif command == wire.TERMINATE:
            guest.say(wire.build(wire.TERMINATE | wire.ANSWER, sequence))
            guest.open = False
        elif command not in (wire.ACTIVE_TEST | wire.ANSWER, wire.TERMINATE | wire.ANSWER):
            raise Malformed

    def _submitted(self, guest: Guest, sequence: int, part: Part) -> None:
        result, msg_id = self.play.judge(self, guest, part), next(self._ids)
        if result == 0:
            self._arrived(msg_id, part)
            if part.wants_report:
                for stat in self.play.reports(part):
                    self._promise(guest, msg_id, part, stat)
        if guest.open:
            self.play.answer(guest, wire.build_submit_response(sequence, msg_id, result, guest.version), part)

    def _promise(self, guest: Guest, msg_id: int, part: Part, stat: str) -> None:
        minute = f"{shanghai(time.time_ns() // 1_000_000):%y%m%d%H%M}"
        content = wire.build_report(msg_id, stat, minute, "86" + part.phone, self.play.report_size)
        delivery = Delivery(guest.source, next(self._ids), part.sender, "86" + part.phone, content, True)
        if self.play.report_after_s <= 0:
            self.deliver(delivery)  # before the answer: a gateway may
        else:
            self._reports.put((time.monotonic() + self.play.report_after_s, delivery))

    def _report(self) -> None:
        while (item := self._reports.get()) is not None:
            due, delivery = item
            time.sleep(max(0.0, due - time.monotonic()))
            self.deliver(delivery)

    def _part(self, guest: Guest) -> None:
        with self._lock:
            guest.open = False
            if guest in self._guests:
                self._guests.remove(guest)
            left = list(guest.undelivered.values())
        for delivery in left:  # to the next connection, which may have come before this one was seen to end
            self.deliver(delivery)


def _read(stream: BinaryIO) -> bytes:
    head = stream.read(12)
    if len(head) < 12:
        raise EOFError
    length = wire.number_at(head, 0, 4)
    if not 12 <= length <= LONGEST:
        raise Malformed
    body = stream.read(length - 12)
    if len(body) < length - 12:
        raise EOFError
    return head + body
