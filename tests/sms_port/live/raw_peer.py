"""A gateway of either protocol that says exactly the bytes a test gives it, over a live socket.

It lets everybody in, answers each message as `answer` has it, and remembers what it heard. It reads at the offsets of
the specifications and shares no line with the links.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from config.db.engine import begin
from config.ground import Ground
from sms_port.ledger.messages import Lane
from sms_port.sandbox import cmpp_frames
from sms_port.sending.gateway import Gateway
from tests.sms_port.cmpp_peers import use_cmpp
from tests.sms_port.messages import News, change_catalogue
from tests.sms_port.smpp_peers import use_smpp
from tests.support.servers import wait_until

RESPONSE = 0x80000000


@dataclass(frozen=True)
class Heard:
    """A message as it was submitted, and what this gateway calls it."""

    phone: str
    sequence: int
    name: int
    content: bytes = field(repr=False)
    place: tuple[int, int] = (1, 1)


class RawPeer:
    """One protocol; `version` 0x30 or 0x20 is CMPP, 0x34 SMPP."""

    def __init__(self, version: int) -> None:
        self.version, self.header = version, 16 if version == 0x34 else 12
        self.heard: list[Heard] = []
        self.acknowledged: set[int] = set()
        self.tests = self.logins = 0
        self.frames: list[bytes] = []
        """The other frames that it received."""

        self.answer: Callable[[Heard], bytes | None] = lambda heard: self.accept(heard)
        self.answer_test: Callable[[bytes], bytes] = lambda frame: self.respond(frame, b"\0" * (self.header == 12))
        self.before_login = b""
        self.refused = 0
        """How many logins it refuses first, with status 5: already bound."""

        self._names, self._sequences = count(0x6000_0000_0001), count(1)
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self._connection: socket.socket | None = None
        threading.Thread(target=self._listen, daemon=True).start()

    def told(self, event: str) -> list[dict[str, int]]:
        """Say where it listens, as `use_smpp` asks."""
        return [{"port": self.port}]

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self.drop()

    def drop(self) -> None:
        """End the connection."""
        if self._connection is not None:
            with contextlib.suppress(OSError):
                self._connection.shutdown(socket.SHUT_RDWR)

    def say(self, stream: bytes) -> None:
        assert self._connection is not None
        self._connection.sendall(stream)

    def deliver(self, body: bytes, command: int = 5) -> int:
        """Say a delivery; its sequence, which is acknowledged in time."""
        sequence = next(self._sequences)
        self.say(self.frame(command, sequence, body))
        return sequence

    def wait_acknowledged(self, *sequences: int) -> None:
        wait_until(lambda: self.acknowledged >= set(sequences))

    def frame(self, command: int, sequence: int, body: bytes = b"", status: int = 0) -> bytes:
        words = (command, sequence) if self.header == 12 else (command, status, sequence)
        return b"".join(n.to_bytes(4, "big") for n in (self.header + len(body), *words)) + body

    def respond(self, frame: bytes, body: bytes = b"") -> bytes:
        return self.frame(self._number(frame, 4) | RESPONSE, self._number(frame, self.header - 4), body)

    def accept(self, heard: Heard) -> bytes:
        """Return the answer that takes a message."""
        if self.header == 16:
            return self.frame(4 | RESPONSE, heard.sequence, f"{heard.name:x}\0".encode())
        return cmpp_frames.build_submit_response(heard.sequence, heard.name, 0, self.version)

    def _number(self, frame: bytes, at: int) -> int:
        return int.from_bytes(frame[at : at + 4], "big")

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            self._connection = connection
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        buffer = b""
        with connection, contextlib.suppress(OSError):
            while piece := connection.recv(65_536):
                buffer += piece
                while len(buffer) >= 4 and len(buffer) >= self._number(buffer, 0):
                    size = self._number(buffer, 0)
                    frame, buffer = buffer[:size], buffer[size:]
                    connection.sendall(self._reply(frame))

    def _reply(self, frame: bytes) -> bytes:
        command = self._number(frame, 4)
        if command in (1, 9) and command == (9 if self.header == 16 else 1):
            self.logins += 1
            if self.logins <= self.refused:
                status = 5 if self.header == 16 else 0
                body = b"" if self.header == 16 else (5).to_bytes(4, "big") + bytes(16) + bytes([self.version])
                return self.frame(command | RESPONSE, self._number(frame, self.header - 4), body, status)
            return self.before_login + self._welcome(frame)
        if command == 4:
            heard = self._read(frame)
            answer = self.answer(heard)
            self.heard.append(heard)
            return answer or b""
        if command == (0x15 if self.header == 16 else 8):
            self.tests += 1
            return self.answer_test(frame)
        if command in (5 | RESPONSE, 0x103 | RESPONSE):
            self.acknowledged.add(self._number(frame, self.header - 4))
            return b""
        if command == (6 if self.header == 16 else 2):
            return self.respond(frame)
        self.frames.append(frame)
        return b""

    def _welcome(self, frame: bytes) -> bytes:
        if self.header == 16:
            return self.respond(frame, b"smsc\0")
        asked = cmpp_frames.read_connect(frame)
        return cmpp_frames.build_connect_response(self._number(frame, 8), 0, asked, SECRET)

    def _read(self, frame: bytes) -> Heard:
        name = next(self._names)
        if self.header == 12:
            part = cmpp_frames.read_submit(frame, self.version)
            return Heard(part.phone, self._number(frame, 8), name, part.content, (part.total, part.number))
        service, rest = frame[16:].split(b"\0", 1)
        source, rest = rest[2:].split(b"\0", 1)
        phone, rest = rest[2:].split(b"\0", 1)
        esm_class, rest = rest[0], rest[3:]
        _, rest = rest.split(b"\0", 1)
        _, rest = rest.split(b"\0", 1)
        content = rest[5:]
        place = (content[4], content[5]) if esm_class & 0x40 else (1, 1)
        assert service is not None
        assert source
        return Heard(phone.decode()[2:], self._number(frame, 12), name, content, place)


SECRET = "the secret of the raw peer"


@contextlib.contextmanager
def run_raw(
    ground: Ground, news: News, version: int, peer: RawPeer | None = None, **options: Any
) -> Iterator[tuple[RawPeer, Gateway]]:
    """A raw peer and a gateway that is connected to it."""
    peer = peer or RawPeer(version)
    limits: dict[str, object] = {"parts_per_second": 5_000, "window": 64} | options
    if version == 0x34:
        use_smpp(ground, peer, **limits)  # type: ignore[arg-type]
        change_catalogue(ground, ('enabled = true\nurl = "{sandbox}/sms"', 'enabled = false\nurl = "{sandbox}/sms"'))
    else:
        set_secret(ground)
        use_cmpp(ground, peer.port, version="2.0" if version == 0x20 else "3.0", **limits)
    gateway = Gateway(ground, news)
    try:
        gateway.pool.capacity(Lane.REPLY)
        gateway.pool.wait_ready(90)
        yield peer, gateway
    finally:
        gateway.pool.close()
        peer.close()


def set_secret(ground: Ground) -> None:
    with begin(ground.engine) as db:
        ground.secrets.set(db, "cmpp.key", SECRET, ground.clock.now())
    ground.secrets.forget()


def cmpp_delivery(
    version: int,
    content: bytes,
    phone: bytes,
    *,
    msg_id: int = 0x77,
    dest: bytes = b"10699000",
    coding: int = 8,
    udhi: int = 0,
    registered: int = 0,
    tail: bytes | None = None,
) -> bytes:
    """The body of a DELIVER, whose fields may be anything."""
    old = version == 0x20
    number = phone.ljust(21, b"\0") if old else phone.ljust(32, b"\0") + b"\0"
    head = msg_id.to_bytes(8, "big") + dest.ljust(21, b"\0") + bytes(10) + bytes([0, udhi, coding])
    end = bytes(8 if old else 20) if tail is None else tail
    return head + number + bytes([registered, len(content)]) + content + end


def cmpp_report(
    name: int,
    phone: bytes,
    stat: bytes = b"DELIVRD",
    *,
    size: int = 71,
    submitted: bytes = b"2611221405",
    done: bytes = b"2611221406",
) -> bytes:
    """The content of a status report."""
    number = phone.ljust(32 if size >= 71 else 21, b"\0")
    texts = stat.ljust(7, b"\0") + submitted.ljust(10, b"\0") + done.ljust(10, b"\0")
    return (name.to_bytes(8, "big") + texts + number + bytes(4)).ljust(size, b"\0")


def tlv(tag: int, value: bytes) -> bytes:
    return tag.to_bytes(2, "big") + len(value).to_bytes(2, "big") + value


def smpp_delivery(
    content: bytes,
    phone: bytes,
    *,
    esm: int = 0,
    coding: int = 8,
    more: bytes = b"",
    dest: bytes = b"10699000",
    data_sm: bool = False,
) -> bytes:
    """The body of a deliver_sm, or of a data_sm."""
    head = b"\0\1\x01" + phone + b"\0\0\x01" + dest + b"\0" + bytes([esm])
    if data_sm:
        return head + bytes([0, coding]) + more
    return head + bytes([0, 0, 0, 0, 0, 0, coding, 0, len(content)]) + content + more
