"""CMPP 3.0 and 2.0 frames, as bytes and back (pure).

Numbers are unsigned and big-endian; texts are padded on the right with zeros. The tests have golden frames, byte for
byte. Source: QB-GF-028-2003, sections 7 and 8.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct
from typing import Any

from sms_port.errors import FrameInvalid
from sms_port.links.cmpp.frames import (
    ACTIVE_TEST_RESP,
    BARE,
    V20,
    V30,
    Bare,
    Connect,
    ConnectResp,
    Deliver,
    DeliverResp,
    Frame,
    Submit,
    SubmitResp,
)

HEADER = Struct(">III")
LONGEST = 4096
"""More than any frame can have: a SUBMIT to 99 numbers has 3,491 bytes."""


@dataclass(frozen=True)
class Layout:
    """The fixed part of the bodies that differ between the versions, and the zeros that end a message."""

    number: int
    submit: Struct
    deliver: Struct
    connect_resp: Struct
    answer: Struct
    tail: bytes


CONNECT = Struct(">6s16sBI")
LAYOUTS = {
    V30: Layout(
        32,
        Struct(">Q4B10sB32s4B6s2s6s17s17s21sB32s2B"),
        Struct(">Q21s10s3B32s3B"),
        Struct(">I16sB"),
        Struct(">QI"),
        bytes(20),
    ),
    V20: Layout(
        21,
        Struct(">Q4B10sB21s3B6s2s6s17s17s21sB21s1B"),
        Struct(">Q21s10s3B21s2B"),
        Struct(">B16sB"),
        Struct(">QB"),
        bytes(8),
    ),
}


def encode(frame: Frame, sequence: int, version: int = V30) -> bytes:
    """The whole frame, header included."""
    body = _body(frame, LAYOUTS[version])
    return HEADER.pack(HEADER.size + len(body), frame.command, sequence) + body


def decode(frame: bytes, version: int = V30) -> tuple[int, Frame]:
    """(sequence, value) of one whole frame; FrameInvalid when it is not one of ours or has another length."""
    if len(frame) < HEADER.size:
        raise FrameInvalid("truncated")
    length, command, sequence = HEADER.unpack_from(frame)
    if length != len(frame):
        raise FrameInvalid("length")
    return sequence, _parse(command, frame[HEADER.size :], LAYOUTS[version])


def split_frames(buffer: bytearray) -> Iterator[bytes]:
    """Take the whole frames off the front of a buffer; FrameInvalid when a length cannot be true."""
    while len(buffer) >= 4:
        length = int.from_bytes(buffer[:4], "big")
        if not HEADER.size <= length <= LONGEST:
            raise FrameInvalid("length")
        if len(buffer) < length:
            return
        frame = bytes(buffer[:length])
        del buffer[:length]
        yield frame


def _body(frame: Frame, layout: Layout) -> bytes:
    match frame:
        case Submit():
            return _submit_body(frame, layout)
        case SubmitResp(msg_id, result) | DeliverResp(msg_id, result):
            return layout.answer.pack(msg_id, result)
        case Connect():
            return CONNECT.pack(frame.source.encode(), frame.authenticator, frame.version, frame.timestamp)
        case ConnectResp():
            return layout.connect_resp.pack(frame.status, frame.authenticator, frame.version)
        case Deliver():
            return _deliver_body(frame, layout)
        case Bare():
            return b"\0" if frame == ACTIVE_TEST_RESP else b""


def _submit_body(one: Submit, layout: Layout) -> bytes:
    kind = () if layout is LAYOUTS[V20] else (0,)  # 3.0 says of each number whether it is a real one (0)
    head = (one.msg_id, one.pk_total, one.pk_number, one.registered, 0, one.service_id.encode(), one.fee_user_type)
    form = (b"", *kind, 0, one.udhi, one.fmt, one.msg_src.encode(), one.fee_type.encode(), one.fee_code.encode())
    where = (one.valid_time.encode(), one.at_time.encode(), one.src_id.encode(), 1, one.dest.encode(), *kind)
    return layout.submit.pack(*head, *form, *where, len(one.content)) + one.content + layout.tail


def _deliver_body(one: Deliver, layout: Layout) -> bytes:
    kind = () if layout is LAYOUTS[V20] else (0,)
    head = (one.msg_id, one.dest_id.encode(), one.service_id.encode(), one.pid, one.udhi, one.fmt, one.src.encode())
    return layout.deliver.pack(*head, *kind, one.registered, len(one.content)) + one.content + layout.tail


def _parse(command: int, body: bytes, layout: Layout) -> Frame:
    if command == Submit.command:
        return _parse_submit(body, layout)
    if command == Deliver.command:
        return _parse_deliver(body, layout)
    if command in (SubmitResp.command, DeliverResp.command):
        kind = SubmitResp if command == SubmitResp.command else DeliverResp
        return kind(*layout.answer.unpack(_sized(body, layout.answer.size)))
    if command == ConnectResp.command:
        return ConnectResp(*layout.connect_resp.unpack(_sized(body, layout.connect_resp.size)))
    if command == Connect.command:
        source, authenticator, version, timestamp = CONNECT.unpack(_sized(body, CONNECT.size))
        return Connect(_text(source), authenticator, version, timestamp)
    if command not in BARE:
        raise FrameInvalid("unknown_command")
    _sized(body, 1 if BARE[command] == ACTIVE_TEST_RESP else 0)
    return BARE[command]


def _parse_submit(body: bytes, layout: Layout) -> Submit:
    fields, content = _with_content(body, layout.submit, layout.tail)
    kinds = 0 if layout is LAYOUTS[V20] else 1
    msg_id, total, number, registered, _, service, user_type, _ = fields[:8]
    _, udhi, fmt, msg_src, fee_type, fee_code, valid, at, src_id, count, dest = fields[8 + kinds : 19 + kinds]
    if count != 1:
        raise FrameInvalid("numbers")
    return Submit(
        _text(service),
        _text(msg_src),
        _text(src_id),
        _text(dest),
        content,
        total,
        number,
        udhi,
        fmt,
        registered,
        user_type,
        _text(fee_type),
        _text(fee_code),
        _text(valid),
        _text(at),
        msg_id,
    )


def _parse_deliver(body: bytes, layout: Layout) -> Deliver:
    fields, content = _with_content(body, layout.deliver, layout.tail)
    msg_id, dest_id, service, pid, udhi, fmt, src = fields[:7]
    return Deliver(msg_id, _text(dest_id), _text(service), _text(src), content, fields[-2], udhi, fmt, pid)


def _with_content(body: bytes, fixed: Struct, tail: bytes) -> tuple[tuple[Any, ...], bytes]:
    """The fields before the content (the last is its length), and the content."""
    if len(body) < fixed.size:
        raise FrameInvalid("truncated")
    fields = fixed.unpack_from(body)
    _sized(body, fixed.size + fields[-1] + len(tail))
    return fields, body[fixed.size : fixed.size + fields[-1]]


def _sized(body: bytes, size: int) -> bytes:
    if len(body) != size:
        raise FrameInvalid("length")
    return body


def _text(value: bytes) -> str:
    # latin-1: every byte is a character, so that a peer's odd padding never breaks a frame
    return value.rstrip(b"\0 ").decode("latin-1")
