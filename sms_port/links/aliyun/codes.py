"""What Aliyun's codes and callbacks mean to us (pure; needs no SDK, so that the web process does without).

Source: help.aliyun.com, dysmsapi 2017-05-25: SendSms and its error codes, SmsReport, SmsUp, QuerySendDetails. The
fields of SmsUp are unverified.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

from config.times.formats import shanghai
from sms_port.errors import DeliveryInvalid
from sms_port.ledger.inbound import Inbound
from sms_port.ledger.receipts import Receipt
from sms_port.links.gateway_text import clean_code, parse_time
from sms_port.message_reference import parse_reference
from sms_port.models import ReceiptStatus

ITEMS_AT_ONCE = 1_000
SECOND = "%Y-%m-%d %H:%M:%S"
MIDNIGHT_MS = 600_000
"""So long before a doubt arose its message may have been sent: perhaps the day before."""

FOR_GOOD = re.compile(
    r"MOBILE_NUMBER_ILLEGAL|MOBILE_COUNT_OVER_LIMIT|TEMPLATE|SIGN|PARAM|BLACK_KEY|DENY_IP|INVALID|JSON", re.IGNORECASE
)
"""Words in a code that no later try can help: the number, the template, the signature or the call is wrong."""

Phone = Annotated[str, StringConstraints(pattern=r"^(?:\+?86)?1[3-9][0-9]{9}$")]
Moment = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$")]


class _Report(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)
    success: bool
    out_id: Annotated[str, StringConstraints(max_length=256)] = ""
    report_time: Moment
    err_code: Annotated[str, StringConstraints(max_length=64)] = ""


class _Text(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True, coerce_numbers_to_str=True)
    phone_number: Phone
    content: Annotated[str, StringConstraints(max_length=2_000)]
    dest_code: Annotated[str, StringConstraints(pattern=r"^[0-9]{0,21}$")] = ""
    sequence_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{0,64}$")] = ""


REPORTS = TypeAdapter(Annotated[list[_Report], Field(max_length=ITEMS_AT_ONCE)])
TEXTS = TypeAdapter(Annotated[list[_Text], Field(max_length=ITEMS_AT_ONCE)])


def short_code(code: str) -> str:
    """A vendor's code as we keep it: payloads alone, so that no number can hide in it, 32 characters."""
    return re.sub(r"[^A-Za-z_.]", "", code.removeprefix("isv."))[:32] or "unnamed"


def is_throttled(code: str) -> bool:
    """Whether a slower limiter is asked for."""
    return "Throttling" in code


def is_unclear(code: str) -> bool:
    """Whether the vendor's own trouble is told, of which nobody knows how far the message got."""
    return code.startswith("isp.")


def is_permanent(code: str) -> bool:
    """Whether a refusal is for good."""
    return FOR_GOOD.search(code) is not None


def parse_reports(body: bytes, link: str) -> list[Receipt]:
    """The receipts of a SmsReport; DeliveryInvalid when it is none; an OutId that is not ours is left out."""
    try:
        items = REPORTS.validate_json(body)
    except ValidationError:
        raise DeliveryInvalid("this is no SmsReport") from None
    return [_receipt(item, link) for item in items if parse_reference(item.out_id)]


def parse_texts(body: bytes, link: str) -> list[Inbound]:
    """The citizens' texts of a SmsUp; DeliveryInvalid when it is none."""
    try:
        items = TEXTS.validate_json(body)
    except ValidationError:
        raise DeliveryInvalid("this is no SmsUp") from None
    return [Inbound(link, item.sequence_id, item.phone_number[-11:], item.dest_code, item.content) for item in items]


def days_of(since: int) -> list[str]:
    """The days (yyyyMMdd, Shanghai) on which a message in doubt since then (epoch ms) may have been sent."""
    return sorted({f"{shanghai(moment):%Y%m%d}" for moment in (since, since - MIDNIGHT_MS)}, reverse=True)


def _receipt(item: _Report, link: str) -> Receipt:
    word = ReceiptStatus.DELIVERED if item.success else ReceiptStatus.FAILED
    code = clean_code(item.err_code) or word.name[:10]
    return Receipt(link, item.out_id, 1, word, code, parse_time(item.report_time, SECOND))
