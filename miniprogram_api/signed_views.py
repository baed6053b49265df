"""The JSON views of signed calls: verify, parse, call one verb, render."""

from __future__ import annotations

from flask import Response, request
from pydantic import BaseModel

from config.ground import Ground
from miniprogram_api.contract.further_schemas import COUNTER_REQUEST, VOICE_REQUEST
from miniprogram_api.contract.requests import parse_body, read_idempotency_key, read_signed
from miniprogram_api.contract.responses import accepted
from query.signed.door import SignedCall, SignedDoor, SignedInquiry


class SignedViews:
    """One method a call."""

    def __init__(self, ground: Ground) -> None:
        self._signed = SignedDoor(ground)

    def submit_by_voice(self) -> Response:
        """POST /voice/inquiries."""
        call = _call()
        entrance = self._signed.entrance_of("voice", call)
        filled = parse_body(call.body, VOICE_REQUEST)
        wanted = SignedInquiry(**filled.model_dump(), idempotency_key=read_idempotency_key(request))
        return _answer(accepted(self._signed.submit(entrance, wanted)))

    def submit_at_counter(self) -> Response:
        """POST /counter/inquiries."""
        call = _call()
        entrance = self._signed.entrance_of("counter", call)
        filled = parse_body(call.body, COUNTER_REQUEST)
        wanted = SignedInquiry(**filled.model_dump(), idempotency_key=read_idempotency_key(request))
        return _answer(accepted(self._signed.submit(entrance, wanted)))


def _call() -> SignedCall:
    return SignedCall(request.path, dict(request.headers), read_signed(request))


def _answer(body: BaseModel) -> Response:
    return Response(body.model_dump_json(exclude_none=True), status=202, content_type="application/json")
