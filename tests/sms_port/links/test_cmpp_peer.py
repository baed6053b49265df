"""The cases of `cmpp_cases` against the gateway that CMPP_PEER names, and against the sandbox's in every run."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.sms_port.cmpp_peers import run_peer
from tests.sms_port.links.cmpp_cases import Cases, Gateway

NAMES = ("CMPP_PEER", "CMPP_SPID", "CMPP_SECRET")


@pytest.mark.skipif(not all(name in os.environ for name in NAMES), reason=f"needs a gateway: set {', '.join(NAMES)}")
class TestPeer(Cases):
    """A carrier's test gateway, say."""

    @pytest.fixture
    def gateway(self) -> Gateway:
        place, account, secret = (os.environ[name] for name in NAMES)
        return Gateway(
            place,
            account,
            secret,
            version=os.environ.get("CMPP_VERSION", "3.0"),
            phone=os.environ.get("CMPP_PHONE", ""),
            service=os.environ.get("CMPP_SERVICE", "ONECERT"),
            port_number=os.environ.get("CMPP_SRC", "10699000"),
            extension_digits=int(os.environ.get("CMPP_EXTENSION_DIGITS", "0")),
            connections=int(os.environ.get("CMPP_CONNECTIONS", "1")),
        )


class TestSandbox(Cases):
    """The sandbox's gateway, of another make than the link, in both versions."""

    @pytest.fixture(params=["3.0", "2.0"])
    def gateway(self, request: pytest.FixtureRequest) -> Iterator[Gateway]:
        with run_peer("the secret") as peer:
            place = f"127.0.0.1:{peer.gateway.port}"
            yield Gateway(place, "900001", "the secret", request.param, "13800138000", "GOV", "10699000", 4, 3)
