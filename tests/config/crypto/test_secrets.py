from typing import Any

import pytest
from sqlalchemy import Engine, select

from config.crypto.key_ring import KeyRing
from config.crypto.secrets import REMEMBER_MS, SecretStore, secret
from config.db.engine import begin, reading
from config.errors import ConfigError, SecretMissing
from config.times.clock import FixedClock

VALUE = "s3cr3t-of-the-partner"


@pytest.fixture
def store(engine: Engine, keys: KeyRing, clock: FixedClock) -> SecretStore:
    return SecretStore(engine, keys, clock)


def put(store: SecretStore, engine: Engine, name: str, value: str, now: int = 7) -> None:
    with begin(engine) as db:
        store.set(db, name, value, now)


def test_a_secret_is_read_back_and_lies_sealed(store: Any, engine: Engine) -> None:
    put(store, engine, "tencent.key", VALUE)
    assert store.get("tencent.key") == VALUE
    with reading(engine) as db:
        assert VALUE.encode() not in db.execute(select(secret.c.sealed)).scalar_one()


def test_a_missing_secret_is_named_with_the_command_that_mends_it(store: Any) -> None:
    with pytest.raises(SecretMissing, match="onecert config secret set tencent.key"):
        store.get("tencent.key")
    with pytest.raises(SecretMissing):
        store.both("tencent.key")


def test_while_a_secret_changes_both_are_known(store: Any, engine: Engine) -> None:
    put(store, engine, "tencent.key", VALUE)
    assert store.both("tencent.key") == [VALUE]
    put(store, engine, "tencent.key.next", "successor")
    assert store.both("tencent.key") == [VALUE, "successor"]
    with begin(engine) as db:
        store.remove(db, "tencent.key.next")
    assert store.both("tencent.key") == [VALUE]


def test_another_process_learns_a_new_value_within_five_seconds(
    store: Any, engine: Engine, keys: KeyRing, clock: FixedClock
) -> None:
    put(store, engine, "tencent.key", VALUE)
    neighbour = SecretStore(engine, keys, clock)
    assert neighbour.get("tencent.key") == VALUE
    put(store, engine, "tencent.key", "changed")
    assert store.get("tencent.key") == "changed"
    clock.advance(REMEMBER_MS)
    assert neighbour.get("tencent.key") == "changed"


def test_the_listing_shows_names_and_times_only(store: Any, engine: Engine) -> None:
    put(store, engine, "tencent.key", VALUE, now=2)
    put(store, engine, "gxwbwx.aes_key", VALUE, now=1)
    assert store.listing() == [("gxwbwx.aes_key", 1), ("tencent.key", 2)]


@pytest.mark.parametrize("name", ["", "key", "Tencent.key", "a.b.c", "../x.key", "腾讯.key", "a" * 60 + ".key"])
def test_a_name_that_the_catalogue_cannot_hold_is_refused(store: Any, engine: Engine, name: str) -> None:
    with pytest.raises(ConfigError):
        put(store, engine, name, VALUE)


@pytest.mark.parametrize("value", ["", "x" * 5000])
def test_an_empty_or_huge_value_is_refused(store: Any, engine: Engine, value: Any) -> None:
    with pytest.raises(ConfigError):
        put(store, engine, "tencent.key", value)
