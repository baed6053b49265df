"""The frames of CMPP 3.0 and 2.0 as values, and the proofs in them (pure). `codec` turns them into bytes.

Source: China Mobile's QB-GF-028-2003 (CMPP 3.0.0), sections 7 and 8, and CMPP 2.0 where it differs.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import ClassVar

V20, V30 = 0x20, 0x30


@dataclass(frozen=True)
class Connect:
    """Login of an SP: `timestamp` is the number MMDDHHMMSS."""

    command: ClassVar[int] = 0x1
    source: str
    authenticator: bytes = field(repr=False)
    version: int
    timestamp: int


@dataclass(frozen=True)
class ConnectResp:
    """Status 0: accepted; 1 structure, 2 source, 3 authenticator, 4 version too high, others.

    `old`: it came in the layout of 2.0.
    """

    command: ClassVar[int] = 0x80000001
    status: int
    authenticator: bytes = field(repr=False)
    version: int
    old: bool = field(default=False, compare=False)


@dataclass(frozen=True)
class Submit:
    """One part of a message to one number. `content` includes the header of a long message when `udhi` is 1."""

    command: ClassVar[int] = 0x4
    service_id: str
    msg_src: str
    src_id: str
    dest: str = field(repr=False)
    content: bytes = field(repr=False)
    pk_total: int = 1
    pk_number: int = 1
    udhi: int = 0
    fmt: int = 8
    registered: int = 1
    fee_user_type: int = 2
    fee_type: str = "01"
    fee_code: str = "0"
    valid_time: str = ""
    at_time: str = ""
    msg_id: int = 0


@dataclass(frozen=True)
class SubmitResp:
    """The gateway's response for a part: its own id, and a result (0 is good). `old`: in the layout of 2.0."""

    command: ClassVar[int] = 0x80000004
    msg_id: int
    result: int
    old: bool = field(default=False, compare=False)


@dataclass(frozen=True)
class Deliver:
    """A citizen's message, or (`registered` not 0) a status report in `content`."""

    command: ClassVar[int] = 0x5
    msg_id: int
    dest_id: str
    service_id: str
    src: str = field(repr=False)
    content: bytes = field(repr=False)
    registered: int = 0
    udhi: int = 0
    fmt: int = 8
    pid: int = 0


@dataclass(frozen=True)
class DeliverResp:
    """Response to a delivery, once it is stored."""

    command: ClassVar[int] = 0x80000005
    msg_id: int
    result: int = 0


@dataclass(frozen=True)
class Bare:
    """A frame that consists of its command alone."""

    command: int


@dataclass(frozen=True)
class UnknownFrame:
    """A frame that this link does not know, or whose body is too short to mean anything."""

    command: int


TERMINATE, TERMINATE_RESP = Bare(0x2), Bare(0x80000002)
ACTIVE_TEST, ACTIVE_TEST_RESP = Bare(0x8), Bare(0x80000008)
BARE = {bare.command: bare for bare in (TERMINATE, TERMINATE_RESP, ACTIVE_TEST, ACTIVE_TEST_RESP)}

Frame = Connect | ConnectResp | Submit | SubmitResp | Deliver | DeliverResp | Bare | UnknownFrame


def build_authenticator(source: str, secret: str, timestamp: int) -> bytes:
    """Return the SP's proof: MD5 (the protocol's choice) over source, nine zeros, secret and the time in ten digits."""
    text = source.encode().ljust(6, b"\0") + bytes(9) + secret.encode() + b"%010d" % timestamp
    return hashlib.md5(text, usedforsecurity=False).digest()


def build_answer_authenticators(status: int, authenticator: bytes, secret: str) -> tuple[bytes, bytes]:
    """Return the gateway's proofs over its status, our proof and the secret: with the status in four bytes, as 3.0 has
    it, and in one, as 2.0 has it. Gateways of one version digest as the other does.
    """
    wide, rest = status.to_bytes(4, "big"), authenticator + secret.encode()
    first, second = (hashlib.md5(said + rest, usedforsecurity=False).digest() for said in (wide, wide[-1:]))
    return first, second
