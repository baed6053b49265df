"""`onecert init`: an empty directory becomes a deployment, once."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import create_engine, make_url, text

from config.commands.doctor import doctor
from config.env_file import read_env_file
from query.commands.init import init


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", {n: v for n, v in os.environ.items() if not n.startswith("ONECERT_")})


@pytest.fixture
def own_database(mariadb_url: str) -> Iterator[str]:
    """An empty database of its own, as a new deployment has it."""
    server = create_engine(mariadb_url)
    with server.connect() as db:
        db.execute(text("CREATE DATABASE begun CHARACTER SET utf8mb4"))
    yield make_url(mariadb_url).set(database="begun").render_as_string(hide_password=False)
    with server.connect() as db:
        db.execute(text("DROP DATABASE begun"))
    server.dispose()


def begin(directory: Path, *words: str, database: str = "", redis: str = "", typed: str = "") -> Result:
    given = ["--directory", str(directory), "--database-url", database, "--redis-url", redis, "--public-url", ""]
    return CliRunner().invoke(init, [*given, *(words or ["--yes"])], input=typed, catch_exceptions=False)


def states(directory: Path) -> dict[str, str]:
    read_env_file(directory, os.environ)
    report = json.loads(CliRunner().invoke(doctor, ["--json"], catch_exceptions=False).stdout)
    return {row["check"]: row["state"] for row in report}


def test_an_empty_directory_becomes_a_deployment_without_a_failure(
    tmp_path: Path, own_database: str, redis_url: str
) -> None:
    done = begin(tmp_path, database=own_database, redis=redis_url)
    assert done.exit_code == 0, done.output
    assert "random secrets" in done.stdout and own_database not in done.output
    for name in (".env", "master.key"):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
    assert "fail" not in states(tmp_path).values()


def test_the_embedded_default_needs_no_answer(tmp_path: Path) -> None:
    assert begin(tmp_path).exit_code == 0
    assert not (tmp_path / "master.key").exists()  # the embedded one is below ./var
    assert "fail" not in states(tmp_path).values()


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("ONECERT_LOG_LEVEL=debug\n")
    done = begin(tmp_path)
    assert done.exit_code == 1 and "is there already" in done.stderr
    assert (tmp_path / ".env").read_text() == "ONECERT_LOG_LEVEL=debug\n"


def test_a_database_that_refuses_leaves_nothing_and_says_why(tmp_path: Path) -> None:
    done = begin(tmp_path, database="mysql+pymysql://nobody:wrong@127.0.0.1:1/onecert", redis="redis://127.0.0.1:1")
    assert done.exit_code == 1 and "the database server cannot be reached" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    assert begin(tmp_path, "--dry-run").stdout == f"would set up OneCert in {tmp_path}\n"
    assert list(tmp_path.iterdir()) == []
