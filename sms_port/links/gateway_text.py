"""Read what all gateways have in common: codes, times, phone numbers, addresses, and states of a receipt (pure)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from config.times.formats import SHANGHAI
from sms_port.models import ReceiptStatus

MINUTE = "%y%m%d%H%M"
"""`YYMMDDhhmm`, the time in reports of CMPP and SMPP."""

MOBILE = re.compile(r"1[3-9][0-9]{9}")
DELIVERED, FAILED, UNCLEAR = ReceiptStatus.DELIVERED, ReceiptStatus.FAILED, ReceiptStatus.UNCLEAR

ARRIVED = re.compile(r"DELIV(?!.*(?:FAIL|ERR|NOT|IMPOS))|DLVRD|READ$|DISPLAYED")
PASSING = re.compile(
    r"EN_?ROUT|ACCEP|ACK|BUFF|SCHED|QUEU|PEND|SUBM|SENT|TRANS|FORW|PROC|IN_?PROG|WAIT|STORE|RETR|DISPAT|RELEAS"
)
ELEMENT = re.compile(r"[MCDSI]([ABC]):.*", re.DOTALL)
"""A network element's own code in CMPP: A no response, B an error, C lost."""

BLACKLISTED = "MA:"
"""No response of the SMSC by the specification; aggregators use it for blacklists and keywords, for good."""

CONFIGURED = {"delivered": DELIVERED, "failed": FAILED, "unclear": UNCLEAR, "passing": None}


@dataclass(frozen=True)
class Report:
    """A receipt as a gateway wrote it; times are epoch ms, 0 when unreadable.

    `names`: the ids it gives, the more reliable first; none when the gateway gives none. `delivery`: the id of the
    delivery that brought it, which tells two receipts without ids apart.
    """

    names: tuple[str, ...]
    stat: str
    submitted_at: int
    done_at: int
    phone: str = field(repr=False)
    delivery: str = ""


def clean_code(text: str) -> str:
    """Return a gateway's code as it is kept: at most ten characters that are harmless in a log and a listing."""
    return re.sub(r"[^A-Za-z0-9:_.-]", "_", text)[:10]


def parse_time(text: str, form: str = MINUTE) -> int:
    """Return a time in Shanghai as epoch ms; 0 when it is invalid."""
    try:
        moment = datetime.strptime(text, form).replace(tzinfo=SHANGHAI)
    except ValueError:
        return 0
    return round(moment.timestamp() * 1000)


def parse_number(text: str) -> str:
    """Return a number without what follows a NUL, plus sign and country code; anything else is left as it is."""
    number = text.split("\0", 1)[0].strip()
    bare = number.removeprefix("+").removeprefix("00")
    return bare.removeprefix("86") if MOBILE.fullmatch(bare.removeprefix("86")) else number


def is_mobile(number: str) -> bool:
    """Return whether it is a mainland mobile number of 11 digits."""
    return MOBILE.fullmatch(number) is not None


def parse_extension(address: str, port_number: str, digits: int) -> str:
    """Return the contract's `digits` behind our port number; "" when the address has not exactly that form."""
    extension = address.strip().removeprefix(port_number)
    right = address.strip().startswith(port_number) and len(extension) == digits and extension.isascii()
    return extension if right and extension.isdigit() else ""


def status_of(stat: str, configured: Mapping[str, str]) -> ReceiptStatus | None:
    """Return what the state in a receipt means; None while it is not final.

    `configured`: a link's own prefixes of states, the longest match first. States come in any case, cut to seven
    letters or written out.
    """
    word = stat.upper()
    own = max((prefix for prefix in configured if word.startswith(prefix.upper())), key=len, default=None)
    if own is not None:
        return CONFIGURED[configured[own]]
    if ARRIVED.match(word):
        return DELIVERED
    if PASSING.match(word):
        return None
    element = ELEMENT.fullmatch(word)
    silent = element is not None and element[1] != "B" and not word.startswith(BLACKLISTED)
    return UNCLEAR if silent or word.startswith(("UNKNOWN", "EMPTY")) else FAILED
