"""Build and read the bodies of the signed HTTP link (docs/sms-http-link.md). Pure.

In what a gateway delivers each item is read by itself: a faulty one costs its neighbours nothing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from config.net.http_client import HttpResponse
from config.times.formats import rfc3339
from sms_port.errors import DeliveryInvalid
from sms_port.ledger.inbound import Inbound
from sms_port.ledger.receipts import Receipt
from sms_port.links.gateway_text import parse_number
from sms_port.links.link import Accepted, Dispatch, NotSent, Rejected, SendResult
from sms_port.models import ReceiptStatus

RECEIPTS_AT_ONCE = 1_000
Item = TypeVar("Item", bound=BaseModel)
ShortCode = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9:_.-]{1,10}$")]
"""Ten characters at most, so that no phone number can hide in a code and reach a log."""


class _Answered(BaseModel):
    model_config = ConfigDict(strict=True, hide_input_in_errors=True)
    id: str
    status: Literal["accepted", "rejected", "unknown"]
    code: ShortCode | Literal[""] = ""
    permanent: bool | None = None


class _Receipt(BaseModel):
    model_config = ConfigDict(strict=True, hide_input_in_errors=True)
    id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
    part: Annotated[int, Field(ge=1, le=255)]
    status: Literal["delivered", "failed", "unclear"]
    code: ShortCode
    done_at: Annotated[AwareDatetime, Field(strict=False)]


class _Text(BaseModel):
    model_config = ConfigDict(strict=True, hide_input_in_errors=True, populate_by_name=True)
    id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
    phone: Annotated[str, Field(alias="from"), StringConstraints(max_length=32)]
    to: Annotated[str, StringConstraints(pattern=r"^[0-9]{3,21}$")]
    text: Annotated[str, StringConstraints(max_length=2000)]


def build_body(value: dict[str, Any]) -> bytes:
    """Return JSON in UTF-8, without a space."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def build_messages(batch: Sequence[Dispatch]) -> bytes:
    """Return the body of `POST /messages`."""
    return build_body(
        {
            "messages": [
                {
                    "id": dispatch.reference,
                    "from": dispatch.sender,
                    "to": dispatch.to,
                    "parts": dispatch.parts,
                    "valid_until": rfc3339(dispatch.valid_until),
                }
                for dispatch in batch
            ]
        }
    )


def parse_answer(answer: HttpResponse, references: Sequence[str], *, asked: bool = False) -> dict[str, SendResult]:
    """Return the results that a 200 names, for references that were in the call; faulty items are left out.

    `unknown` occurs in answers to queries alone: the gateway has never seen the reference.
    """
    if answer.status != 200:
        return {}
    wanted, results = set(references), dict[str, SendResult]()
    for item in _items(answer.body):
        result = _ending_of_item(item, asked)
        if result is not None and item.id in wanted:
            results[item.id] = result
    return results


def parse_receipts(body: bytes, link: str) -> list[Receipt]:
    """Return the receipts of `POST /sms/<link>/receipts`; DeliveryInvalid without a list of at most 1,000."""
    return [
        Receipt(link, item.id, item.part, ReceiptStatus[item.status.upper()], item.code, _epoch_ms(item.done_at))
        for item in _delivered(body, "receipts", _Receipt)
    ]


def parse_texts(body: bytes, link: str) -> list[Inbound]:
    """Return the texts of `POST /sms/<link>/inbound`; DeliveryInvalid without a list of at most 1,000."""
    return [
        Inbound(link, item.id, parse_number(item.phone), item.to, item.text)
        for item in _delivered(body, "messages", _Text)
    ]


def _delivered(body: bytes, name: str, kind: type[Item]) -> list[Item]:
    """Return the items of a list of this name that are as the document describes them."""
    try:
        listed = json.loads(body)[name]
    except (ValueError, KeyError, TypeError, RecursionError):
        listed = None
    if not isinstance(listed, list) or len(listed) > RECEIPTS_AT_ONCE:
        raise DeliveryInvalid(f"the {name} are not as docs/sms-http-link.md describes them")
    found = [_read(item, kind) for item in listed]
    return [item for item in found if item is not None]


def _read(item: Any, kind: type[Item]) -> Item | None:
    try:
        return kind.model_validate_json(json.dumps(item))  # as JSON, so that a time may be a text
    except (ValueError, RecursionError):
        return None


def _epoch_ms(moment: AwareDatetime) -> int:
    return round(moment.timestamp() * 1000)


def _items(body: bytes) -> list[_Answered]:
    try:
        listed = json.loads(body)["messages"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return []
    return [item for item in map(_answered, listed if isinstance(listed, list) else []) if item is not None]


def _answered(item: Any) -> _Answered | None:
    try:
        return _Answered.model_validate(item)
    except ValidationError:
        return None


def _ending_of_item(item: _Answered, asked: bool) -> SendResult | None:
    if item.status == "accepted":
        return Accepted()
    if item.status == "rejected" and item.permanent is not None:
        return Rejected(item.code, item.permanent)
    if item.status == "unknown" and asked:
        return NotSent("never_seen")
    return None
