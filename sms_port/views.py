"""Where gateways deliver receipts. Signed, so that nobody else can say a message has arrived."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from config.ground import Ground
from config.signature import NonceStore, verify
from sms_port.errors import LinkUnknown
from sms_port.links.http import parse_receipts
from sms_port.outcomes import OnOutcome
from sms_port.receipts import record_receipts

RECEIPTS_BYTES = 256 * 1024


def make_blueprint(ground: Ground, on_receipt: OnOutcome) -> Blueprint:
    """`POST /sms/<link>/receipts`: 200 once they are stored; `on_receipt` hears what they settle."""
    blueprint = Blueprint("sms_port", __name__)
    nonces = NonceStore(ground.redis)

    @blueprint.post("/sms/<link>/receipts")
    def receive_receipts(link: str) -> Response:
        receipts = parse_receipts(_genuine_body(ground, nonces, link), link)
        record_receipts(ground, on_receipt, receipts)
        return jsonify(received=len(receipts))

    return blueprint


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
    )
    return body
