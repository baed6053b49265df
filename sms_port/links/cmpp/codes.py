"""Meanings of CMPP's codes and contents (pure): results, status reports, citizens' texts."""

from __future__ import annotations

from collections.abc import Collection
from struct import Struct

from sms_port.links.cmpp.frames import Deliver
from sms_port.links.gateway_text import Report, clean_code, parse_number, parse_time
from sms_port.text_coding import Segment, decode_text, split_header

THROTTLED, DUPLICATE = 8, 3
REPORTS = {71: Struct(">Q7s10s10s32sI"), 60: Struct(">Q7s10s10s21sI")}
"""Status reports by length. Gateways of 3.0 also send the shorter one of 2.0."""

STATS = ("DELIVRD", "EXPIRED", "DELETED", "UNDELIV", "ACCEPTD", "UNKNOWN", "REJECTD")
"""States of the specification, by which a report is known whose Registered_Delivery is 0."""


def is_permanent(result: int, retryable: Collection[int] = ()) -> bool:
    """Return whether a refusal (a result that is not 0) is for good. Codes from 100 are the vendor's own."""
    return result != THROTTLED and result not in retryable


def is_report(frame: Deliver) -> bool:
    """Return whether a delivery is a status report."""
    if frame.registered:
        return True
    stat = frame.content[8:15].decode("latin-1")
    return len(frame.content) in REPORTS and stat in STATS


def parse_report(content: bytes) -> Report | None:
    """Return the status report in a delivery's content; None when it has neither of the two known lengths."""
    shape = REPORTS.get(len(content))
    if shape is None:
        return None
    msg_id, *texts, _ = shape.unpack(content)
    stat, submitted, done, phone = (text.decode("latin-1") for text in texts)
    known = clean_code(stat.split("\0", 1)[0].strip()) or "EMPTY"
    names = (f"{msg_id:016x}",) if msg_id else ()
    return Report(names, known, parse_time(submitted), parse_time(done), parse_number(phone))


def parse_text(frame: Deliver) -> tuple[str, Segment | None]:
    """Return what a citizen wrote, and its place in a long message."""
    content, segment = split_header(frame.content) if frame.udhi & 1 else (frame.content, None)
    return decode_text(content, frame.fmt), segment
