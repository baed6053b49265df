"""All that we ask of WeChat's platform, for one account of the catalogue at a time. Nobody else calls it.

The app secret leaves for the token endpoint and the exchange of a login code only. Nothing here is called while WeChat
waits for the answer to a push.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from config.catalogue.schema import Entrance
from config.errors import RedisUnavailable
from config.ground import Ground
from config.platforms.access_tokens import Fetched, Kept, TokenStore
from config.platforms.wechat_errcodes import NO_MENU, Course
from query.access.slots import Seats
from wechat.errors import PlatformAway, PlatformRefused
from wechat.platform.calls import TOKEN_PATH, Call, Calls, Target

LONGEST_TOKEN = 2048
LONGEST_LIFE_S = 7200
SEATS = 2


@dataclass(frozen=True)
class Visitor:
    """Who followed a login link. `snapshot`: a virtual user of WeChat's preview, to be bound to nothing."""

    openid: str = field(repr=False)
    snapshot: bool = False


class Platform:
    """One a process. `pause` is how it waits between tries of one call."""

    def __init__(self, ground: Ground, pause: Callable[[float], None] = time.sleep) -> None:
        self._ground = ground
        self._calls = Calls(ground, pause)
        self._tokens = TokenStore(ground.redis, ground.keys, ground.clock, "official-account-token")
        self._tickets = TokenStore(ground.redis, ground.keys, ground.clock, "official-account-ticket")
        self._seats = Seats(SEATS)

    @contextmanager
    def seat(self) -> Iterator[None]:
        """Around a call on behalf of someone who waits for a page: few at once, so that a slow platform holds up few.

        Raises PlatformAway at once when all seats are taken.
        """
        with self._seats.take() as seated:
            if not seated:
                raise PlatformAway("Too many wait for WeChat already.", sent=False)
            yield

    def token(self, account: Entrance) -> Kept:
        """The access token in use. Raises PlatformRefused, PlatformAway, SecretMissing."""
        try:
            return self._tokens.get(self._target(account).name, lambda: self._fetch_token(account))
        except (PlatformAway, RedisUnavailable) as away:
            # The caller's own request has not left, whatever became of the one for the token.
            raise PlatformAway(away.detail, sent=False) from None

    def script_ticket(self, account: Entrance) -> Kept:
        """The jsapi_ticket in use. Raises as `token`."""
        with _redis_needed():
            return self._tickets.get(self._target(account).name, lambda: self._fetch_ticket(account))

    def live_menu(self, account: Entrance) -> dict[str, Any] | None:
        """The menu that citizens see now, as the platform spells it; None when there is none. Raises as `token`."""
        try:
            told = self._ask(account, Call("GET", "/cgi-bin/menu/get"))
        except PlatformRefused as refused:
            if refused.errcode == NO_MENU:
                return None
            raise
        menu = told.get("menu")
        if not isinstance(menu, dict):
            raise PlatformAway("WeChat's answer has no menu.", sent=True)
        return menu

    def create_menu(self, account: Entrance, menu: Mapping[str, Any]) -> None:
        """Put this menu in the place of whatever is live. Raises as `token`."""
        self._ask(account, Call("POST", "/cgi-bin/menu/create", body=menu))

    def identify(self, account: Entrance, code: str) -> Visitor:
        """Trade a login code, which works once, for the visitor's openid. Raises as `token`."""
        query = {
            "appid": account.app_id,
            "secret": self._secret(account),
            "code": code,
            "grant_type": "authorization_code",
        }
        call = Call("GET", "/sns/oauth2/access_token", query, repeatable=False)
        told = self._calls.make(self._target(account), call)
        openid = told.get("openid")
        if not isinstance(openid, str) or not 0 < len(openid) <= 128:
            raise PlatformAway("WeChat's answer has no openid.", sent=True)
        return Visitor(openid, snapshot=told.get("is_snapshotuser", 0) not in (0, "0", "", "false", None))

    def send_notice(self, account: Entrance, openid: str, template: str, words: Mapping[str, str]) -> None:
        """Send a subscription notice. Never tried twice once something may have left. Raises as `token`."""
        filled = {name: {"value": value} for name, value in words.items()}
        body = {"touser": openid, "template_id": template, "data": filled}
        self._ask(account, Call("POST", "/cgi-bin/message/subscribe/bizsend", body=body, repeatable=False))

    def _ask(self, account: Entrance, call: Call) -> dict[str, Any]:
        """Call with the token; once more with the next one when it was over."""
        kept = self.token(account)
        try:
            return self._with(account, call, kept)
        except PlatformRefused as refused:
            if refused.course is not Course.REFRESH:
                raise
            with _redis_needed():
                self._tokens.drop(self._target(account).name, kept)
            fresh = self.token(account)
            if fresh.sealed == kept.sealed:
                raise
        return self._with(account, call, fresh)

    def _with(self, account: Entrance, call: Call, kept: Kept) -> dict[str, Any]:
        with_token = replace(call, query={**call.query, "access_token": kept.value})
        return self._calls.make(self._target(account), with_token)

    def _fetch_token(self, account: Entrance) -> Fetched:
        body = {
            "grant_type": "client_credential",
            "appid": account.app_id,
            "secret": self._secret(account),
            "force_refresh": False,  # 20 a day, and it would end every other process's token
        }
        told = self._calls.make(self._target(account), Call("POST", TOKEN_PATH, body=body))
        return _fetched(told, "access_token")

    def _fetch_ticket(self, account: Entrance) -> Fetched:
        return _fetched(self._ask(account, Call("GET", "/cgi-bin/ticket/getticket", {"type": "jsapi"})), "ticket")

    def _secret(self, account: Entrance) -> str:
        return self._ground.secrets.get(f"{account.code}.app_secret")

    def _target(self, account: Entrance) -> Target:
        """Named by app and platform: a token of the sandbox is none of the real platform's."""
        name = self._ground.keys.mac("wechat account", account.platform_url, account.app_id).hex()[:32]
        return Target(account.code, name, account.platform_url)


@contextmanager
def _redis_needed() -> Iterator[None]:
    """Without Redis nothing is asked of the platform: to our callers it is away, and nothing was sent."""
    try:
        yield
    except RedisUnavailable as away:
        raise PlatformAway(away.detail, sent=False) from None


def _fetched(told: Mapping[str, Any], field_name: str) -> Fetched:
    value, seconds = told.get(field_name), told.get("expires_in")
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_TOKEN or not isinstance(seconds, int) or seconds < 1:
        raise PlatformAway(f"WeChat's answer has no usable {field_name}.", sent=True)
    return Fetched(value, min(seconds, LONGEST_LIFE_S))
