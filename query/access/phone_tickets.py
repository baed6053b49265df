"""A phone's ticket: a number that the platform vouched for, sealed, for one citizen at one entrance.

It may stand wherever the citizen would type the number. The client never sees more than the masked number, and what it
proves is only that the platform knows the number: the verification code is asked for all the same.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Sequence

from config.crypto.key_ring import KeyRing
from config.errors import SealBroken
from query.access.errors import PhoneTicketInvalid

PREFIX = "ticket:"
"""No spelling of a number begins like this."""
LIFETIME_MS = 30 * 60 * 1000
CLOCK_SLACK_MS = 60 * 1000
LONGEST = 512

_PURPOSE = "phone-ticket"


def build_phone_ticket(keys: KeyRing, phone: str, person: Sequence[str], now: int) -> str:
    """Seal a number (eleven digits) for whoever `person` names."""
    return PREFIX + keys.seal_token(_PURPOSE, json.dumps([phone, _name(keys, person).hex(), now]).encode())


def parse_phone_ticket(keys: KeyRing, text: str, person: Sequence[str], now: int) -> str:
    """The number of a ticket. Raises PhoneTicketInvalid: not ours, another's, or from 30 minutes on."""
    if len(text) > LONGEST:
        raise PhoneTicketInvalid()
    try:
        phone, owner, issued_at = json.loads(keys.open_token(_PURPOSE, text.removeprefix(PREFIX)))
    except SealBroken as broken:
        raise PhoneTicketInvalid() from broken
    fresh = -CLOCK_SLACK_MS <= now - issued_at < LIFETIME_MS
    if not fresh or not hmac.compare_digest(bytes.fromhex(owner), _name(keys, person)):
        raise PhoneTicketInvalid()
    return str(phone)


def _name(keys: KeyRing, person: Sequence[str]) -> bytes:
    return keys.mac("phone-ticket-owner", *person)
