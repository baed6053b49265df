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

from config.ground import Ground
from sms_port.ledger.inbound import opt_outs
from sms_port.models import State
from tests.conftest import need
from tests.sms_port.messages import News, change_catalogue, make_code, make_reply
from tests.sms_port.sending.whole_run import make_all_kinds, only_this_link, send_all_kinds
from tests.sms_port.smpp_peers import use_smpp

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


@pytest.mark.parametrize("name", list(COMMANDS))
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_replies_are_delivered_and_a_citizen_is_heard(ground: Ground, news: News, name: str) -> None:
    needed(name)
    with serve(name) as place:
        use_smpp(ground, place)  # type: ignore[arg-type]
        only_this_link(ground)
        replies = [make_reply(f"1380013{n:04}") for n in range(12)]
        send_all_kinds(ground, news, [make_code(ground), *replies], until=lambda: opt_outs(ground))
    assert [row["phone"] for row in opt_outs(ground)] == ["139****9000"]


@pytest.mark.skipif(
    "SMPP_PEER" not in os.environ, reason="needs a gateway: set SMPP_PEER=host:port, SMPP_SYSTEM_ID, ..."
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_all_kinds_go_over_the_peer_that_the_environment_names(ground: Ground, news: News) -> None:
    host, _, port = os.environ["SMPP_PEER"].rpartition(":")
    use_smpp(ground, Place(int(port)), secret=os.environ["SMPP_SECRET"])  # type: ignore[arg-type]
    account = os.environ.get("SMPP_SYSTEM_ID", "onecert")
    source = os.environ.get("SMPP_SOURCE", "10699000")
    change_catalogue(
        ground,
        ("smpp://127.0.0.1:", f"smpp://{host}:"),
        ('account = "onecert"\nport_number = "10699000"', f'account = "{account}"\nport_number = "{source}"'),
    )
    only_this_link(ground)
    settled = {State.DELIVERED} if os.environ.get("SMPP_RECEIPTS", "yes") == "yes" else {State.ACCEPTED}
    phone = os.environ.get("SMPP_PHONE", "13800138000")
    send_all_kinds(ground, news, make_all_kinds(ground, phone), frozenset(settled | {State.DELIVERED}))
