"""Callbacks of gateways that deliver receipts and citizens' texts: signed, or, from a vendor that signs nothing, at an
address that only the vendor knows.
"""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from config.crypto.http_signatures import verify
from config.crypto.nonces import NonceStore
from config.ground import Ground
from sms_port.errors import LinkUnknown
from sms_port.ledger.inbound import OnText, not_understood, record_texts
from sms_port.ledger.receipts import record_receipts
from sms_port.ledger.states import OnOutcome
from sms_port.links.aliyun import codes
from sms_port.links.aliyun.callback_urls import matches
from sms_port.links.http.bodies import parse_receipts, parse_texts

RECEIPTS_BYTES = 256 * 1024


def make_blueprint(ground: Ground, on_receipt: OnOutcome, on_text: OnText = not_understood) -> Blueprint:
    """Make `POST /sms/<link>/receipts` and `/inbound`: 200 once stored; `on_receipt` gets what receipts settle."""
    blueprint = Blueprint("sms_port", __name__)
    nonces = NonceStore(ground.redis)

    @blueprint.post("/sms/<link>/receipts")
    def receive_receipts(link: str) -> Response:
        receipts = parse_receipts(_genuine_body(ground, nonces, link), link)
        record_receipts(ground, on_receipt, receipts)
        return jsonify(received=len(receipts))

    @blueprint.post("/sms/<link>/inbound")
    def receive_texts(link: str) -> Response:
        texts = parse_texts(_genuine_body(ground, nonces, link), link)
        record_texts(ground, texts, on_text)
        return jsonify(received=len(texts))

    @blueprint.post("/sms/<link>/aliyun/<token>/receipts")
    def receive_reports(link: str, token: str) -> Response:
        record_receipts(ground, on_receipt, codes.parse_reports(_expected_body(ground, link, token), link))
        return jsonify(code=0, msg="received")

    @blueprint.post("/sms/<link>/aliyun/<token>/inbound")
    def receive_replies(link: str, token: str) -> Response:
        record_texts(ground, codes.parse_texts(_expected_body(ground, link, token), link), on_text)
        return jsonify(code=0, msg="received")

    return blueprint


def _expected_body(ground: Ground, code: str, token: str) -> bytes:
    link = ground.catalogues.current().link(code)
    if link is None or link.driver != "aliyun" or not matches(code, ground.secrets.both(f"{code}.key"), token):
        raise LinkUnknown("no such link")
    request.max_content_length = RECEIPTS_BYTES
    return request.get_data()


def _genuine_body(ground: Ground, nonces: NonceStore, code: str) -> bytes:
    link = ground.catalogues.current().link(code)
    if link is None or link.driver != "http":
        raise LinkUnknown("no such link")
    request.max_content_length = RECEIPTS_BYTES  # more than the other doors take
    body = request.get_data()
    verify(
        request.method,
        request.path,
        dict(request.headers),
        body,
        secrets={link.key_id: ground.secrets.both(f"{code}.key")},
        now=ground.clock.now(),
        seen=nonces.seen,
        algorithm=link.algorithm,
    )
    return body
