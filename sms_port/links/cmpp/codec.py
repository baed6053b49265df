"""CMPP 3.0 and 2.0 frames, as bytes and back (pure).

Numbers are unsigned and big-endian; texts are padded on the right with zeros. Frames are written strictly and read as
far as they go: only the length in the header can make the stream unreadable. The tests have golden frames, byte for
byte. Source: QB-GF-028-2003, sections 7 and 8.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct

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
    UnknownFrame,
)

HEADER = Struct(">III")
LONGEST = 0x10000
"""More than any frame has: a SUBMIT to 99 numbers has 3,491 bytes."""


@dataclass(frozen=True)
class Layout:
    """The fixed parts of the bodies that differ between the versions, and the zeros that end a message."""

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
    """Return the whole frame, header included."""
    body = _body(frame, LAYOUTS[version])
    return HEADER.pack(HEADER.size + len(body), frame.command, sequence) + body


def decode(frame: bytes, version: int = V30) -> tuple[int, Frame]:
    """Return (sequence, frame) of one whole frame; FrameInvalid when its header does not tell its length."""
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
        case UnknownFrame():
            raise ValueError("an unknown frame cannot be written")


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
    if command == Deliver.command:
        return _parse_deliver(body, layout)
    if command in (SubmitResp.command, DeliverResp.command):
        return _parse_answer(command, body, layout)
    if command == ConnectResp.command:
        return _parse_connect_resp(body)
    if command == Connect.command and len(body) >= CONNECT.size:
        source, authenticator, version, timestamp = CONNECT.unpack_from(body)
        return Connect(_text(source), authenticator, version, timestamp)
    if command == Submit.command:
        return _parse_submit(body, layout) or UnknownFrame(command)
    return BARE.get(command) or UnknownFrame(command)


def _parse_answer(command: int, body: bytes, layout: Layout) -> Frame:
    """SUBMIT_RESP or DELIVER_RESP; the length tells whether Result has four bytes (3.0) or one (2.0)."""
    narrow, wide = LAYOUTS[V20].answer.size, LAYOUTS[V30].answer.size
    old = len(body) == narrow or (layout is LAYOUTS[V20] and narrow < len(body) < wide)
    if not old and len(body) < wide:
        return UnknownFrame(command)  # of a Result that is cut nothing can be told
    msg_id, result = LAYOUTS[V20 if old else V30].answer.unpack_from(body)
    return SubmitResp(msg_id, result, old) if command == SubmitResp.command else DeliverResp(msg_id, result)


def _parse_connect_resp(body: bytes) -> Frame:
    """33 bytes in 3.0, 30 in 2.0; what is missing is zero, such as the proof of a gateway that refuses."""
    old = len(body) < LAYOUTS[V30].connect_resp.size and len(body) != 4
    shape = LAYOUTS[V20 if old else V30].connect_resp
    status, authenticator, version = shape.unpack_from(body.ljust(shape.size, b"\0"))
    return ConnectResp(status, authenticator, version, old)


def _parse_submit(body: bytes, layout: Layout) -> Submit | None:
    """Return a SUBMIT to one number; None for one to several, or one that is cut."""
    fixed = layout.submit
    if len(body) < fixed.size:
        return None
    fields = fixed.unpack_from(body)
    content = body[fixed.size : fixed.size + fields[-1]]
    kinds = 0 if layout is LAYOUTS[V20] else 1
    msg_id, total, number, registered, _, service, user_type, _ = fields[:8]
    _, udhi, fmt, msg_src, fee_type, fee_code, valid, at, src_id, count, dest = fields[8 + kinds : 19 + kinds]
    if count != 1:
        return None
    return Submit(
        service_id=_text(service),
        msg_src=_text(msg_src),
        src_id=_text(src_id),
        dest=_text(dest),
        content=content,
        pk_total=total,
        pk_number=number,
        udhi=udhi,
        fmt=fmt,
        registered=registered,
        fee_user_type=user_type,
        fee_type=_text(fee_type),
        fee_code=_text(fee_code),
        valid_time=_text(valid),
        at_time=_text(at),
        msg_id=msg_id,
    )


def _parse_deliver(body: bytes, layout: Layout) -> Deliver:
    """Read a DELIVER of either version, whatever follows its content; what is missing is empty."""
    other = LAYOUTS[V20] if layout is LAYOUTS[V30] else LAYOUTS[V30]
    if not _fits(body, layout) and (_fits(body, other) or other.deliver.size <= len(body) < layout.deliver.size):
        layout = other
    fixed = layout.deliver
    fields = fixed.unpack_from(body.ljust(fixed.size, b"\0"))
    msg_id, dest_id, service, pid, udhi, fmt, src = fields[:7]
    content = body[fixed.size : fixed.size + fields[-1]]
    return Deliver(msg_id, _text(dest_id), _text(service), _text(src), content, fields[-2], udhi, fmt, pid)


def _fits(body: bytes, layout: Layout) -> bool:
    """Return whether a DELIVER has exactly the length of this version."""
    size = layout.deliver.size
    return len(body) >= size and len(body) == size + body[size - 1] + len(layout.tail)


def _text(value: bytes) -> str:
    # latin-1: every byte is a character, so that a peer's odd bytes never break a frame
    return value.split(b"\0", 1)[0].decode("latin-1").strip(" ")
