"""What CMPP's codes and contents mean to us (pure): results, status reports, citizens' texts."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from struct import Struct

from config.clock import SHANGHAI
from sms_port.links.cmpp_frames import Deliver
from sms_port.models import Word

THROTTLED, DUPLICATE = 8, 3
REPORTS = {71: Struct(">Q7s10s10s32sI"), 60: Struct(">Q7s10s10s21sI")}
"""Status reports by length. Gateways of 3.0 also send the shorter one of 2.0."""

FAILED = ("EXPIRED", "DELETED", "UNDELIV", "REJECTD")
ELEMENT = re.compile(r"[MCDSI]([ABC]):.{4}", re.DOTALL)
"""A network element's own code: A no response, B an error, C lost."""


@dataclass(frozen=True)
class Report:
    """A status report: the gateway's id of the part, what became of it, and when (epoch ms; 0: unreadable)."""

    msg_id: int
    stat: str
    submitted_at: int
    done_at: int
    phone: str = field(repr=False)


def is_permanent(result: int, retryable: Collection[int] = ()) -> bool:
    """Whether a refusal (a result that is not 0) is for good. Codes from 100 are the vendor's: the catalogue knows."""
    return result != THROTTLED and result not in retryable


def parse_report(content: bytes) -> Report | None:
    """The status report in a delivery's content; None when it is none of the two known shapes."""
    shape = REPORTS.get(len(content))
    if shape is None:
        return None
    msg_id, stat, submitted, done, phone, _ = shape.unpack(content)
    return Report(msg_id, _stat(stat), _time(submitted), _time(done), parse_number(phone.decode("latin-1")))


def word_of(stat: str) -> Word | None:
    """What a report's state means; None for an intermediate one."""
    if stat == "ACCEPTD":
        return None
    if stat == "DELIVRD":
        return Word.DELIVERED
    element = ELEMENT.fullmatch(stat)
    unclear = stat == "UNKNOWN" or (element is not None and element[1] != "B")
    return Word.UNCLEAR if unclear else Word.FAILED


def parse_number(text: str) -> str:
    """The number without padding and country code."""
    digits = text.strip("\0 ").removeprefix("+")
    return digits.removeprefix("86") if len(digits) == 13 else digits


def parse_text(frame: Deliver) -> str:
    """What a citizen wrote; what cannot be read is left out."""
    content = frame.content
    if frame.udhi & 1 and content:
        content = content[content[0] + 1 :]
    charset = {8: "utf-16-be", 15: "gb18030", 0: "ascii"}.get(frame.fmt)
    return content.decode(charset, "ignore") if charset else ""


def _stat(raw: bytes) -> str:
    # seven characters, of which none may surprise a log or a listing
    return re.sub(r"[^A-Za-z0-9:_.-]", "_", raw.rstrip(b"\0 ").decode("latin-1")) or "EMPTY"


def _time(raw: bytes) -> int:
    """`YYMMDDHHMM` in Shanghai, as epoch ms; 0 when it is none."""
    try:
        moment = datetime.strptime(raw.decode("ascii"), "%y%m%d%H%M").replace(tzinfo=SHANGHAI)
    except ValueError:
        return 0
    return round(moment.timestamp() * 1000)
