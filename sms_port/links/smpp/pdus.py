"""Build SMPP 3.4 PDUs strictly by the specification (pure).

Numbers have TON 1 (international) for citizens and 0 (unknown) for our port number.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from struct import Struct

from sms_port.links.smpp.decoder import (
    BIND_TRANSCEIVER,
    DATA,
    DELIVER,
    ENQUIRE_LINK,
    HEADER,
    NACK,
    RESPONSE,
    SUBMIT,
    UNBIND,
)

VERSION = 0x34
COUNTRY = "86"
UNKNOWN_TON, INTERNATIONAL_TON, ISDN = 0, 1, 1
UCS2, LONG, WANTS_RECEIPT = 8, 0x40, 1
FLAGS = Struct(">5B")
"""registered_delivery, replace_if_present_flag, data_coding, sm_default_msg_id, sm_length."""


@dataclass(frozen=True)
class OutgoingPdu:
    """A PDU without its sequence number."""

    command: int
    body: bytes = field(default=b"", repr=False)
    status: int = 0


ENQUIRE, GOODBYE = OutgoingPdu(ENQUIRE_LINK), OutgoingPdu(UNBIND)


def build_bind(account: str, secret: str) -> OutgoingPdu:
    """Return bind_transceiver: one session in both directions."""
    return OutgoingPdu(BIND_TRANSCEIVER, _string(account) + _string(secret) + b"\0" + bytes((VERSION, 0, 0)) + b"\0")


def build_submit(service: str, sender: str, to: str, content: bytes, *, long: bool, validity: str = "") -> OutgoingPdu:
    """Return submit_sm of one part, with a receipt requested; `validity` is a time of section 7.1.1 or ""."""
    body = _string(service)
    body += bytes((UNKNOWN_TON, ISDN)) + _string(sender)
    body += bytes((INTERNATIONAL_TON, ISDN)) + _string(COUNTRY + to)
    body += bytes((LONG if long else 0, 0, 0))  # esm_class, protocol_id, priority_flag
    body += b"\0" + _string(validity)  # schedule_delivery_time, validity_period
    return OutgoingPdu(SUBMIT, body + FLAGS.pack(WANTS_RECEIPT, 0, UCS2, 0, len(content)) + content)


def build_response(command: int) -> OutgoingPdu:
    """Return the good response to a request; those to deliveries carry an empty message_id."""
    return OutgoingPdu(command | RESPONSE, b"\0" if command in (DELIVER, DATA) else b"")


def build_nack(status: int) -> OutgoingPdu:
    """Return generic_nack."""
    return OutgoingPdu(NACK, status=status)


def encode(pdu: OutgoingPdu, sequence: int) -> bytes:
    """Return the whole PDU, header included."""
    return HEADER.pack(HEADER.size + len(pdu.body), pdu.command, pdu.status, sequence) + pdu.body


def _string(text: str) -> bytes:
    return text.encode("ascii") + b"\0"
