"""Tickets: the sealed word by which an entrance hands a citizen over to the pages or the API.

A chat answer carries links with a ticket, the page trades it for a session. It is sealed, not only signed: it
stands in a URL, where the openid must not be readable. It lives 30 minutes and may be used again while it lives,
because a phone that reloads the page is not an attack, and it proves no more than that someone followed the link.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from config.crypto.key_ring import KeyRing
from config.errors import ConfigError, SealBroken

TICKET_LIFETIME_MS = 30 * 60 * 1000
CLOCK_SLACK_MS = 60 * 1000
LONGEST_TICKET = 1024

_PURPOSE = "ticket"


class TicketInvalid(ConfigError):
    """Not ours, torn, or older than 30 minutes; one answer for all, so that a forger learns nothing."""

    code = "session_invalid"
    status = 401


@dataclass(frozen=True)
class Ticket:
    """A citizen at an entrance. `openid` is the platform's name for the citizen; `issued_at` in epoch ms."""

    entrance: str
    openid: str = field(repr=False)
    issued_at: int


def build_ticket(keys: KeyRing, ticket: Ticket, occasion: bytes | None = None) -> str:
    """Seal a ticket into base64url text that fits a URL; on one `occasion` the same ticket gives the same text."""
    payload = json.dumps([ticket.entrance, ticket.openid, ticket.issued_at], separators=(",", ":"))
    return keys.seal_token(_PURPOSE, payload.encode(), occasion)


def parse_ticket(keys: KeyRing, text: str, now: int) -> Ticket:
    """Open what `build_ticket` made. Raises TicketInvalid for anything else, and from 30 minutes on."""
    ticket = _opened(keys, text)
    if not -CLOCK_SLACK_MS <= now - ticket.issued_at < TICKET_LIFETIME_MS:
        raise TicketInvalid("The link is over; take a new one.")
    return ticket


def _opened(keys: KeyRing, text: str) -> Ticket:
    if not 0 < len(text) <= LONGEST_TICKET:
        raise TicketInvalid("The link is not one of ours.")
    try:
        payload: Any = json.loads(keys.open_token(_PURPOSE, text))
    except SealBroken as broken:
        raise TicketInvalid("The link is not one of ours.") from broken
    entrance, openid, issued_at = payload
    return Ticket(entrance=entrance, openid=openid, issued_at=issued_at)
