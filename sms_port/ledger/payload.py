"""The personal part of a message, sealed as one: its phone, its text, and the text of a resend."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from config.crypto.key_ring import KeyRing
from sms_port.models import Lane

ERASED = bytes(32)
"""The fingerprint of a message whose payload is gone: whoever has the key could try all counts against a kept MAC."""


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True)
class Payload:
    """Text and destination of a message; erased as soon as the message is accepted or given up."""

    phone: str = field(repr=False)
    text: str = field(repr=False)
    resend_text: str | None = field(default=None, repr=False)


def seal_payload(keys: KeyRing, message_id: bytes, payload: Payload) -> bytes:
    """Seal a payload to its own row, so that it opens nowhere else."""
    plain = _ENCODER.encode([payload.phone, payload.text, payload.resend_text])
    return keys.seal(plain.encode(), table="message", column="sealed", row=message_id)


def open_payload(keys: KeyRing, message_id: bytes, sealed: bytes) -> Payload:
    """Return the payload of that row; SealBroken when it is damaged or from elsewhere."""
    return Payload(*json.loads(keys.open(sealed, table="message", column="sealed", row=message_id)))


def fingerprint(keys: KeyRing, lane: Lane, payload: Payload) -> bytes:
    """Return a keyed MAC of 32 bytes, equal for equal messages, so that neither has to be kept."""
    resend = () if payload.resend_text is None else (payload.resend_text,)
    return keys.mac("message", lane.name, payload.phone, payload.text, *resend)
