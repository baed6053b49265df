"""The port to partners keeps no tables: one database server is enough for its tests."""

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import structlog
from flask import Flask

from config.catalogue.schema import Partner
from config.ground import Ground
from config.sandbox.behaviour import Behaviour
from enterprises.sandbox.partners import make_blueprint
from tests.enterprises.server import Sandbox, Server, Switchboard, no_items, patient
from tests.support.factories import prepare
from tests.support.servers import serve


@pytest.fixture
def database_url(sqlite_schema: Path, tmp_path: Path) -> str:
    """A fresh SQLite database with the schema."""
    shutil.copy(sqlite_schema, tmp_path / "onecert.db")
    return f"sqlite:///{tmp_path / 'onecert.db'}"


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    """Capture the client's log as a list of lines; none of it reaches the terminal."""
    # A logger that was used before keeps the processors of that time.
    monkeypatch.setattr("enterprises.client._log", structlog.stdlib.get_logger("enterprises.client"))
    with structlog.testing.capture_logs() as lines:
        yield cast("list[dict[str, Any]]", lines)


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
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer):
            thread.cancel()  # a callback that is due later would log into the output of another test


@pytest.fixture(scope="module")
def shared_server() -> Iterator[Server]:
    server = Server()
    with serve(server.answer) as server.url:
        yield server


@pytest.fixture
def server(shared_server: Server) -> Server:
    shared_server.reply, shared_server.requests = no_items, []
    return shared_server


@pytest.fixture
def tencent(ground: Ground, server: Server) -> Partner:
    partner = ground.catalogues.current().partner("tencent")
    assert partner
    return patient(partner).model_copy(update={"base_url": server.url})
