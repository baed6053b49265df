"""The whole gateway and ledger against SMPP servers of other makes, and against the one that SMPP_PEER names."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

from config.catalogue.links import Link as LinkEntry
from config.ground import Ground
from sms_port.ledger.inbound import opt_outs
from sms_port.models import Lane, State
from sms_port.sending.gateway import Gateway
from tests.conftest import need
from tests.sms_port.messages import News, change_catalogue, make_reply, owe_all, state_of
from tests.sms_port.smpp_peers import use_smpp
from tests.support.servers import wait_until

PEERS = Path(__file__).parents[1] / "peers"
COMMANDS = {
    "net-smpp": ["perl", str(PEERS / "net_smpp.pl")],
    "smpp34": [sys.executable, str(PEERS / "smpp34_server.py")],
}


@dataclass
class Place:
    """A server that listens on a port, as `use_smpp` asks for it."""

    port: int

    def told(self, event: str) -> list[dict[str, int]]:
        return [{"port": self.port}]


@contextlib.contextmanager
def serve(name: str) -> Iterator[Place]:
    with subprocess.Popen(COMMANDS[name], stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout
            yield Place(int(child.stdout.readline()))
        finally:
            child.kill()


def needed(name: str) -> None:
    """Skip without the peer; fail where all parts must be there."""
    if name == "net-smpp":
        need("perl")
        there = subprocess.run(["perl", "-MNet::SMPP", "-e", "1"], capture_output=True, check=False).returncode == 0
    else:
        there = find_spec("smpp34") is not None
    if not there:
        missing = f"{name} is not installed: apt-get install libnet-smpp-perl, or make test"
        pytest.fail(missing) if os.environ.get("CI") == "true" else pytest.skip(missing)


def only_abroad(ground: Ground) -> None:
    change_catalogue(ground, ('enabled = true\nurl = "{sandbox}/sms"', 'enabled = false\nurl = "{sandbox}/sms"'))


def deliver_all(ground: Ground, news: News, count: int) -> None:
    """Send replies to different numbers; each is delivered, once."""
    replies = [make_reply(f"1380013{n:04}") for n in range(count)]
    gateway = Gateway(ground, news)
    try:
        owe_all(ground, *replies)
        assert gateway.pool.capacity(Lane.REPLY) is not None
        gateway.pool.wait_ready(60)
        while gateway.send(Lane.REPLY):
            pass
        wait_until(lambda: {state_of(ground, reply) for reply in replies} == {State.DELIVERED})
        wait_until(lambda: opt_outs(ground))
    finally:
        gateway.pool.close()
    ours = {reply.id for reply in replies}
    assert sorted(one.message_id for one in news.told if one.message_id in ours) == sorted(ours)
    assert [row["phone"] for row in opt_outs(ground)] == ["139****9000"]


@pytest.mark.parametrize("name", list(COMMANDS))
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_replies_are_delivered_and_a_citizen_is_heard(ground: Ground, news: News, name: str) -> None:
    needed(name)
    with serve(name) as place:
        use_smpp(ground, place)  # type: ignore[arg-type]
        only_abroad(ground)
        deliver_all(ground, news, 12)


@pytest.mark.skipif(
    "SMPP_PEER" not in os.environ, reason="needs a gateway: set SMPP_PEER=host:port, SMPP_SYSTEM_ID, ..."
)
def test_a_reply_goes_over_the_peer_that_the_environment_names(
    ground: Ground, news: News, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, _, port = os.environ["SMPP_PEER"].rpartition(":")
    entry: LinkEntry = use_smpp(ground, Place(int(port)), secret=os.environ["SMPP_SECRET"])  # type: ignore[arg-type]
    account = os.environ.get("SMPP_SYSTEM_ID", "onecert")
    change_catalogue(
        ground, ("smpp://127.0.0.1:", f"smpp://{host}:"), ('account = "onecert"', f'account = "{account}"')
    )
    only_abroad(ground)
    reply = make_reply(os.environ.get("SMPP_PHONE", "13800138000"))
    gateway = Gateway(ground, news)
    owe_all(ground, reply)
    assert gateway.pool.capacity(Lane.REPLY) is not None
    gateway.pool.wait_ready(60)
    gateway.send(Lane.REPLY)
    wait_until(lambda: state_of(ground, reply) in (State.DELIVERED, State.ACCEPTED))
    gateway.pool.close()
    assert entry.driver == "smpp"
