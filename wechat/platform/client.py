"""WeChat's API as the official accounts' rooms use it. Nothing here is called while WeChat waits for an answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from config.catalogue.schema import Entrance
from config.ground import Ground
from config.platforms import wechat_calls
from config.platforms.access_tokens import StoredToken
from config.platforms.errors import PlatformAway, PlatformRefused
from config.platforms.wechat_client import WeChatClient
from config.platforms.wechat_errcodes import NO_MENU
from query.access.slots import Seats

SLOTS = 2
LONGEST_OPENID = 128
NO_SNAPSHOT = (0, "0", "", "false", None)


@dataclass(frozen=True)
class Visitor:
    """The visitor of a login link. `snapshot`: a virtual user of WeChat's preview, to be bound to nothing."""

    openid: str = field(repr=False)
    snapshot: bool = False


class Platform:
    """One per process. `wait` waits between two tries of one call.

    Its methods raise PlatformRefused, PlatformAway, SecretMissing.
    """

    def __init__(self, ground: Ground, wait: Callable[[float], None] = time.sleep) -> None:
        self._ground, self._wait = ground, wait
        self._slots = Seats(SLOTS)

    def client(self, account: Entrance) -> WeChatClient:
        """Return wechatpy's client for this account, for whatever has no method here."""
        return WeChatClient(self._ground, account, wechat_calls.BACKGROUND, self._wait)

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Surround a call for a visitor who waits for a page: few at once, so that a slow platform holds up few.

        Raises PlatformAway at once when all slots are taken.
        """
        with self._slots.take() as taken:
            if not taken:
                raise PlatformAway("Too many wait for WeChat already.", sent=False)
            yield

    def token(self, account: Entrance) -> StoredToken:
        """Return the access token in use."""
        return self.client(account).session.token()

    def script_ticket(self, account: Entrance) -> StoredToken:
        """Return the jsapi_ticket in use."""
        return self.client(account).session.ticket()

    def live_menu(self, account: Entrance) -> dict[str, Any] | None:
        """Return the menu that citizens see now, as the platform spells it; None when there is none."""
        try:
            answer = self.client(account).menu.get()
        except PlatformRefused as refused:
            if refused.errcode == NO_MENU:
                return None
            raise
        menu = answer.get("menu")
        if not isinstance(menu, dict):
            raise PlatformAway("WeChat's answer has no menu.", sent=True)
        return menu

    def create_menu(self, account: Entrance, menu: Mapping[str, Any]) -> None:
        """Replace the live menu, whatever it is."""
        self.client(account).menu.create(dict(menu))

    def identify(self, account: Entrance, code: str) -> Visitor:
        """Trade a login code, which works once, for the visitor's openid."""
        answer = self.client(account).oauth.exchange(code)
        openid = answer.get("openid")
        if not isinstance(openid, str) or not 0 < len(openid) <= LONGEST_OPENID:
            raise PlatformAway("WeChat's answer has no openid.", sent=True)
        return Visitor(openid, snapshot=answer.get("is_snapshotuser", 0) not in NO_SNAPSHOT)

    def send_notice(self, account: Entrance, openid: str, template: str, words: Mapping[str, str]) -> None:
        """Send a subscription notice. Never tried twice once something may have left."""
        filled = {name: {"value": value} for name, value in words.items()}
        self.client(account).message.send_subscribe_message(openid, template, filled)
