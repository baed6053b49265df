"""What SMPP's statuses and deliveries mean to us (pure).

Source: SMPP 3.4, sections 5.1.3 (statuses), 5.2.12 (esm_class), 5.2.28 (states) and appendix B (receipts as text).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from secrets import token_hex
from typing import Any

from sms_port.links.gateway_text import Report, clean_code, decode_text, parse_number, parse_time
from sms_port.models import ReceiptStatus

NOT_UNDERSTOOD, QUEUE_FULL, THROTTLED = 0x3, 0x14, 0x58
RETRYABLE = frozenset({0x4, 0x8, 0x45, 0x64})
"""Not bound, a system error, "submit failed", a temporary error of the application: refused, and not for good."""

RECEIPT, LONG = 0x04, 0x40
KIND = 0x3C
"""The bits of esm_class that tell what a delivery is."""

STATES = {
    1: "ENROUTE",
    2: "DELIVRD",
    3: "EXPIRED",
    4: "DELETED",
    5: "UNDELIV",
    6: "ACCEPTD",
    7: "UNKNOWN",
    8: "REJECTD",
}
FIELD = re.compile(rb"(id|stat|submit date|done date):\s*([^\s]+)", re.IGNORECASE)
NAME = re.compile(r"[A-Za-z0-9_.-]{1,32}")
CHARSETS = {8: "utf-16-be", 0: "ascii", 1: "ascii", 3: "latin-1"}


def is_permanent(status: int, retryable: Collection[int] = ()) -> bool:
    """Whether a refusal (a status that is not 0) is for good."""
    return status not in RETRYABLE and status not in retryable


def build_name(message_id: bytes | None) -> str:
    """What we keep as the gateway's name of a part, 32 characters at most; one of ours where it gave none."""
    raw = (message_id or b"").decode("latin-1")
    if not raw:
        return f"unnamed-{token_hex(8)}"
    return raw if NAME.fullmatch(raw) else hashlib.sha256(raw.encode()).hexdigest()[:32]


def is_receipt(pdu: Any) -> bool:
    """Whether a deliver_sm is the network's word on a part."""
    kind: int = pdu.esm_class & KIND
    return kind == RECEIPT


def parse_receipt(pdu: Any) -> Report | None:
    """The receipt in a deliver_sm, from its parameters or else its text; None when it names no part."""
    said = {found[1].lower(): found[2] for found in FIELD.finditer(content_of(pdu))}
    name = pdu.receipted_message_id or said.get(b"id")
    if not name:
        return None
    stat = STATES.get(pdu.message_state or 0) or said.get(b"stat", b"").decode("latin-1").upper()
    submitted_at, done_at = (_minute(said.get(when, b"")) for when in (b"submit date", b"done date"))
    return Report(build_name(name), clean_code(stat) or "EMPTY", submitted_at, done_at, number_of(pdu))


def status_of(stat: str) -> ReceiptStatus | None:
    """What a receipt's state means; None for an intermediate one."""
    if stat in ("ENROUTE", "ACCEPTD"):
        return None
    if stat == "DELIVRD":
        return ReceiptStatus.DELIVERED
    return ReceiptStatus.UNCLEAR if stat in ("UNKNOWN", "EMPTY") else ReceiptStatus.FAILED


def parse_text(pdu: Any) -> str:
    """What a citizen wrote; what cannot be read is left out."""
    return decode_text(content_of(pdu), CHARSETS.get(pdu.data_coding), headed=bool(pdu.esm_class & LONG))


def content_of(pdu: Any) -> bytes:
    """The words of a deliver_sm, wherever they stand."""
    content: bytes = pdu.short_message or pdu.message_payload or b""
    return content


def number_of(pdu: Any) -> str:
    """Whose number a deliver_sm is about, or comes from."""
    return parse_number((pdu.source_addr or b"").decode("latin-1"))


def _minute(raw: bytes) -> int:
    # seconds may follow, and are no help
    return parse_time(raw[:10].decode("latin-1"))
