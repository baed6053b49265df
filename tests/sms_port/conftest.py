"""A sandbox gateway on loopback, one that speaks CMPP, and what the messages' owner hears."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from config.ground import Ground
from sms_port.sending.gateway import Gateway
from tests.sms_port.cmpp_peers import Faulty, Peer, run_peer, use_cmpp
from tests.sms_port.messages import News, Sandbox, run_sandbox


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gateway that answers is waited for, however busy the machine is; a test of one that does not says so itself."""
    monkeypatch.setattr("sms_port.links.session.link.STRAGGLERS_S", 90.0)
    monkeypatch.setattr("sms_port.sending.gateway.READY_S", 90.0)


@pytest.fixture
def news() -> News:
    return News()


@pytest.fixture
def sandbox(ground: Ground) -> Iterator[Sandbox]:
    with run_sandbox(ground) as sandbox:
        yield sandbox


@pytest.fixture
def read_s() -> float:
    return 60


@pytest.fixture
def peer(ground: Ground, read_s: float) -> Iterator[Peer]:
    with run_peer(ground.secrets.get("cmpp.key"), Faulty(report_after_s=0.0)) as peer:
        use_cmpp(ground, peer.gateway.port, read_s=read_s)
        yield peer


@pytest.fixture
def gateway(ground: Ground, news: News, peer: Peer) -> Iterator[Gateway]:
    gateway = Gateway(ground, news)
    gateway.pool.wait_ready(90)
    yield gateway
    gateway.pool.close()
