"""The port to partners keeps no tables: one database server is enough for its tests."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from flask import Flask

from config.ground import Ground
from config.sandbox import Behaviour
from enterprises.sandbox import make_blueprint
from tests.enterprises.stage import Sandbox, Switchboard
from tests.factories import prepare
from tests.servers import serve


@pytest.fixture
def database_url(sqlite_schema: Path, tmp_path: Path) -> str:
    """A fresh SQLite database with the schema."""
    shutil.copy(sqlite_schema, tmp_path / "onecert.db")
    return f"sqlite:///{tmp_path / 'onecert.db'}"


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    """What the client logs, as a list of lines; nothing of it reaches the terminal."""
    # A logger that was used before keeps the processors of that time.
    monkeypatch.setattr("enterprises.client._log", structlog.stdlib.get_logger("enterprises.client"))
    with structlog.testing.capture_logs() as lines:
        yield lines


@pytest.fixture(scope="module")
def switchboard() -> Iterator[Switchboard]:
    switchboard = Switchboard()
    with serve(switchboard) as switchboard.url:
        yield switchboard


@pytest.fixture
def sandbox(ground: Ground, switchboard: Switchboard) -> Iterator[Sandbox]:
    behaviour, app = Behaviour(), Flask("sandbox")
    app.register_blueprint(make_blueprint(ground, behaviour))
    switchboard.app = app
    prepare(ground, switchboard.url)
    yield Sandbox(ground, behaviour, switchboard.url)
    for partner in ground.catalogues.current().partners:
        behaviour.set(partner.code, "ok")  # whoever is still made to wait goes home
