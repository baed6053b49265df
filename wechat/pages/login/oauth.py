"""Pages opened inside WeChat learn who opens them: OAuth with `snsapi_base`, which asks the citizen nothing.

It is a convenience and never in the way: whatever fails, whoever refuses, and everybody outside WeChat gets the same
page without an openid. The openid is not the citizen's identity (the SMS code is); it only names the entrance, bounds
the budgets and lets a notice be sent. A state works once, for ten minutes, in the browser it was made for.
"""

from __future__ import annotations

import hmac
import json
import secrets
from dataclasses import dataclass, field
from urllib.parse import urlencode

from redis import RedisError

from config.catalogue.schema import Entrance
from config.errors import OneCertError
from config.ground import Ground
from config.platforms.errors import PlatformRefused
from config.platforms.wechat_errcodes import CODE_OVER
from config.telemetry.log import get_logger
from query.access.tickets import Ticket, build_ticket
from wechat.accounts import find_official_account
from wechat.errors import AccountUnknown
from wechat.platform.client import Platform

STATE_S = 600
STATE_BYTES = 16
LONGEST = 128
RESTARTS = 1
IN_WECHAT, IN_WECOM = "micromessenger", "wxwork"
"""Words of user agents. WeCom's browser says both, but it knows no official accounts."""

log = get_logger(__name__)


@dataclass(frozen=True)
class Leave:
    """Go to WeChat's login; the browser keeps `cookie` meanwhile."""

    url: str = field(repr=False)
    cookie: str = field(repr=False)


@dataclass(frozen=True)
class Arrive:
    """Go to this form; with a ticket if WeChat told who it is."""

    service: str
    ticket: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class _State:
    """The content of a login state: never an address, so that it can send nobody elsewhere."""

    account: str
    service: str
    restarts: int
    browser: str = field(repr=False)


def knows_accounts(user_agent: str) -> bool:
    """Return whether this is WeChat's own browser; in any other WeChat's login page is a dead end."""
    words = user_agent.casefold()
    return IN_WECHAT in words and IN_WECOM not in words


class PageLogin:
    """Sends visitors to WeChat and takes them back."""

    def __init__(self, ground: Ground, platform: Platform) -> None:
        self._ground = ground
        self._platform = platform

    def begin(self, code: str, service: str, user_agent: str) -> Leave | Arrive:
        """Start for a visitor of this form at this account's entrance. Raises AccountUnknown."""
        account = find_official_account(self._ground.catalogues.current(), code)
        if account.page_login is None or not knows_accounts(user_agent):
            return Arrive(service)
        return self._depart(account, service, restarts=0)

    def finish(self, code: str, login_code: str, state: str, cookie: str) -> Leave | Arrive | None:
        """The visitor is back with a code. None: a state that is not of this browser, or was used: nothing is known."""
        known = self._redeem(state)
        if known is None or known.account != code or not hmac.compare_digest(known.browser, self._browser(cookie)):
            return None
        try:
            account = find_official_account(self._ground.catalogues.current(), code)
        except AccountUnknown:
            return Arrive(known.service)
        return self._identify(account, known, login_code)

    def _identify(self, account: Entrance, known: _State, login_code: str) -> Leave | Arrive:
        if account.page_login is None or not 0 < len(login_code) <= LONGEST:
            return Arrive(known.service)
        try:
            with self._platform.slot():
                visitor = self._platform.identify(account, login_code)
        except OneCertError as fault:
            over = isinstance(fault, PlatformRefused) and fault.errcode in CODE_OVER
            if over and known.restarts < RESTARTS:
                return self._depart(account, known.service, known.restarts + 1)
            log.warning("page_login_failed", account=account.code, reason=fault.code)
            return Arrive(known.service)
        if visitor.snapshot:
            log.info("page_login_snapshot", account=account.code)
            return Arrive(known.service)
        ticket = Ticket(account.code, visitor.openid, self._ground.clock.now())
        return Arrive(known.service, build_ticket(self._ground.keys, ticket))

    def _depart(self, account: Entrance, service: str, restarts: int) -> Leave | Arrive:
        state, cookie = secrets.token_hex(STATE_BYTES), secrets.token_hex(STATE_BYTES)
        kept = json.dumps([account.code, service, restarts, self._browser(cookie)])
        try:
            self._ground.redis.set(self._key(state), kept, ex=STATE_S)
        except RedisError:
            return Arrive(service)
        # The platform wants the parameters in this order, and the fragment.
        query = {
            "appid": account.app_id,
            "redirect_uri": f"{self._ground.settings.public_url.rstrip('/')}/login/{account.code}",
            "response_type": "code",
            "scope": "snsapi_base",
            "state": state,
        }
        where = account.page_login.url.rstrip("/") if account.page_login else ""
        url = f"{where}/connect/oauth2/authorize?{urlencode(query)}#wechat_redirect"
        return Leave(url, cookie)

    def _redeem(self, state: str) -> _State | None:
        if not 0 < len(state) <= LONGEST:
            return None
        try:
            kept = self._ground.redis.getdel(self._key(state))
        except RedisError:
            return None
        return _State(*json.loads(kept)) if isinstance(kept, bytes) else None

    def _browser(self, cookie: str) -> str:
        return self._ground.keys.mac("wechat login browser", cookie).hex()

    def _key(self, state: str) -> str:
        return "wechat:login:" + self._ground.keys.mac("wechat login state", state).hex()
