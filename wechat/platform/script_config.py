"""What a page needs to use WeChat's JS-SDK in an account's name. Our own pages work without it."""

from __future__ import annotations

import hashlib
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
    """The arguments of `wx.config`; the ticket itself never leaves."""

    app_id: str
    timestamp: int
    nonce: str
    signature: str


def sign_page(ticket: str, nonce: str, timestamp: int, url: str) -> str:
    """Hex SHA-1 as the platform prescribes, over the address as it is, without what follows a `#` (pure)."""
    page = url.split("#", 1)[0]
    plain = f"jsapi_ticket={ticket}&noncestr={nonce}&timestamp={timestamp}&url={page}"
    return hashlib.sha1(plain.encode(), usedforsecurity=False).hexdigest()


class ScriptConfigs:
    """Signs pages of the hosts that the catalogue allows an account, and no others."""

    def __init__(self, ground: Ground, platform: Platform) -> None:
        self._ground = ground
        self._platform = platform

    def build(self, code: str, url: str) -> ScriptConfig:
        """The configuration for the page at `url`.

        Raises AccountUnknown, PageForeign, and what `Platform.script_ticket` raises.
        """
        account = find_official_account(self._ground.catalogues.current(), code)
        if not is_allowed(url, account.script_hosts):
            raise PageForeign("The page's host is not on the account's list.")
        with self._platform.seat():
            ticket = self._platform.script_ticket(account)
        now, nonce = self._ground.clock.now() // 1000, secrets.token_hex(8)
        return ScriptConfig(account.app_id, now, nonce, sign_page(ticket.value, nonce, now, url))


def is_allowed(url: str, hosts: tuple[str, ...]) -> bool:
    """Whether the address is a plain http(s) one on one of the hosts (pure)."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return len(url) <= LONGEST_URL and parts.scheme in ("http", "https") and parts.netloc in hosts
