"""Meanings of SMPP statuses and deliveries (pure).

Source: SMPP 3.4, sections 5.1.3 (statuses), 5.2.12 (esm_class), 5.2.28 (states) and appendix B (receipts as text).
"""

from __future__ import annotations

import re
from collections.abc import Collection
from enum import Enum

from sms_port.links.gateway_text import MOBILE, Report, clean_code, parse_number, parse_time
from sms_port.links.smpp.decoder import Pdu
from sms_port.text_coding import Segment, decode_text, make_segment, split_header

NOT_UNDERSTOOD = INVALID_COMMAND = 0x3
QUEUE_FULL, THROTTLED = 0x14, 0x58
PASSING = frozenset({0x4, 0x8, 0x45, 0x64})
"""Not bound, a system error, "submit failed", a temporary error of the application: refused, and not for good."""

RECEIPT, INTERMEDIATE, LONG = 0x04, 0x20, 0x40
KIND = 0x3C
"""The bits of esm_class that tell what a delivery is."""

RECEIPTED_ID, STATE, PAYLOAD = 0x001E, 0x0427, 0x0424
SAR_REFERENCE, SAR_TOTAL, SAR_NUMBER = 0x020C, 0x020E, 0x020F
STATES = {
    0: "SCHEDULED",
    1: "ENROUTE",
    2: "DELIVRD",
    3: "EXPIRED",
    4: "DELETED",
    5: "UNDELIV",
    6: "ACCEPTD",
    7: "UNKNOWN",
    8: "REJECTD",
    9: "SKIPPED",
}
FINAL = frozenset({2, 3, 4, 5, 7, 8, 9})
QUOTED = re.compile(r"\btext\s*:", re.IGNORECASE)
"""Behind it stands the beginning of the message, which may itself look like a receipt."""

FIELD = re.compile(r"\b(id|stat|submit[ _]?date|done[ _]?date)\s*[:=]\s*\"?([^\s\";,]+)", re.IGNORECASE)
STATE_WORD = re.compile(
    r"\b(DELIV[A-Z]*|EXPIRED|DELETED|UNDELIV[A-Z]*|ACCEPT[A-Z]*|UNKNOWN|REJECT[A-Z]*|ENROUTE|FAILED)\b", re.IGNORECASE
)


class Kind(Enum):
    """Kinds of deliver_sm and data_sm."""

    RECEIPT = "receipt"
    TEXT = "text"
    OTHER = "other"


def is_permanent(status: int, retryable: Collection[int] = ()) -> bool:
    """Return whether a refusal (a status that is not 0) is for good."""
    return status not in PASSING and status not in retryable


def kind_of(pdu: Pdu) -> Kind:
    """Return what a delivery is: gateways send receipts under any esm_class, and acknowledgements of other phones."""
    bits = pdu.esm_class & KIND
    if bits & RECEIPT or bits == INTERMEDIATE or RECEIPTED_ID in pdu.tlvs or STATE in pdu.tlvs:
        return Kind.RECEIPT
    fields = _read_fields(_receipt_text(pdu))
    if "id" in fields and ("stat" in fields or "submitdate" in fields):
        return Kind.RECEIPT
    return Kind.OTHER if bits else Kind.TEXT


def parse_receipt(pdu: Pdu) -> Report | None:
    """Return the receipt in a delivery, from its parameters and its text; None when it says nothing of a part."""
    text = _receipt_text(pdu)
    fields = _read_fields(text)
    tagged = pdu.tlvs.get(RECEIPTED_ID, b"").decode("latin-1").split("\0", 1)[0].strip()
    names = tuple(dict.fromkeys(name for name in (tagged, fields.get("id", "")) if name))
    stat = _state(pdu, fields, text)
    if not names and not stat:
        return None
    submitted_at, done_at = (_minute(fields.get(when, "")) for when in ("submitdate", "donedate"))
    phone, _ = addresses_of(pdu)
    return Report(names, clean_code(stat) or "EMPTY", submitted_at, done_at, phone)


def parse_text(pdu: Pdu) -> tuple[str, Segment | None]:
    """Return what a phone wrote, and its place in a long message."""
    content, segment = _content(pdu), _find_sar(pdu)
    if pdu.esm_class & LONG:
        content, headed = split_header(content)
        segment = headed or segment
    return decode_text(content, pdu.data_coding), segment


def addresses_of(pdu: Pdu) -> tuple[str, str]:
    """Return (the phone's number, our number); some gateways leave the addresses of a receipt as we sent them."""
    source, destination = (one.decode("latin-1") for one in (pdu.source, pdu.destination))
    swapped = not MOBILE.fullmatch(parse_number(source)) and MOBILE.fullmatch(parse_number(destination))
    phone, port = (destination, source) if swapped else (source, destination)
    return parse_number(phone), port


def _content(pdu: Pdu) -> bytes:
    return pdu.content or pdu.tlvs.get(PAYLOAD, b"")


def _receipt_text(pdu: Pdu) -> str:
    content = _content(pdu)
    if pdu.esm_class & LONG:
        content, _ = split_header(content)
    if content.isascii() and b"\0" not in content:  # in UTF-16 every second byte of a receipt is zero
        return content.decode("ascii")
    return decode_text(content, pdu.data_coding)


def _read_fields(text: str) -> dict[str, str]:
    """Return the fields of a receipt's text by name, the first of each."""
    head = QUOTED.split(text, maxsplit=1)[0]
    fields: dict[str, str] = {}
    for found in FIELD.finditer(head):
        fields.setdefault(re.sub(r"[ _]", "", found[1].lower()), found[2])
    return fields


def _state(pdu: Pdu, fields: dict[str, str], text: str) -> str:
    """Return the state: the parameter when it is final, else the text's, else the parameter's."""
    value = pdu.tlvs.get(STATE, b"")
    number = int.from_bytes(value, "big") if value else -1
    written = fields.get("stat", "")
    if not written and (found := STATE_WORD.search(QUOTED.split(text, maxsplit=1)[0])):
        written = found[1]
    return STATES[number] if number in FINAL else written.upper() or STATES.get(number, "")


def _find_sar(pdu: Pdu) -> Segment | None:
    values = [pdu.tlvs.get(tag, b"") for tag in (SAR_REFERENCE, SAR_TOTAL, SAR_NUMBER)]
    return make_segment(*(int.from_bytes(value, "big") for value in values)) if all(values) else None


def _minute(text: str) -> int:
    """Return `YYMMDDhhmm`, with or without a century and seconds, as epoch ms."""
    digits = re.sub(r"\D", "", text)
    return parse_time(digits[2:12] if digits.startswith("20") and len(digits) >= 12 else digits[:10])
