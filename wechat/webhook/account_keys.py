"""The official accounts of the catalogue with the secrets shared with WeChat.

WeChat waits five seconds and then shows the citizen an error of its own. So an account that was read once is
remembered: when the database is away, or hangs, pushes are still checked, and answered with the text that the service
is down.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field, replace

from config.catalogue.schema import Catalogue, Entrance
from config.catalogue.texts import chat_texts
from config.errors import DatabaseUnavailable, OneCertError, SecretMissing
from config.ground import Ground
from config.telemetry.log import get_logger
from wechat.accounts import find_pushed_entrance
from wechat.errors import AccountUnready
from wechat.webhook.autoreply import Texts
from wechat.webhook.crypto import parse_aes_key
from wechat.webhook.push import AccountKeys

WAIT_S = 0.2
"""Seconds that a push waits while another push reads the account, which mostly takes microseconds."""


FIRST_WAIT_S = 3.0
"""The same before the first reading: WeChat waits five seconds in all."""


RECENT_S = 0.5
"""An account read less than this many seconds ago is used as it is; otherwise pushes would queue under load."""


HANGS_S = 2.0
"""A reading that takes longer hangs. A shorter one is merely slow, and the last known account is as good."""


log = get_logger(__name__)


@dataclass(frozen=True)
class Source:
    """The sources of an account: a version of the catalogue, and the secrets as they are kept."""

    catalogue: Catalogue
    tokens: list[str]
    aes_keys: list[str]


@dataclass(frozen=True)
class Account:
    """An account and its keys. `well` is False when the database could not be read and the last known one is used.

    `offered` are the services that take inquiries now, and `objections` where citizens can object. `source`: what all
    of it was made from.
    """

    source: Source = field(repr=False)
    entrance: Entrance
    keys: AccountKeys
    texts: Texts
    port_number: str
    offered: frozenset[str]
    well: bool = True


class Accounts:
    """Reads accounts and remembers the last reading of each."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._last: dict[str, Account] = {}
        self._read_at: dict[str, float] = {}
        self._reading = threading.Lock()
        self._begun = 0.0

    def find(self, code: str) -> Account:
        """Return the account of that code.

        Raises AccountUnknown, AccountUnready, or what the database raised if the account was never read before.
        """
        try:
            return self._read(code)
        except SecretMissing as missing:
            raise AccountUnready(missing.detail) from None
        except OneCertError as fault:
            return self._remembered(code, fault)

    def _read(self, code: str) -> Account:
        # One at a time: when the database hangs it holds up one push, which WeChat sends again, and not every thread.
        if self._reading.acquire(blocking=False):
            return self._read_alone(code)
        last = self._last.get(code)
        if last and time.monotonic() - self._read_at[code] < RECENT_S:
            return last  # under load: another push has just read it
        if self._reading.acquire(timeout=WAIT_S if last else FIRST_WAIT_S):
            return self._read_alone(code)
        if last and time.monotonic() - self._begun < HANGS_S:
            return last
        raise DatabaseUnavailable("the database does not answer in time")

    def _read_alone(self, code: str) -> Account:
        """Read the account. The caller holds the lock; it is released here."""
        self._begun = time.monotonic()
        try:
            account = read_account(self._ground, code, self._last.get(code))
            self._read_at[code], self._last[code] = time.monotonic(), account
            return account
        finally:
            self._reading.release()

    def _remembered(self, code: str, fault: OneCertError) -> Account:
        last = self._last.get(code)
        if fault.status != 503 or last is None:
            raise fault
        log.warning("account_remembered", account=code, reason=fault.code)
        return replace(last, well=False)


def read_account(ground: Ground, code: str, last: Account | None = None) -> Account:
    """Read the account's entry and secrets; `last` comes back if nothing changed."""
    ground.keys.current_id()  # an answer needs the key ring: if it cannot be read, that is to be known here
    catalogue = ground.catalogues.current()
    entrance = find_pushed_entrance(catalogue, code)
    source = Source(catalogue, ground.secrets.both(f"{code}.token"), _aes_keys(ground, entrance))
    return last if last is not None and last.source == source else _make_account(source, entrance)


def _make_account(source: Source, entrance: Entrance) -> Account:
    catalogue = source.catalogue
    keys = AccountKeys(
        code=entrance.code,
        app_id=entrance.app_id or "",
        mode=entrance.mode,
        tokens=tuple(source.tokens),
        aes_keys=tuple(parse_aes_key(text) for text in source.aes_keys),
    )
    offered: frozenset[str] = frozenset(service.code for service in catalogue.services if service.enabled)
    if catalogue.objections is not None and catalogue.objections.enabled:
        offered |= {"objections"}
    return Account(source, entrance, keys, chat_texts(catalogue), catalogue.port_number, offered)


def _aes_keys(ground: Ground, entrance: Entrance) -> list[str]:
    try:
        return ground.secrets.both(f"{entrance.code}.aes_key")
    except SecretMissing:
        if entrance.mode != "plain":
            raise
        return []
