"""A new deployment gets keys, catalogue and secrets, and a second start changes nothing."""

from __future__ import annotations

import base64
import re
import threading

import pytest
from sqlalchemy import Engine

from config import audit
from config.bootstrap import bootstrap, make_secret, missing_secrets
from config.catalogue.document import default_document, required_secrets
from config.db.engine import begin, reading
from config.ground import Ground, make_ground
from config.settings import Settings
from config.times.clock import FixedClock
from query.schema import upgrade


def state_of(ground: Ground) -> tuple[int, list[tuple[str, int]], int]:
    return len(ground.catalogues.history()), ground.secrets.listing(), len(ground.keys.listing())


def test_a_new_deployment_has_a_key_a_catalogue_and_every_secret(ground: Ground) -> None:
    assert len(ground.keys.listing()) == 1
    assert ground.catalogues.document() == default_document()
    with reading(ground.engine) as db:
        assert missing_secrets(ground, db, of_disabled=True) == []
        assert [entry.action for entry in audit.listing(db)] == ["bootstrap"]
    for name in required_secrets(ground.catalogues.current()):
        assert len(ground.secrets.get(name)) >= (24 if name.endswith(".content_key") else 32)


def test_a_second_start_changes_nothing(ground: Ground) -> None:
    before = state_of(ground)
    bootstrap(ground, upgrade, None)
    assert state_of(ground) == before


def test_the_sandbox_is_where_it_was_started(ground: Ground) -> None:
    bootstrap(ground, upgrade, "http://127.0.0.1:9001")
    assert ground.catalogues.current().links[0].url == "http://127.0.0.1:9001/sms"
    assert ground.catalogues.current().version == 2
    bootstrap(ground, upgrade, "http://127.0.0.1:9001")
    assert ground.catalogues.current().version == 2


def test_a_catalogue_without_sandbox_is_left_alone(ground: Ground) -> None:
    real = default_document().replace('sandbox = "http://127.0.0.1:8001"', "").replace("{sandbox}", "https://p.example")
    with begin(ground.engine) as db:
        ground.catalogues.apply(db, real, "", "ann", ground.clock.now())
    bootstrap(ground, upgrade, "http://127.0.0.1:9001")
    assert ground.catalogues.document() == real


def test_a_secret_that_an_administrator_set_is_kept(ground: Ground) -> None:
    with begin(ground.engine) as db:
        ground.secrets.set(db, "tencent.key", "k" * 32, ground.clock.now())
    bootstrap(ground, upgrade, None)
    assert ground.secrets.get("tencent.key") == "k" * 32


def test_a_partner_added_later_gets_its_secret_at_the_next_start(ground: Ground) -> None:
    start = default_document().index('[[partners]]\ncode = "jd"')
    end = default_document().index("[[partners]]", start + 1)
    added = default_document()[start:end].replace('"jd"', '"weibo"').replace("onecert-jd", "onecert-weibo")
    with begin(ground.engine) as db:
        ground.catalogues.apply(db, default_document()[:end] + added + default_document()[end:], "", "ann", 1)
        assert missing_secrets(ground, db) == ["weibo.key"]
    bootstrap(ground, upgrade, None)
    assert ground.secrets.get("weibo.key")


def test_a_link_that_is_switched_off_lacks_no_secret(ground: Ground) -> None:
    with begin(ground.engine) as db:
        ground.secrets.remove(db, "cmpp.key")
        ground.secrets.remove(db, "main.key")
        assert missing_secrets(ground, db) == ["main.key"]
        assert missing_secrets(ground, db, of_disabled=True) == ["main.key", "cmpp.key"]


def test_four_processes_that_start_at_once_make_everything_once(
    settings: Settings, engine: Engine, clock: FixedClock
) -> None:
    grounds = [make_ground(settings, clock) for _ in range(4)]
    faults: list[BaseException] = []

    def start(one: Ground) -> None:
        try:
            bootstrap(one, upgrade, None)
        except BaseException as fault:  # noqa: B036 - told by the test's own thread
            faults.append(fault)

    threads = [threading.Thread(target=start, args=(one,)) for one in grounds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert [len(one.catalogues.history()) for one in grounds] == [1] * 4
    assert {len(one.keys.listing()) for one in grounds} == {1}
    assert len({one.secrets.get("tencent.key") for one in grounds}) == 1
    for one in grounds:
        one.engine.dispose()


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("gxwbwx.token", r"[0-9a-f]{32}"),
        ("gxwbwx.app_secret", r"[0-9a-f]{32}"),
        ("gxwbwx.aes_key", r"[A-Za-z0-9]{43}"),
        ("tencent.key", r"[A-Za-z0-9_-]{43}"),
    ],
)
def test_a_random_secret_has_the_form_of_its_kind(name: str, form: str) -> None:
    assert re.fullmatch(form, make_secret(name))
    assert make_secret(name) != make_secret(name)


def test_an_aes_key_is_exactly_32_bytes_of_base64() -> None:
    for _ in range(50):
        key = make_secret("gxwbwx.aes_key") + "="
        assert base64.b64encode(base64.b64decode(key, validate=True)).decode() == key
