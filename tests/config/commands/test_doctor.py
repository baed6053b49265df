"""`onecert doctor`: every line says what is well, or what to do."""

from __future__ import annotations

import json
import os
import socket
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from config.bootstrap import bootstrap
from config.commands.doctor import LIBRARIES, _clock, doctor
from config.commands.storage import GB, STORAGE
from config.db.causes import explain
from config.db.engine import PRAGMAS
from config.ground import make_ground
from config.processes.heartbeats import Heartbeat
from config.settings import DATABASE_FILE, load_settings
from config.telemetry.recent_counts import CLIENT_ADDRESS_UNREADABLE, PUSH_UNREADABLE, count_event
from config.times.clock import FixedClock
from enterprises.circuit_breaker import all_health
from query.schema import upgrade
from tests.conftest import on_sqlite

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
    assert warned - {"backup", "disk"} == {"public address", "catalogue", "processes"}
    assert ("backup" in warned) == environment["ONECERT_DATABASE_URL"].startswith("mysql")
    assert "does not cover" in report["catalogue"][1]
    checks = {
        "database",
        "proxies",
        "pushes",
        "schema",
        "write",
        "disk",
        "binary log",
        "backup",
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


def test_a_database_that_is_away_is_not_taken_for_a_clock_that_is_right(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]
) -> None:
    """Output 2: `clock ok this host and the database are 0 ms apart` while the database was down."""
    away = environment | {"ONECERT_DATABASE_URL": "mysql+pymysql://a:b@127.0.0.1:1/onecert"}
    status, report = examine(monkeypatch, away)
    assert status == 1
    assert report["database"] == ("fail", explain(2003, "Connection refused"))
    assert report["clock"] == ("warn", "cannot be told while database is not ok")


def test_a_redis_that_hangs_is_waited_for_once(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], engine: object
) -> None:
    """Output 11: doctor was silent for 16 s, `partner list` for 1 min 40 s."""
    set_up(environment)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        hung = environment | {
            "ONECERT_REDIS_URL": f"redis://127.0.0.1:{silent.getsockname()[1]}",
            "ONECERT_TRUSTED_PROXIES": "1",
        }
        _, report = examine(monkeypatch, hung)
        assert report["redis"][0] == "fail"
        assert {report[name] for name in ("proxies", "pushes")} == {("warn", "cannot be told while redis is not ok")}
        ground = make_ground(load_settings(hung))
        partners = ground.catalogues.current().partners
        accepted = count_connections(silent)
        assert {one.breaker for one in all_health(ground, partners).values()} == {"unknown"}
        assert count_connections(silent) - accepted <= 2  # one round trip for all twelve, tried twice
        ground.engine.dispose()


def count_connections(listener: socket.socket) -> int:
    """Take what has connected so far and return how many those were."""
    listener.setblocking(False)
    taken = 0
    try:
        while True:
            listener.accept()[0].close()
            taken += 1
    except BlockingIOError:
        return taken


def test_another_address_than_the_running_one_is_told(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], engine: object
) -> None:
    """Output 9: doctor told the settings of its own shell, not of what runs."""
    set_up(environment)
    ground = make_ground(load_settings(environment | {"ONECERT_PUBLIC_URL": "https://onecert.example"}))
    beat = Heartbeat(ground, "web")
    beat.write()
    _, report = examine(monkeypatch, environment)
    assert report["public address"][0] == "warn"
    assert "here it is http://127.0.0.1:8000, but web processes that run have https://onecert.example" in str(report)
    beat.forget()
    ground.engine.dispose()


@on_sqlite
def test_a_database_that_cannot_be_written_fails(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], engine: object
) -> None:
    """Output 4: with nothing to be written, everything was ok."""
    set_up(environment)
    monkeypatch.setattr("config.db.engine.PRAGMAS", (*PRAGMAS, "query_only=ON"))
    status, report = examine(monkeypatch, environment)
    assert status == 1
    assert report["write"] == ("fail", "the database file is read-only for this user; check its owner and mode")


@pytest.mark.parametrize(("free", "state"), [(60, "ok"), (6, "warn"), (0.1, "fail")])
def test_a_disk_that_is_nearly_full_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, free: float, state: str
) -> None:
    room = SimpleNamespace(total=100 * GB, free=int(free * GB))
    monkeypatch.setattr("config.commands.storage.shutil.disk_usage", lambda _: room)
    finding = STORAGE["disk"](SimpleNamespace(settings=SimpleNamespace(data=tmp_path)))  # type: ignore[arg-type]
    assert finding.state == state
    assert f"{free:.1f} GB of 100.0 are free" in finding.what


@pytest.mark.parametrize(("hours", "state"), [(1, "ok"), (30, "warn"), (None, "fail")])
def test_the_age_of_the_newest_backup_is_told(
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    engine: object,
    tmp_path: Path,
    hours: int | None,
    state: str,
) -> None:
    set_up(environment)
    backups = tmp_path / "backups"
    backups.mkdir()
    if hours is not None:
        (backups / "onecert.sql.zst").touch()
        then = time.time() - hours * 3600
        os.utime(backups / "onecert.sql.zst", (then, then))
    _, report = examine(monkeypatch, environment | {"ONECERT_BACKUPS": str(backups)})
    assert report["backup"][0] == state
    assert (f"is {hours} hours old" if hours else "there is none") in report["backup"][1]
