"""From a request to what it says: the bearer token, the idempotency key, and the JSON body in one of our shapes.

Nothing is parsed before its size and type are known to be right, and no refusal repeats what was sent: it names the
member.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from typing import Any, TypeVar

from flask import Request
from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails
from werkzeug.exceptions import RequestEntityTooLarge

from config import strict_json
from config.strict_json import NotStrictJson
from miniprogram_api.errors import BodyInvalid, BodyTooLarge, ContentTypeInvalid
from query.access.errors import SessionInvalid
from query.errors import ServiceUnknown

Shape = TypeVar("Shape")

LARGEST_BODY = 8 * 1024
UTF_8 = ("utf-8", "utf8")
IDEMPOTENCY_HEADER = "Idempotency-Key"

_BEARER = re.compile(r"bearer +([A-Za-z0-9_-]{1,2048})", re.IGNORECASE)
_VISIBLE_ASCII = re.compile(r"[\x21-\x7e]{1,255}")
_MEMBER = re.compile(r"[a-z_]{1,32}")


def read_token(request: Request) -> str:
    """The token of `Authorization: Bearer <token>`. Raises SessionInvalid."""
    found = _BEARER.fullmatch(request.headers.get("Authorization", ""))
    if found is None:
        raise SessionInvalid()
    return found[1]


def read_idempotency_key(request: Request) -> str | None:
    """The Idempotency-Key header, 1 to 255 visible ASCII characters; None without one. Raises BodyInvalid."""
    key = request.headers.get(IDEMPOTENCY_HEADER)
    if key is not None and _VISIBLE_ASCII.fullmatch(key) is None:
        raise BodyInvalid("Idempotency-Key takes 1 to 255 visible ASCII characters.", field=IDEMPOTENCY_HEADER)
    return key


def read_body(request: Request, shape: TypeAdapter[Shape]) -> Shape:
    """The request's JSON body as `shape`. Raises BodyTooLarge, ContentTypeInvalid, BodyInvalid, ServiceUnknown."""
    return parse_body(read_signed(request), shape)


def read_signed(request: Request) -> bytes:
    """The bytes of a JSON body, which a signature covers. Raises BodyTooLarge, ContentTypeInvalid."""
    raw = _read_at_most(request, LARGEST_BODY)
    if request.mimetype != "application/json" or request.mimetype_params.get("charset", "utf-8").lower() not in UTF_8:
        raise ContentTypeInvalid("Send application/json.", field="Content-Type")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise ContentTypeInvalid("Send the body uncompressed.", field="Content-Encoding")
    return raw


def parse_body(raw: bytes, shape: TypeAdapter[Shape]) -> Shape:
    """JSON text as `shape`. Raises BodyInvalid with the member's name in `field`, ServiceUnknown. Pure."""
    body = _parse_object(raw)
    try:
        return shape.validate_python(body)
    except ValidationError as invalid:
        faults = invalid.errors(include_url=False, include_context=False, include_input=False)
    raise _refusal(body, faults[0])


def _read_at_most(request: Request, largest: int) -> bytes:
    """The whole body, counted as it is read: Content-Length may be missing (chunked) or wrong."""
    request.max_content_length = largest + 1
    try:
        raw = request.get_data(cache=False)
    except RequestEntityTooLarge:
        raw = None
    if raw is None or len(raw) > largest:
        raise BodyTooLarge("A body has at most 8 KiB.")
    return raw


def _parse_object(raw: bytes) -> dict[str, Any]:
    try:
        return strict_json.read_object(raw.removeprefix(BOM_UTF8))
    except NotStrictJson as error:
        reason = error.reason
    raise BodyInvalid(f"The body must be one JSON object, but it is {reason}.", field="")


def _refusal(body: dict[str, Any], fault: ErrorDetails) -> BodyInvalid | ServiceUnknown:
    # A fault without a path is the choice between the two inquiries, which `service` makes.
    member = str(fault["loc"][-1]) if fault["loc"] else "service"
    if member == "service" and isinstance(body.get(member), str):
        return ServiceUnknown("There is no such service.")
    # The member's own name may be anything a stranger typed, even a number: only ours and their like are repeated.
    shown = member if _MEMBER.fullmatch(member) else "(unknown)"
    return BodyInvalid(
        f"The body is not as documented: {_WHAT.get(fault['type'], 'wrong type or length')}.", field=shown
    )


_WHAT = {
    "extra_forbidden": "a member that is not known",
    "missing": "a member is missing",
    "union_tag_not_found": "a member is missing",
}
