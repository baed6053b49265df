"""Read the PDUs of an SMPP 3.4 peer as far as they can be read (pure).

Only the length in the header can make the stream unreadable. Strings may lack their NUL, optional parameters may be
unknown or have any length, bytes may follow, and what a PDU leaves out is empty.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from struct import Struct

from sms_port.errors import FrameInvalid

HEADER = Struct(">IIII")
LONGEST = 0x11000
"""More than any PDU needs: a message_payload has 65,535 bytes at most."""

RESPONSE = 0x80000000
BIND_RECEIVER, BIND_TRANSMITTER, SUBMIT, DELIVER, UNBIND, BIND_TRANSCEIVER = 0x1, 0x2, 0x4, 0x5, 0x6, 0x9
OUTBIND, ENQUIRE_LINK, ALERT, DATA, NACK = 0xB, 0x15, 0x102, 0x103, 0x80000000
BINDS = frozenset({BIND_RECEIVER | RESPONSE, BIND_TRANSMITTER | RESPONSE, BIND_TRANSCEIVER | RESPONSE})
NAMING = frozenset({SUBMIT | RESPONSE, DELIVER | RESPONSE, DATA | RESPONSE}) | BINDS
"""Responses whose body begins with a string: a message_id or a system_id."""

STRAY_NULS = 3
"""Bytes of padding that peers put between a text and the optional parameters."""


@dataclass(frozen=True)
class Pdu:
    """A PDU as far as this link needs it; `content` is short_message, `tlvs` the optional parameters by tag."""

    command: int
    status: int = 0
    sequence: int = 0
    source: bytes = field(default=b"", repr=False)
    destination: bytes = field(default=b"", repr=False)
    esm_class: int = 0
    data_coding: int = 0
    content: bytes = field(default=b"", repr=False)
    message_id: bytes = b""
    tlvs: Mapping[int, bytes] = field(default_factory=dict, repr=False)


class _Body:
    """Reads a body field by field; behind its end everything is empty."""

    def __init__(self, body: bytes) -> None:
        self._body, self._at = body, 0

    def octet(self) -> int:
        self._at += 1
        return self._body[self._at - 1] if self._at <= len(self._body) else 0

    def string(self) -> bytes:
        end = self._body.find(b"\0", self._at)
        end = len(self._body) if end < 0 else end
        value, self._at = self._body[self._at : end], end + 1
        return value

    def octets(self, size: int) -> bytes:
        value = self._body[self._at : self._at + size]
        self._at += len(value)
        return value

    def skip(self, octets: int) -> None:
        self._at += octets

    def tlvs(self) -> dict[int, bytes]:
        return _parse_tlvs(self._body[self._at :])


def decode_all(buffer: bytearray) -> Iterator[tuple[int, Pdu]]:
    """Take the whole PDUs off the front of a buffer, as (sequence, PDU); FrameInvalid when a length cannot be true."""
    while len(buffer) >= 4:
        length = int.from_bytes(buffer[:4], "big")
        if not HEADER.size <= length <= LONGEST:
            raise FrameInvalid("length")
        if len(buffer) < length:
            return
        frame = bytes(buffer[:length])
        del buffer[:length]
        pdu = decode(frame)
        yield pdu.sequence, pdu


def decode(frame: bytes) -> Pdu:
    """Read one whole PDU, header included."""
    _, command, status, sequence = HEADER.unpack_from(frame)
    body = frame[HEADER.size :]
    if command == DELIVER:
        return _parse_deliver(body, sequence)
    if command == DATA:
        return _parse_data_sm(body, sequence)
    if command in NAMING:
        name, tlvs = _parse_name(body)
        return Pdu(command, status, sequence, message_id=name, tlvs=tlvs)
    return Pdu(command, status, sequence)


def _parse_deliver(body: bytes, sequence: int) -> Pdu:
    reader = _Body(body)
    source, destination = _parse_addresses(reader)
    esm_class = reader.octet()
    reader.skip(2)  # protocol_id, priority_flag
    reader.string(), reader.string()  # schedule_delivery_time, validity_period
    reader.skip(2)  # registered_delivery, replace_if_present_flag
    coding = reader.octet()
    reader.skip(1)  # sm_default_msg_id
    content = reader.octets(reader.octet())
    tlvs = reader.tlvs()
    return Pdu(DELIVER, 0, sequence, source, destination, esm_class, coding, content, tlvs=tlvs)


def _parse_data_sm(body: bytes, sequence: int) -> Pdu:
    reader = _Body(body)
    source, destination = _parse_addresses(reader)
    esm_class = reader.octet()
    reader.skip(1)  # registered_delivery
    coding = reader.octet()
    tlvs = reader.tlvs()
    return Pdu(DATA, 0, sequence, source, destination, esm_class, coding, tlvs=tlvs)


def _parse_addresses(reader: _Body) -> tuple[bytes, bytes]:
    reader.string()  # service_type
    reader.skip(2)
    source = reader.string()
    reader.skip(2)
    return source, reader.string()


def _parse_name(body: bytes) -> tuple[bytes, dict[int, bytes]]:
    """A string and optional parameters; the string may lack its NUL."""
    end = body.find(b"\0")
    name = body if end < 0 else body[:end]
    if not all(0x20 <= byte < 0x7F for byte in name):
        end = next(at for at, byte in enumerate(name) if not 0x20 < byte < 0x7F)
        return body[:end], _parse_tlvs(body[end:])
    return name, _parse_tlvs(body[len(name) + 1 :])


def _parse_tlvs(body: bytes) -> dict[int, bytes]:
    """Read optional parameters, from the first offset at which they fill the rest exactly; else from the start."""
    for start in range(min(STRAY_NULS, len(body)) + 1):
        tlvs, whole = _read_tlvs(body[start:])
        if whole:
            return tlvs
        if body[start : start + 1] != b"\0":
            break
    return _read_tlvs(body)[0]


def _read_tlvs(body: bytes) -> tuple[dict[int, bytes], bool]:
    """Return the parameters by tag (the first of each counts), and whether they fill the body exactly."""
    tlvs: dict[int, bytes] = {}
    at = 0
    while at + 4 <= len(body):
        tag, size = int.from_bytes(body[at : at + 2], "big"), int.from_bytes(body[at + 2 : at + 4], "big")
        tlvs.setdefault(tag, body[at + 4 : at + 4 + size])
        at += 4 + size
    return tlvs, at == len(body)
