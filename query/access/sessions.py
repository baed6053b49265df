"""Sessions: sealed tokens, not rows. A flush of Redis or a restart ends none, and opening one costs no row.

The token carries the entrance and the openid under our seal, so the citizen's side can neither read nor change
them. It ends after 30 idle minutes and 12 hours at most; while it is used, a fresh one is handed out at most once a
minute. To look at one's own inquiry (`viewing`) a token stays good for the 48 hours an inquiry can be looked at,
and grants nothing else. Who leaves the entrance (unsubscribes) has no session there from that moment on.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from config.catalogue.schema import Entrance
from config.crypto.key_ring import KeyRing
from config.errors import RedisUnavailable, SealBroken
from config.ground import Ground
from query.access.endings import (
    LOGGED_OUT,
    REPLACED,
    VIEWING_MS,
    endings_of,
    has_left_since,
    is_ended,
    note_session_end,
    session_name,
)
from query.access.errors import EntranceClosed, EntranceUnknown, LimiterUnavailable, SessionInvalid
from query.access.tickets import Ticket, TicketInvalid, parse_ticket

IDLE_MS = 30 * 60 * 1000
LONGEST_MS = 12 * 60 * 60 * 1000
RENEW_AFTER_MS = 60 * 1000
CLOCK_SLACK_MS = 60 * 1000
LONGEST_TOKEN = 2048
FRESH_TOKEN_HEADER = "Session-Token"  # noqa: S105  # nosec B105
"""Response header by which the JSON door hands out a fresh token."""

_PURPOSE = "session"

LogIn = Callable[[Entrance, str], str]
"""Return the openid that a login code of this mini program stands for."""


@dataclass(frozen=True)
class Session:
    """A citizen at an entrance. `owner` is what an inquiry keeps of it: a 32-byte MAC, useless to open anything.

    `expires_in` in seconds; `fresh_token` replaces the token that was read, once that is a minute old.
    """

    sid: bytes = field(repr=False)
    entrance: str
    openid: str | None = field(repr=False)
    owner: bytes = field(repr=False)
    issued_at: int
    expires_in: int
    fresh_token: str | None = field(default=None, repr=False)

    @property
    def person(self) -> tuple[str, ...]:
        """The payer of a limit: the openid where the platform gave one, so that a new session brings no new budget."""
        return (self.entrance, self.openid) if self.openid else ("session", self.sid.hex())


@dataclass(frozen=True)
class Proof:
    """The credential a citizen brings to an entrance: a ticket, a platform's login code, or nothing."""

    ticket: str | None = field(repr=False)
    code: str | None = field(repr=False)

    @property
    def kind(self) -> str:
        """Its word in PROOF_OF; a ticket and a code together fit no entrance."""
        brought = [word for word, it in (("ticket", self.ticket), ("code", self.code)) if it is not None]
        return "+".join(brought)


PROOF_OF = {"official-account": "ticket", "wechat-applet": "code", "alipay-applet": "code", "web": ""}
"""What each kind of entrance asks for."""


@dataclass(frozen=True)
class _Sealed:
    """The content of a token; times in epoch ms."""

    sid: bytes
    entrance: str
    openid: str | None
    issued_at: int
    seen_at: int

    def ends_at(self) -> int:
        return min(self.seen_at + IDLE_MS, self.issued_at + LONGEST_MS)


def open_session(
    ground: Ground, entrance: str, ticket: str | None = None, *, code: str | None = None, log_in: LogIn | None = None
) -> tuple[str, int, Session]:
    """Open a session. Return (token, seconds until it ends unused, session).

    `ticket` for official accounts, `code` (of the platform) and `log_in` for mini programs, nothing for the web. Raises
    EntranceUnknown (also for the wrong one of these), TicketInvalid (also for another entrance's, or of somebody who
    left since), RedisUnavailable, and what `log_in` raises.
    """
    now = ground.clock.now()
    known = ground.catalogues.current().entrance(entrance)
    if known is None:
        raise EntranceUnknown()
    if not known.enabled:
        raise EntranceClosed()
    openid = _admit(ground, known, Proof(ticket, code), log_in)
    inside = _Sealed(secrets.token_bytes(16), known.code, openid, issued_at=now, seen_at=now)
    session = _session(ground.keys, inside, now)
    return _seal(ground.keys, inside), session.expires_in, session


def read_session(ground: Ground, token: str, *, viewing: bool = False, spending: bool = False) -> Session:
    """The session behind a token. Raises SessionInvalid.

    `viewing`: good enough to look at one's own inquiry. `spending`: what follows spends budgets, and learns with them
    whether the session was ended (`endings`), which saves a round trip.
    """
    now = ground.clock.now()
    inside = _unseal(ground.keys, token)
    ends_at = inside.seen_at + VIEWING_MS if viewing else inside.ends_at()
    if not inside.seen_at - CLOCK_SLACK_MS <= now < ends_at:
        raise SessionInvalid()
    session = _session(ground.keys, inside, now)
    if not spending and _is_ended(ground, session, viewing=viewing):
        raise SessionInvalid()
    return session


def end_session(ground: Ground, session: Session, *, viewing: bool = False) -> None:
    """End a session: from now on none of its tokens opens anything. Raises LimiterUnavailable.

    `viewing`: another session took its place, and its own inquiries may still be looked at.
    """
    try:
        note_session_end(ground, session_name(ground.keys, session.owner), REPLACED if viewing else LOGGED_OUT)
    except RedisUnavailable as error:
        raise LimiterUnavailable() from error


def endings(keys: KeyRing, session: Session, *, viewing: bool = False) -> dict[str, int]:
    """Return the Redis keys that revoke this session, each with the smallest value that does."""
    return endings_of(
        keys,
        owner=session.owner,
        entrance=session.entrance,
        openid=session.openid,
        issued_at=session.issued_at,
        viewing=viewing,
    )


def _is_ended(ground: Ground, session: Session, *, viewing: bool) -> bool:
    try:
        return is_ended(ground, endings(ground.keys, session, viewing=viewing))
    except RedisUnavailable as error:
        if viewing:  # a look at one's own progress grants nothing, and must not hang on Redis
            return False
        raise LimiterUnavailable() from error


def _admit(ground: Ground, entrance: Entrance, proof: Proof, log_in: LogIn | None) -> str | None:
    """The openid that the entrance vouches for; None at the web entrance."""
    if proof.kind != PROOF_OF.get(entrance.kind) or (proof.code is not None and log_in is None):
        raise EntranceUnknown()
    if proof.ticket is not None:
        return _openid_of(ground, parse_ticket(ground.keys, proof.ticket, ground.clock.now()), entrance)
    return log_in(entrance, proof.code) if proof.code is not None and log_in is not None else None


def _openid_of(ground: Ground, ticket: Ticket, entrance: Entrance) -> str:
    if ticket.entrance != entrance.code:
        raise TicketInvalid("The link is not one of ours.")
    if has_left_since(ground, ticket.entrance, ticket.openid, ticket.issued_at):
        raise TicketInvalid("The link is over; take a new one.")
    return ticket.openid


def _session(keys: KeyRing, inside: _Sealed, now: int) -> Session:
    renewed = _Sealed(inside.sid, inside.entrance, inside.openid, inside.issued_at, seen_at=now)
    due = inside.seen_at + RENEW_AFTER_MS <= now < inside.ends_at()
    return Session(
        sid=inside.sid,
        entrance=inside.entrance,
        openid=inside.openid,
        owner=keys.mac("session-owner", inside.sid),
        issued_at=inside.issued_at,
        expires_in=max(0, renewed.ends_at() - now) // 1000,
        fresh_token=_seal(keys, renewed) if due else None,
    )


def _seal(keys: KeyRing, inside: _Sealed) -> str:
    fields = [inside.sid.hex(), inside.entrance, inside.openid, inside.issued_at, inside.seen_at]
    return keys.seal_token(_PURPOSE, json.dumps(fields, separators=(",", ":")).encode())


def _unseal(keys: KeyRing, token: str) -> _Sealed:
    if not 0 < len(token) <= LONGEST_TOKEN:
        raise SessionInvalid()
    try:
        fields: Any = json.loads(keys.open_token(_PURPOSE, token))
    except SealBroken as broken:
        raise SessionInvalid() from broken
    sid, entrance, openid, issued_at, seen_at = fields
    return _Sealed(bytes.fromhex(sid), entrance, openid, issued_at, seen_at)
