"""A CMPP gateway, a link to it, and events; for every link: one database server, since a link keeps no tables."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from config.ground import Ground
from sms_port.links.cmpp.link import CmppLink
from tests.sms_port.cmpp_peers import Peer, RecordedEvents, open_link, run_peer, use_cmpp
from tests.support.servers import wait_until


@pytest.fixture
def database_url(sqlite_schema: Path, tmp_path: Path) -> str:
    shutil.copy(sqlite_schema, tmp_path / "onecert.db")
    return f"sqlite:///{tmp_path / 'onecert.db'}"


@pytest.fixture
def recorded() -> RecordedEvents:
    return RecordedEvents()


@pytest.fixture
def peer(ground: Ground) -> Iterator[Peer]:
    with run_peer(ground.secrets.get("cmpp.key")) as peer:
        yield peer


@pytest.fixture
def hasty(patience: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Return what is not answered at once is heard of later."""
    monkeypatch.setattr("sms_port.links.session.link.STRAGGLERS_S", 0.1)


@pytest.fixture
def options() -> Mapping[str, object]:
    """Return what the link's entry says otherwise; for a file to override."""
    return {}


@pytest.fixture
def link(
    ground: Ground, peer: Peer, recorded: RecordedEvents, options: Mapping[str, object], monkeypatch: pytest.MonkeyPatch
) -> Iterator[CmppLink]:
    """A link on which all is well, and which soon comes back when it was not."""
    monkeypatch.setattr("sms_port.links.session.connections.RECONNECT_S", (0.1, 60.0))
    with open_link(ground, use_cmpp(ground, peer.gateway.port, **options), recorded) as link:
        wait_until(lambda: link.status == "up")
        yield link
