"""`onecert doctor`: every line says what is well, or what to do."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from config.bootstrap import bootstrap
from config.commands.doctor import LIBRARIES, _clock, doctor
from config.ground import make_ground
from config.settings import DATABASE_FILE, load_settings
from config.telemetry.recent_counts import CLIENT_ADDRESS_UNREADABLE, PUSH_UNREADABLE, count_event
from config.times.clock import FixedClock
from query.schema import upgrade

MASTER_KEY = "MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY="


@pytest.fixture
def environment(database_url: str, redis_url: str, tmp_path: Path) -> dict[str, str]:
    environment = {
        "ONECERT_DATABASE_URL": database_url,
        "ONECERT_REDIS_URL": redis_url,
        "ONECERT_DATA": str(tmp_path),
        "ONECERT_MASTER_KEY": MASTER_KEY,
    }
    return environment


def set_up(environment: dict[str, str]) -> None:
    ground = make_ground(load_settings(environment))
    bootstrap(ground, upgrade, None)
    ground.engine.dispose()


def examine(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> tuple[int, dict[str, tuple[str, str]]]:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    done = CliRunner().invoke(doctor, ["--json"], catch_exceptions=False)
    return done.exit_code, {row["check"]: (row["state"], row["what"]) for row in json.loads(done.stdout)}


def test_a_sound_deployment_has_no_failure(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], engine: object
) -> None:
    set_up(environment)
    status, report = examine(monkeypatch, environment)
    assert status == 0, report
    warned = {name for name, (state, _) in report.items() if state == "warn"}
    assert warned == {"public address", "catalogue", "processes"}
    assert "does not cover" in report["catalogue"][1]
    checks = {
        "database",
        "proxies",
        "pushes",
        "schema",
        "redis",
        "keys",
        "catalogue",
        "links",
        "secrets",
        "clock",
        "public address",
    }
    assert checks < set(report)


def test_settings_are_listed_and_secret_ones_masked(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], engine: object
) -> None:
    _, report = examine(monkeypatch, environment)
    assert report["ONECERT_MASTER_KEY"][1] == "set"
    assert report["ONECERT_BIND"][1] == "not set: 127.0.0.1:8000 (host:port of the web process)"
    assert MASTER_KEY not in json.dumps(report)
    assert environment["ONECERT_DATABASE_URL"] not in json.dumps(report)


def test_a_database_that_was_never_set_up_fails_and_says_what_to_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / DATABASE_FILE).touch()
    status, report = examine(monkeypatch, {"ONECERT_DATA": str(tmp_path)})
    assert status == 1
    assert report["schema"][0] == "fail"
    assert "onecert db upgrade" in report["schema"][1]
    assert report["keys"][0] == "fail"
    assert report["redis"] == ("warn", "the private Redis does not run; `onecert up` starts it")


def test_a_directory_without_a_database_ends_the_report_and_nothing_is_made_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    status, report = examine(monkeypatch, {"ONECERT_DATA": str(tmp_path / "elsewhere")})
    assert status == 1 and report["settings"][0] == "fail"
    assert "there is no database in" in report["settings"][1]
    assert not list(tmp_path.iterdir())


def test_another_master_key_fails(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], engine: object) -> None:
    set_up(environment)
    other = {"ONECERT_MASTER_KEY": "eHh5enowMTIzNDU2Nzg5YWJjZGVmZ2hpamtsbW5vcHE="}
    status, report = examine(monkeypatch, environment | other)
    assert status == 1
    assert "not the master key" in report["keys"][1]


def test_a_redis_that_is_away_fails(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], engine: object
) -> None:
    set_up(environment)
    status, report = examine(monkeypatch, environment | {"ONECERT_REDIS_URL": "redis://127.0.0.1:1"})
    assert status == 1
    assert "check ONECERT_REDIS_URL" in report["redis"][1]


def test_a_public_address_in_clear_fails_and_the_sandbox_behind_it_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], engine: object
) -> None:
    set_up(environment)
    status, report = examine(monkeypatch, environment | {"ONECERT_PUBLIC_URL": "http://onecert.example"})
    assert status == 1
    assert report["public address"][0] == "fail"
    assert "sandbox" in report["catalogue"][1]


def test_a_setting_that_is_wrong_ends_the_report_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], engine: object
) -> None:
    status, report = examine(monkeypatch, environment | {"ONECERT_BIND": "everywhere"})
    assert status == 1
    assert report["settings"][1].startswith("ONECERT_BIND: must be host:port")


@pytest.mark.parametrize(("told", "state"), [(1_000, "ok"), (9_000, "ok"), (11_001, "warn"), (-1_001, "warn")])
def test_a_database_that_is_slow_to_answer_is_not_taken_for_a_clock_that_is_off(
    monkeypatch: pytest.MonkeyPatch, told: int, state: str
) -> None:
    ours = iter([1_000, 9_000])
    monkeypatch.setattr("config.commands.doctor.SystemClock.now", lambda _: next(ours))
    assert _clock(SimpleNamespace(clock=FixedClock(told))).state == state  # type: ignore[arg-type]


def test_an_enabled_link_whose_library_is_missing_fails_and_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], engine: object
) -> None:
    set_up(environment)
    monkeypatch.setitem(LIBRARIES, "http", "no_such_library")
    status, report = examine(monkeypatch, environment)
    assert status == 1
    assert report["links"] == ("fail", "links[main]: pip install 'onecert[http]', or nothing goes over it")


def test_what_proxies_and_accounts_sent_that_could_not_be_read_is_told(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], engine: object
) -> None:
    set_up(environment)
    behind = environment | {"ONECERT_TRUSTED_PROXIES": "1"}
    ground = make_ground(load_settings(behind))
    ground.redis.flushall()
    _, before = examine(monkeypatch, behind)
    for name in (CLIENT_ADDRESS_UNREADABLE, PUSH_UNREADABLE, PUSH_UNREADABLE):
        count_event(ground.redis, name, ground.clock.now())
    ground.engine.dispose()
    _, after = examine(monkeypatch, behind)
    assert before["proxies"][0] == before["pushes"][0] == "ok"
    assert after["proxies"][0] == after["pushes"][0] == "warn"
    assert after["proxies"][1].startswith("1 requests") and after["pushes"][1].startswith("2 signed pushes")
