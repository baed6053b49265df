"""A visit: the session token in an HttpOnly cookie, and the check that a form belongs to it.

The form carries the token too (the script uses it as its Bearer token). A post counts only when both stand for the
same session, so another site can make a browser post, but never with a token that fits the cookie. Each inquiry's page
gets a cookie of its own, so that it can be looked at for 48 h even when a later visit has begun a new session; the
last one has another, with which the first page leads back to it.
"""

from __future__ import annotations

import hmac
import json
from contextlib import suppress

from flask import Request
from werkzeug.wrappers import Response

from config.errors import OneCertError, SealBroken
from config.ground import Ground
from query.access.door import Door
from query.access.errors import SessionInvalid
from query.access.sessions import Session
from query.access.tickets import parse_ticket
from query.errors import NotFound
from query.progress import Progress
from wechat.errors import CookiesMissing

WEB = "web"
VIEWING_S = 48 * 3600
CLEARED = '"cache", "storage"'
"""The part that a browser clears at a logout. Not its cookies: those of the domain's other hosts would go, too."""
_GRANT = "looked up"


def _same(session: Session, other: Session) -> Session:
    if not hmac.compare_digest(session.sid, other.sid):
        raise SessionInvalid()
    return session


class Visits:
    """Reads and keeps the cookies of a visit."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self.secure = ground.settings.public_url.startswith("https:")
        self._cookie = "__Host-onecert" if self.secure else "onecert"
        self._last_cookie = "__Host-onecert-last" if self.secure else "onecert-last"
        self._view_cookie = "__Secure-onecert-view" if self.secure else "onecert-view"

    def begin(self, door: Door, ticket: str | None, address: str) -> str:
        """Open a session where the ticket says, or else at the web entrance; its token. Raises TicketInvalid."""
        entrance = WEB
        if ticket is not None:
            entrance = parse_ticket(self._ground.keys, ticket, self._ground.clock.now()).entrance
        return door.open_session(entrance, ticket, address).token

    def arrive(self, door: Door, ticket: str, request: Request, address: str) -> str:
        """The token of whoever a ticket names, who may be on a visit already. Raises TicketInvalid.

        Another citizen's visit in this browser ends, but for looking at its inquiries.
        """
        named = parse_ticket(self._ground.keys, ticket, self._ground.clock.now())
        try:
            before = door.read_session(self.token(request))
        except SessionInvalid:
            return self.begin(door, ticket, address)
        if (before.entrance, before.openid) == (named.entrance, named.openid):
            return before.fresh_token or self.token(request)
        token = self.begin(door, ticket, address)
        door.end_session(before, viewing=True)
        return token

    def carry_on(self, door: Door, request: Request, address: str) -> str:
        """The token of the visit, renewed; a new one where there is none or it is over."""
        token = self.token(request)
        try:
            return door.read_session(token).fresh_token or token
        except SessionInvalid:
            return self.begin(door, None, address)

    def look(self, door: Door, request: Request, reference: str) -> tuple[str, Progress]:
        """(the token that may show this inquiry, its progress). Raises not_found, also for another's inquiry."""
        for token in self.viewing_tokens(request):
            try:
                return token, door.progress(door.read_session(token, viewing=True), reference)
            except (SessionInvalid, NotFound):
                continue
        raise NotFound("No such inquiry of this visit.")

    def grant(self, response: Response, path: str) -> None:
        """Let the browser look at one progress that was looked up by its reference."""
        kept = json.dumps([path, self._ground.clock.now()]).encode()
        self.keep_viewing(response, self._ground.keys.seal_token(_GRANT, kept), path)

    def is_granted(self, request: Request) -> bool:
        """Return whether this page's progress was looked up in this browser in the last 48 h."""
        try:
            kept = self._ground.keys.open_token(_GRANT, request.cookies.get(self._view_cookie, ""))
        except SealBroken:
            return False
        path, at = json.loads(kept)
        return bool(path == request.path and self._ground.clock.now() < at + VIEWING_S * 1000)

    def keep_last(self, response: Response, token: str, reference: str) -> None:
        """Let the browser's first page lead back to the inquiry, for 48 h."""
        text = f"{reference}.{token}"
        response.set_cookie(
            self._last_cookie, text, max_age=VIEWING_S, httponly=True, secure=self.secure, samesite="Lax"
        )

    def last(self, door: Door, request: Request) -> Progress | None:
        """The browser's last inquiry, as long as it may be looked at."""
        reference, _, token = request.cookies.get(self._last_cookie, "").partition(".")
        try:
            return door.progress(door.read_session(token, viewing=True), reference) if token else None
        except OneCertError:
            return None

    def leave(self, door: Door, response: Response, request: Request) -> None:
        """End the visit and the session of the last inquiry, and have the browser forget both.

        A post from another site brings no cookies, and changes nothing.
        """
        reference, _, last = request.cookies.get(self._last_cookie, "").partition(".")
        for token in {last, self.token(request)} - {""}:
            with suppress(SessionInvalid):
                door.end_session(door.read_session(token, viewing=True))
            response.delete_cookie(self._cookie, httponly=True, secure=self.secure, samesite="Lax")
            response.headers["Clear-Site-Data"] = CLEARED
        response.delete_cookie(self._last_cookie, httponly=True, secure=self.secure, samesite="Lax")
        for seen in {reference, request.form.get("reference", "")}:
            if seen.isascii() and seen.isdigit():
                path = f"/inquiries/{seen}"
                response.delete_cookie(self._view_cookie, path=path, httponly=True, secure=self.secure, samesite="Lax")

    def token(self, request: Request) -> str:
        """The token in the cookie, or nothing."""
        return request.cookies.get(self._cookie, "")

    def visitor(self, door: Door, request: Request, form_token: str, address: str) -> tuple[Session, str]:
        """(the session that a posted form belongs to, its token); one that lay idle is renewed in silence.

        Raises CookiesMissing without the visit's cookie, SessionInvalid when form and cookie do not agree.
        """
        own = self.token(request)
        if not own:
            raise CookiesMissing("The form came without the visit's cookie.")
        try:
            session = _same(door.read_session(form_token), door.read_session(own))
        except SessionInvalid:
            # Idle for too long: both tokens, though over, must still be of one visit.
            _same(door.read_session(form_token, viewing=True), door.read_session(own, viewing=True))
            token = self.begin(door, None, address)
            return door.read_session(token), token
        return session, session.fresh_token or form_token

    def viewing_tokens(self, request: Request) -> list[str]:
        """The tokens that may show it: the script's (cookies get lost), the page's own, the visit's."""
        bearer = request.authorization.token if request.authorization else None
        tokens = [bearer or "", request.cookies.get(self._view_cookie, ""), self.token(request)]
        return [token for token in dict.fromkeys(tokens) if token]

    def keep(self, response: Response, token: str) -> None:
        """Let the browser remember the visit until it is closed."""
        response.set_cookie(self._cookie, token, httponly=True, secure=self.secure, samesite="Lax")

    def keep_viewing(self, response: Response, token: str, path: str) -> None:
        """Let the browser show this one inquiry for 48 h."""
        response.set_cookie(
            self._view_cookie, token, max_age=VIEWING_S, path=path, httponly=True, secure=self.secure, samesite="Lax"
        )
