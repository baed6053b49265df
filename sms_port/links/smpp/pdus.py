"""SMPP 3.4 frames, as bytes and back, by smpplib (pure). Its client is not used: it keeps no window and no connection,
loses its place in the stream when it is idle in the middle of a frame, and has one lock too few for two threads.

Numbers are given as the specification's `TON` 1 (international) for citizens, 0 (unknown) for our port number.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from smpplib.command_codes import get_command_code
from smpplib.exceptions import PDUError, UnknownCommandError
from smpplib.smpp import make_pdu, parse_pdu

from sms_port.errors import FrameInvalid

HEADER = 16
LONGEST = 8_192
"""More than any frame that we are sent can need."""

COUNTRY = "86"
UCS2, LONG, WANTS_RECEIPT = 8, 0x40, 1
DELIVER, NACK = "deliver_sm", "generic_nack"


def build_bind(account: str, secret: str) -> Any:
    """bind_transceiver: one session in both directions."""
    return make_pdu("bind_transceiver", sequence=0, system_id=account, password=secret)


def build_submit(service: str, sender: str, to: str, content: bytes, *, long: bool) -> Any:
    """submit_sm of one part, with a receipt wanted."""
    return make_pdu(
        "submit_sm",
        sequence=0,
        service_type=service,
        source_addr_ton=0,
        source_addr_npi=1,
        source_addr=sender,
        dest_addr_ton=1,
        dest_addr_npi=1,
        destination_addr=COUNTRY + to,
        esm_class=LONG if long else 0,
        registered_delivery=WANTS_RECEIPT,
        data_coding=UCS2,
        short_message=content,
    )


def build_bare(command: str) -> Any:
    """A frame that is its command and nothing more."""
    return make_pdu(command, sequence=0, status=0)


def encode(pdu: Any, sequence: int) -> bytes:
    """The whole frame."""
    pdu.sequence = sequence
    frame: bytes = pdu.generate()
    return frame


def decode_all(buffer: bytearray) -> Iterator[tuple[int, Any]]:
    """Take the whole frames off the front of a buffer, as (sequence, PDU); FrameInvalid when one cannot be true."""
    while len(buffer) >= 4:
        length = int.from_bytes(buffer[:4], "big")
        if not HEADER <= length <= LONGEST:
            raise FrameInvalid("length")
        if len(buffer) < length:
            return
        frame = bytes(buffer[:length])
        del buffer[:length]
        pdu = _parse(frame)
        yield pdu.sequence, pdu


def _parse(frame: bytes) -> Any:
    try:
        pdu = parse_pdu(frame, sequence=0, allow_unknown_opt_params=True)
        get_command_code(pdu.command)
    except UnknownCommandError:
        raise FrameInvalid("unknown_command") from None
    except (PDUError, struct.error, ValueError, KeyError, IndexError, TypeError, AttributeError):
        raise FrameInvalid("unreadable") from None
    if hasattr(pdu, "sm_length") and len(pdu.short_message or b"") != pdu.sm_length:
        raise FrameInvalid("length")
    if pdu.command == DELIVER and pdu.short_message is None:
        raise FrameInvalid("truncated")  # smpplib takes a frame that ends early for one whose rest is empty
    return pdu
