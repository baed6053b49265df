"""What CMPP's codes and contents mean to us (pure): results, status reports, citizens' texts."""

from __future__ import annotations

import re
from collections.abc import Collection
from struct import Struct

from sms_port.links.cmpp.frames import Deliver
from sms_port.links.gateway_text import Report, clean_code, decode_text, parse_number, parse_time
from sms_port.models import ReceiptStatus

THROTTLED, DUPLICATE = 8, 3
REPORTS = {71: Struct(">Q7s10s10s32sI"), 60: Struct(">Q7s10s10s21sI")}
"""Status reports by length. Gateways of 3.0 also send the shorter one of 2.0."""

CHARSETS = {8: "utf-16-be", 15: "gb18030", 0: "ascii"}
ELEMENT = re.compile(r"[MCDSI]([ABC]):.{4}", re.DOTALL)
"""A network element's own code: A no response, B an error, C lost."""


def is_permanent(result: int, retryable: Collection[int] = ()) -> bool:
    """Whether a refusal (a result that is not 0) is for good. Codes from 100 are the vendor's: the catalogue knows."""
    return result != THROTTLED and result not in retryable


def parse_report(content: bytes) -> Report | None:
    """The status report in a delivery's content; None when it is none of the two known shapes."""
    shape = REPORTS.get(len(content))
    if shape is None:
        return None
    msg_id, *texts, _ = shape.unpack(content)
    stat, submitted, done, phone = (text.decode("latin-1") for text in texts)
    known = clean_code(stat.rstrip("\0 ")) or "EMPTY"
    return Report(f"{msg_id:016x}", known, parse_time(submitted), parse_time(done), parse_number(phone))


def status_of(stat: str) -> ReceiptStatus | None:
    """What a report's state means; None for an intermediate one."""
    if stat == "ACCEPTD":
        return None
    if stat == "DELIVRD":
        return ReceiptStatus.DELIVERED
    element = ELEMENT.fullmatch(stat)
    unclear = stat == "UNKNOWN" or (element is not None and element[1] != "B")
    return ReceiptStatus.UNCLEAR if unclear else ReceiptStatus.FAILED


def parse_text(frame: Deliver) -> str:
    """What a citizen wrote; what cannot be read is left out."""
    return decode_text(frame.content, CHARSETS.get(frame.fmt), headed=bool(frame.udhi & 1))
