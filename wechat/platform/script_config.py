"""Configuration for pages that use WeChat's JS-SDK in an account's name. Our own pages work without it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from urllib.parse import urlsplit

from config.ground import Ground
from wechat.accounts import find_official_account
from wechat.errors import PageForeign
from wechat.platform.client import Platform

LONGEST_URL = 2048


@dataclass(frozen=True)
class ScriptConfig:
    """The arguments of `wx.config`; `signature` is over everything in front of a `#`, and the ticket never leaves."""

    app_id: str
    timestamp: int
    nonce: str
    signature: str


class ScriptConfigs:
    """Signs pages of the hosts that the catalogue allows an account, and no others."""

    def __init__(self, ground: Ground, platform: Platform) -> None:
        self._ground = ground
        self._platform = platform

    def build(self, code: str, url: str) -> ScriptConfig:
        """Build the configuration for the page at `url`.

        Raises AccountUnknown, PageForeign, and what `Platform` raises.
        """
        account = find_official_account(self._ground.catalogues.current(), code)
        if not is_allowed(url, account.script_hosts):
            raise PageForeign("The page's host is not on the account's list.")
        with self._platform.slot():
            client = self._platform.client(account)
            ticket = client.jsapi.get_jsapi_ticket()
        now, nonce = self._ground.clock.now() // 1000, secrets.token_hex(8)
        signature = client.jsapi.get_jsapi_signature(nonce, ticket, now, url.split("#", 1)[0])
        return ScriptConfig(account.app_id, now, nonce, signature)


def is_allowed(url: str, hosts: tuple[str, ...]) -> bool:
    """Return whether the URL is a plain http(s) one on one of the hosts (pure)."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return len(url) <= LONGEST_URL and parts.scheme in ("http", "https") and parts.netloc in hosts
