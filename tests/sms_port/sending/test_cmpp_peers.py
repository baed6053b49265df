"""Gateway and ledger over CMPP against any peer, and clients of other makes at the sandbox's gateway."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass

import cmppy
import pycmpp
import pytest
from cmppy.request import SubmitReq
from pycmpp import request, response

from config.db.engine import begin
from config.ground import Ground
from sms_port.models import State
from tests.conftest import on_sqlite
from tests.sms_port.cmpp_peers import LONG, Faulty, Peer, run_peer, use_cmpp
from tests.sms_port.messages import News, change_catalogue
from tests.sms_port.sending.whole_run import make_all_kinds, send_all_kinds
from tests.support.servers import wait_until

NEEDED = ("CMPP_PEER", "CMPP_SPID", "CMPP_SECRET", "CMPP_PHONE")
SECRET = "the secret"


@dataclass(frozen=True)
class Place:
    """A gateway's address, and our contract there."""

    address: str
    account: str
    secret: str
    phone: str
    version: str
    service: str = "ONECERT"
    port_number: str = "10699000"
    extension_digits: int = 0
    connections: int = 1
    receipts: bool = True


def send_over(ground: Ground, news: News, place: Place) -> None:
    """Send every kind of message over this gateway; each is reported on, where it reports."""
    host, _, port = place.address.rpartition(":")
    contract = {"account": place.account, "service_id": place.service, "port_number": place.port_number}
    limits = {"extension_digits": place.extension_digits, "connections": place.connections, "connect_s": 10}
    use_cmpp(ground, int(port), version=place.version, **contract, **limits)
    change_catalogue(ground, ("cmpp://127.0.0.1:", f"cmpp://{host}:"))
    with begin(ground.engine) as db:
        ground.secrets.set(db, "cmpp.key", place.secret, ground.clock.now())
    ground.secrets.forget()
    settled = {State.DELIVERED} if place.receipts else {State.ACCEPTED, State.DELIVERED}
    send_all_kinds(ground, news, make_all_kinds(ground, place.phone), frozenset(settled))


@pytest.mark.skipif(not all(name in os.environ for name in NEEDED), reason=f"needs a gateway: set {', '.join(NEEDED)}")
@on_sqlite
def test_all_kinds_go_over_the_peer_that_the_environment_names(ground: Ground, news: News) -> None:
    address, account, secret, phone = (os.environ[name] for name in NEEDED)
    send_over(
        ground,
        news,
        Place(
            address,
            account,
            secret,
            phone,
            os.environ.get("CMPP_VERSION", "3.0"),
            os.environ.get("CMPP_SERVICE", "ONECERT"),
            os.environ.get("CMPP_SRC", "10699000"),
            int(os.environ.get("CMPP_EXTENSION_DIGITS", "0")),
            int(os.environ.get("CMPP_CONNECTIONS", "1")),
            os.environ.get("CMPP_RECEIPTS", "yes") == "yes",
        ),
    )


@pytest.fixture
def listening() -> Iterator[Peer]:
    with run_peer(SECRET, Faulty()) as peer:
        yield peer


@pytest.mark.parametrize("version", ["3.0", "2.0"])
@on_sqlite
def test_all_kinds_go_over_the_sandboxs_gateway(ground: Ground, news: News, listening: Peer, version: str) -> None:
    address = f"127.0.0.1:{listening.gateway.port}"
    send_over(ground, news, Place(address, "900001", SECRET, "13800138000", version, extension_digits=4))
    assert len(listening.parts) == 6


def read_frame(connection: socket.socket, command: int) -> bytes:
    """The next frame of this command; others are passed over."""
    with connection.makefile("rb", buffering=0) as stream:
        while True:
            head = stream.read(4) or b""
            frame = head
            while len(frame) < int.from_bytes(head, "big"):
                frame += stream.read(int.from_bytes(head, "big") - len(frame)) or b""
            if int.from_bytes(frame[4:8], "big") == command:
                return frame


def test_a_client_of_version_2_is_served(listening: Peer) -> None:
    """PyPI's pycmpp: it says version 0x21, and its frames are those of 2.0."""
    client = pycmpp.Cmpp("127.0.0.1", listening.gateway.port, "900001", SECRET, "10699000", delivery=1)
    client.so.settimeout(60)
    client.connect()
    client.auth()
    welcome = response.ConnectResponseInstance()
    welcome.resolve(read_frame(client.so, 0x80000001))
    assert welcome.status == 0
    for text in ("您好", LONG):
        client.submit(text, ["13800138000"])
        answer = response.SubmitResponseInstance()
        answer.resolve(read_frame(client.so, 0x80000004))
        assert answer.status == 0
        assert answer.msg_id
    report = read_frame(client.so, 5)
    assert len(report) == 85 + 71
    client.send(request.ActiveTestRequestInstance().create())
    assert len(read_frame(client.so, 0x80000008)) == 13
    client.terminate()
    read_frame(client.so, 0x80000002)
    client.close()
    wait_until(lambda: len(listening.parts) == 3)
    assert [(part.total, part.number, part.phone) for part in listening.parts] == [
        (1, 1, "13800138000"),
        (2, 1, "13800138000"),
        (2, 2, "13800138000"),
    ]
    assert listening.texts[0] == "您好"
    assert "".join(listening.texts[1:]) == LONG


@pytest.mark.parametrize(("secret", "result"), [(SECRET, 0), ("another", None)])
def test_a_client_of_version_3_is_served(listening: Peer, secret: str, result: int | None) -> None:
    """PyPI's cmppy: one message a connection; it is not let in with another secret."""
    client = cmppy.Cmppy("127.0.0.1", listening.gateway.port, "900001", secret)
    client._so.settimeout(60)
    message = SubmitReq("900001", "您好", src_id="10699000", dest_terminal_id=["13800138000"], service_id="GOV")
    answer = client.request(message)
    assert (answer.result if answer else None) == result
    assert listening.texts == (["您好"] if answer else [])
