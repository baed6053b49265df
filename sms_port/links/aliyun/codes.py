"""Meanings of Aliyun's codes and callbacks (pure; needs no SDK, so that the web process does without).

An account's callbacks bring the receipts and texts of every system that uses it: each item is read by itself, and one
that cannot be read costs its neighbours nothing. Source: help.aliyun.com, dysmsapi 2017-05-25: SendSms and its error
codes, the common error codes, SmsReport, SmsUp, QuerySendDetails. The fields of SmsUp are unverified.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from config.times.formats import shanghai
from sms_port.errors import DeliveryInvalid
from sms_port.ledger.inbound import Inbound
from sms_port.ledger.receipts import Receipt
from sms_port.links.gateway_text import clean_code, is_mobile, parse_number, parse_time
from sms_port.message_reference import parse_reference
from sms_port.models import ReceiptStatus

SECOND = "%Y-%m-%d %H:%M:%S"
MIDNIGHT_MS = 600_000
"""How long before a doubt arose its message may have been sent: perhaps the day before."""

TEXT_SIGNS = 2_000

ACCOUNT = re.compile(
    r"AccessKey|SignatureDoesNotMatch|IncompleteSignature|SignatureNonce|TimeStamp|SecurityToken|Forbidden|NoPermission"
    r"|Unauthorized|RAM_PERMISSION|DENY_IP|ACCOUNT|AMOUNT|OUT_OF_SERVICE|PRODUCT_UN|InvalidVersion|InvalidAction"
    r"|CertificateNotMatch|Arrear|UserStatus",
    re.IGNORECASE,
)
"""Words in a code of which the account, the key, the money, the address or the clock is the cause, not the message:
the next link may carry it, or this one once the operator has mended it.
"""

FOR_GOOD = re.compile(
    r"NUMBER_ILLEGAL|COUNT_OVER_LIMIT|NOT_SUPPORT|TEMPLATE|SIGN|PARAM|BLACK|CUSTOMER_REFUSED|CONTENT|EXTEND_CODE|INVALID"
    r"|JSON|TEST_NUMBER",
    re.IGNORECASE,
)
"""Words in a code that no later try can help: the number, the template, the signature or the call is wrong."""


def short_code(code: str) -> str:
    """Return a vendor's code as it is kept: letters alone, so that no number hides in it, at most 32."""
    return re.sub(r"[^A-Za-z_.]", "", code.removeprefix("isv."))[:32] or "unnamed"


def is_throttled(code: str) -> bool:
    """Return whether a slower rate is asked for."""
    return "throttling" in code.lower()


def is_of_account(code: str) -> bool:
    """Return whether the account is the cause, of which an operator must know."""
    return ACCOUNT.search(code) is not None


def is_unclear(code: str) -> bool:
    """Return whether the vendor itself failed, so that the message may have been sent."""
    return code.startswith("isp.") and not is_of_account(code)


def is_permanent(code: str) -> bool:
    """Return whether a refusal is for good."""
    return not is_of_account(code) and FOR_GOOD.search(code) is not None


def parse_reports(body: bytes, link: str) -> list[Receipt]:
    """Return the receipts of a SmsReport that are ours; DeliveryInvalid when the body is no list of items."""
    return [receipt for item in _items(body, "SmsReport") if (receipt := _receipt(item, link)) is not None]


def parse_texts(body: bytes, link: str) -> list[Inbound]:
    """Return the citizens' texts of a SmsUp; DeliveryInvalid when the body is no list of items."""
    return [text for item in _items(body, "SmsUp") if (text := _inbound(item, link)) is not None]


def days_of(since: int) -> list[str]:
    """Return the days (yyyyMMdd, Shanghai) on which a message in doubt since then (epoch ms) may have been sent."""
    return sorted({f"{shanghai(moment):%Y%m%d}" for moment in (since, since - MIDNIGHT_MS)}, reverse=True)


def _items(body: bytes, kind: str) -> Iterator[dict[str, Any]]:
    try:
        listed = json.loads(body, parse_int=str, parse_float=str)  # a number of any length is one item's own affair
    except (ValueError, RecursionError):
        raise DeliveryInvalid(f"this is no {kind}") from None
    if not isinstance(listed, list):
        raise DeliveryInvalid(f"this is no {kind}")
    return (item for item in listed if isinstance(item, dict))


def _receipt(item: dict[str, Any], link: str) -> Receipt | None:
    reference = _text(item, "out_id")
    success = {"true": True, "1": True, "false": False, "0": False}.get(_text(item, "success").lower())
    if parse_reference(reference) is None or success is None:
        return None
    status = ReceiptStatus.DELIVERED if success else ReceiptStatus.FAILED
    code = clean_code(_text(item, "err_code")) or status.name[:10]
    return Receipt(link, reference, 1, status, code, parse_time(_text(item, "report_time"), SECOND))


def _inbound(item: dict[str, Any], link: str) -> Inbound | None:
    phone = parse_number(_text(item, "phone_number"))
    if not is_mobile(phone):
        return None
    name = re.sub(r"[^A-Za-z0-9_.-]", "", _text(item, "sequence_id"))[:64]
    to = re.sub(r"[^0-9]", "", _text(item, "dest_code"))[:21]
    return Inbound(link, name, phone, to, _text(item, "content")[:TEXT_SIGNS])


def _text(item: dict[str, Any], name: str) -> str:
    """Return a member as text: the vendor writes numbers and booleans as either; null and nested values are empty."""
    value = item.get(name)
    if isinstance(value, bool):
        return str(value)
    return str(value).strip() if isinstance(value, str | int | float) else ""
