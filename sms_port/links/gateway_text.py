"""What the words of all gateways have in common (pure): codes, times, numbers and texts, and what a report says."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime

from config.times.formats import SHANGHAI

MINUTE = "%y%m%d%H%M"
"""`YYMMDDhhmm`, the time in reports of CMPP and SMPP."""


@dataclass(frozen=True)
class Report:
    """A report on a part: the gateway's name of it, what became of it, and when (epoch ms; 0: unreadable)."""

    name: str
    stat: str
    submitted_at: int
    done_at: int
    phone: str = field(repr=False)


def clean_code(text: str) -> str:
    """A gateway's code as we keep it: ten characters, of which none may surprise a log or a listing."""
    return re.sub(r"[^A-Za-z0-9:_.-]", "_", text)[:10]


def parse_time(text: str, form: str = MINUTE) -> int:
    """A time in Shanghai, as epoch ms; 0 when it is none."""
    try:
        moment = datetime.strptime(text, form).replace(tzinfo=SHANGHAI)
    except ValueError:
        return 0
    return round(moment.timestamp() * 1000)


def parse_number(text: str) -> str:
    """The number without padding, plus and country code."""
    digits = text.strip("\0 ").removeprefix("+")
    return digits.removeprefix("86") if len(digits) == 13 else digits


def decode_text(content: bytes, charset: str | None, *, headed: bool) -> str:
    """What a citizen wrote, behind the header of a long message if it is `headed`; what cannot be read is left out."""
    if headed and content:
        content = content[content[0] + 1 :]
    return content.decode(charset, "ignore") if charset else ""
