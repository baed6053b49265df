"""Reading an account, and remembering it when it cannot be read."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, cast

import pytest

from config.catalogue.schema import Catalogue
from config.db.engine import begin
from config.ground import Ground
from tests.conftest import on_sqlite
from tests.support.servers import PATIENCE_S
from wechat.accounts import official_accounts
from wechat.errors import AccountUnknown, AccountUnready
from wechat.webhook.account_keys import Account, Accounts

pytestmark = on_sqlite


class HangingCatalogues:
    """A catalogue whose database stops answering without an error."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.answering = threading.Event()
        self.answering.set()
        self.asked = threading.Event()

    def current(self) -> Catalogue:
        self.asked.set()
        self.answering.wait(PATIENCE_S)
        return self.catalogue


def test_an_account_has_its_entry_and_its_secrets(ground: Ground) -> None:
    account = Accounts(ground).find("gxwbwx")
    assert (account.entrance.code, account.keys.mode, account.well) == ("gxwbwx", "safe", True)
    assert account.keys.tokens == (ground.secrets.get("gxwbwx.token"),)
    assert [len(key) for key in account.keys.aes_keys] == [32]


def test_the_default_catalogue_has_three_accounts(ground: Ground) -> None:
    codes = [entrance.code for entrance in official_accounts(ground.catalogues.current())]
    assert codes == ["gxwbwx", "gxb-antifraud", "caict"]


@pytest.mark.parametrize("code", ["nobody", "web", ""])
def test_what_is_no_official_account_is_unknown(ground: Ground, code: str) -> None:
    with pytest.raises(AccountUnknown):
        Accounts(ground).find(code)


@pytest.mark.parametrize("name", ["token", "aes_key"])
def test_an_account_that_lacks_a_secret_is_not_ready(ground: Ground, name: str) -> None:
    accounts = Accounts(ground)
    assert accounts.find("gxwbwx").well
    with begin(ground.engine) as db:
        ground.secrets.remove(db, f"gxwbwx.{name}")
    with pytest.raises(AccountUnready) as unready:
        accounts.find("gxwbwx")
    assert unready.value.status == 503
    assert f"onecert config secret set gxwbwx.{name}" in unready.value.detail


@pytest.mark.parametrize(
    ("recent_s", "hangs_s", "well"), [(0.0, 0.0, False), (0.0, 60.0, True), (60.0, 0.0, True)], ids=str
)
def test_a_hanging_database_holds_up_one_push_and_no_other_and_a_slow_one_none(
    ground: Ground, monkeypatch: pytest.MonkeyPatch, recent_s: float, hangs_s: float, well: bool
) -> None:
    monkeypatch.setattr("wechat.webhook.account_keys.RECENT_S", recent_s)
    monkeypatch.setattr("wechat.webhook.account_keys.HANGS_S", hangs_s)
    catalogues = HangingCatalogues(ground.catalogues.current())
    accounts = Accounts(replace(ground, catalogues=cast(Any, catalogues)))
    assert accounts.find("gxwbwx").well
    with held_up(accounts, catalogues):
        second = accounts.find("gxwbwx")
    assert second.well is well and second.keys.code == "gxwbwx"
    assert accounts.find("gxwbwx").well


def test_an_account_that_was_never_read_is_waited_for(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wechat.webhook.account_keys.WAIT_S", 0.0)
    monkeypatch.setattr("wechat.webhook.account_keys.FIRST_WAIT_S", 30.0)
    catalogues = HangingCatalogues(ground.catalogues.current())
    accounts = Accounts(replace(ground, catalogues=cast(Any, catalogues)))
    found: list[Account] = []
    with held_up(accounts, catalogues):
        second = threading.Thread(target=lambda: found.append(accounts.find("gxwbwx")))
        second.start()
    second.join()
    assert [account.well for account in found] == [True]


@contextmanager
def held_up(accounts: Accounts, catalogues: HangingCatalogues) -> Iterator[None]:
    """Meanwhile another push waits for the database."""
    catalogues.answering.clear()
    catalogues.asked.clear()
    first = threading.Thread(target=accounts.find, args=["gxwbwx"])
    first.start()
    assert catalogues.asked.wait(PATIENCE_S)
    yield
    catalogues.answering.set()
    first.join()
