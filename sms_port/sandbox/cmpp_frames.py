"""Read and write CMPP frames on the gateway's side, at the offsets of the specification (pure).

Written from QB-GF-028-2003 and CMPP 2.0 by itself; it shares no line with the link that it is there to judge.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

CONNECT, TERMINATE, SUBMIT, DELIVER, ACTIVE_TEST = 0x1, 0x2, 0x4, 0x5, 0x8
ANSWER = 0x80000000
V30 = 0x30
"""The version number of CMPP 3.0. Clients of 2.0 write 0x20, some 0x21."""


class Malformed(Exception):
    """Raised for a frame that is no CMPP."""


@dataclass(frozen=True)
class ConnectRequest:
    """Fields of a CONNECT."""

    source: str
    proof: bytes
    version: int
    timestamp: int


@dataclass(frozen=True)
class Part:
    """Fields of a SUBMIT to one number."""

    total: int
    number: int
    wants_report: bool
    service: str
    long: bool
    coding: int
    account: str
    sender: str
    phone: str = field(repr=False)
    content: bytes = field(repr=False)

    @property
    def text(self) -> str:
        """Text of this part."""
        words = self.content[self.content[0] + 1 :] if self.long and self.content else self.content
        return words.decode("utf-16-be" if self.coding == 8 else "ascii", "replace")

    @property
    def joint(self) -> int:
        """Concatenation reference of a long message; -1 when it has one part."""
        return self.content[3] if self.long and self.content[:3] == b"\x05\x00\x03" else -1


def number_at(frame: bytes, offset: int, width: int) -> int:
    """Return the unsigned number at an offset."""
    return int.from_bytes(frame[offset : offset + width], "big")


def text_at(frame: bytes, offset: int, width: int) -> str:
    """Return the padded text at an offset."""
    return frame[offset : offset + width].split(b"\0", 1)[0].decode("ascii", "replace")


def build(command: int, sequence: int, body: bytes = b"") -> bytes:
    """Return a frame with this body."""
    return b"".join(part.to_bytes(4, "big") for part in (12 + len(body), command, sequence)) + body


def read_connect(frame: bytes) -> ConnectRequest:
    """Read a CONNECT of 39 bytes: 12 source, 18 proof, 34 version, 35 timestamp."""
    if len(frame) != 39:
        raise Malformed
    return ConnectRequest(text_at(frame, 12, 6), frame[18:34], frame[34], number_at(frame, 35, 4))


def is_proven(asked: ConnectRequest, secret: str) -> bool:
    """Return whether the authenticator was made with the secret."""
    digest = hashlib.md5(usedforsecurity=False)
    for piece in (asked.source.encode().ljust(6, b"\0"), bytes(9), secret.encode(), f"{asked.timestamp:010}".encode()):
        digest.update(piece)
    return digest.digest() == asked.proof


def build_connect_response(sequence: int, status: int, asked: ConnectRequest, secret: str) -> bytes:
    """Return a CONNECT_RESP of 33 bytes, 30 in 2.0; without an authenticator when the login is refused."""
    said = status.to_bytes(1 if asked.version < V30 else 4, "big")
    proof = hashlib.md5(said + asked.proof + secret.encode(), usedforsecurity=False).digest()
    return build(CONNECT | ANSWER, sequence, said + (bytes(16) if status else proof) + bytes([asked.version]))


def read_submit(frame: bytes, version: int) -> Part:
    """Read a SUBMIT of 163 + 32n + len bytes, in 2.0 138 + 21n + len; only n = 1 is taken here."""
    old = version < V30
    wide, tail = (21, 8) if old else (32, 20)
    after_fee = 35 + wide + (0 if old else 1)  # TP_pId
    numbers = after_fee + 72  # DestUsr_tl
    length_at = numbers + 1 + wide + (0 if old else 1)
    if len(frame) < length_at + 1 or frame[numbers] != 1:
        raise Malformed
    length = frame[length_at]
    if len(frame) != length_at + 1 + length + tail:
        raise Malformed
    return Part(
        total=frame[20],
        number=frame[21],
        wants_report=frame[22] == 1,
        service=text_at(frame, 24, 10),
        long=frame[after_fee + 1] == 1,
        coding=frame[after_fee + 2],
        account=text_at(frame, after_fee + 3, 6),
        sender=text_at(frame, after_fee + 51, 21),
        phone=text_at(frame, numbers + 1, wide).removeprefix("+").removeprefix("86"),
        content=frame[length_at + 1 : length_at + 1 + length],
    )


def build_submit_response(sequence: int, msg_id: int, result: int, version: int) -> bytes:
    """Return a SUBMIT_RESP of 24 bytes, 21 in 2.0."""
    width = 1 if version < V30 else 4
    return build(SUBMIT | ANSWER, sequence, msg_id.to_bytes(8, "big") + result.to_bytes(width, "big"))


def build_deliver(
    sequence: int, msg_id: int, dest: str, phone: str, content: bytes, version: int, *, report: bool
) -> bytes:
    """Return a DELIVER of 109 + len bytes, 85 + len in 2.0."""
    old = version < V30
    head = msg_id.to_bytes(8, "big") + dest.encode().ljust(21, b"\0") + bytes(10)
    coding = bytes([0, 0, 0 if report else 8])
    source = phone.encode().ljust(21 if old else 32, b"\0") + (b"" if old else b"\0")
    body = head + coding + source + bytes([int(report), len(content)]) + content + bytes(8 if old else 20)
    return build(DELIVER, sequence, body)


def build_report(msg_id: int, stat: str, minute: str, phone: str, size: int = 71) -> bytes:
    """Return a status report of 71 bytes, or of 60 as in 2.0; `minute` is YYMMDDHHMM."""
    number = phone.encode().ljust(32 if size == 71 else 21, b"\0")
    return msg_id.to_bytes(8, "big") + stat.encode().ljust(7, b"\0") + minute.encode() * 2 + number + bytes(4)
