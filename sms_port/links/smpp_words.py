"""What SMPP's statuses and deliveries mean to us (pure).

Source: SMPP 3.4, sections 5.1.3 (statuses), 5.2.12 (esm_class), 5.2.28 (states) and appendix B (receipts as text).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from secrets import token_hex
from typing import Any

from config.clock import SHANGHAI
from sms_port.models import Word

NOT_UNDERSTOOD, QUEUE_FULL, THROTTLED = 0x3, 0x14, 0x58
PASSING = frozenset({0x4, 0x8, 0x45, 0x64})
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


@dataclass(frozen=True)
class Report:
    """A delivery receipt: the gateway's name of the part, what became of it, and when (epoch ms; 0: unreadable)."""

    name: str
    stat: str
    submitted_at: int
    done_at: int
    phone: str = field(repr=False)


def is_permanent(status: int, retryable: Collection[int] = ()) -> bool:
    """Whether a refusal (a status that is not 0) is for good."""
    return status not in PASSING and status not in retryable


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
    stat = STATES.get(pdu.message_state or 0) or said.get(b"stat", b"").decode("latin-1").upper()
    if not name:
        return None
    submitted_at, done_at = _time(said.get(b"submit date", b"")), _time(said.get(b"done date", b""))
    return Report(build_name(name), _short(stat), submitted_at, done_at, parse_number(pdu.source_addr))


def word_of(stat: str) -> Word | None:
    """What a receipt's state means; None for an intermediate one."""
    if stat in ("ENROUTE", "ACCEPTD"):
        return None
    if stat == "DELIVRD":
        return Word.DELIVERED
    return Word.UNCLEAR if stat in ("UNKNOWN", "EMPTY") else Word.FAILED


def parse_number(address: bytes | None) -> str:
    """The number without plus and country code."""
    digits = (address or b"").decode("latin-1").removeprefix("+")
    return digits.removeprefix("86") if len(digits) == 13 else digits


def parse_text(pdu: Any) -> str:
    """What a citizen wrote; what cannot be read is left out."""
    content = content_of(pdu)
    if pdu.esm_class & LONG and content:
        content = content[content[0] + 1 :]
    charset = CHARSETS.get(pdu.data_coding)
    return content.decode(charset, "ignore") if charset else ""


def content_of(pdu: Any) -> bytes:
    """The words of a deliver_sm, wherever they stand."""
    content: bytes = pdu.short_message or pdu.message_payload or b""
    return content


def _short(stat: str) -> str:
    # ten characters, of which none may surprise a log or a listing
    return re.sub(r"[^A-Za-z0-9:_.-]", "_", stat)[:10] or "EMPTY"


def _time(raw: bytes) -> int:
    """`YYMMDDhhmm` with or without seconds, in Shanghai, as epoch ms; 0 when it is none."""
    try:
        moment = datetime.strptime(raw[:10].decode("ascii"), "%y%m%d%H%M").replace(tzinfo=SHANGHAI)
    except ValueError:
        return 0
    return round(moment.timestamp() * 1000)
