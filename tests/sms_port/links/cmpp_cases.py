"""Cases that hold against any CMPP gateway: the sandbox's in every run, and the one that CMPP_PEER names."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from config.db.engine import begin
from config.ground import Ground
from sms_port.links.cmpp.link import CmppLink
from sms_port.links.link import Accepted, Dispatch, SendResult
from sms_port.message_reference import build_reference, extension_of, parse_reference
from sms_port.models import Lane, ReceiptStatus
from sms_port.segments import compose_parts
from tests.sms_port.cmpp_peers import RecordedEvents, open_link, use_cmpp
from tests.support.factories import LAUNCH_DAY
from tests.support.servers import wait_until

ANSWER_S, REPORT_S = 70, 90
MANY = 20
LONG = "长" * 130 + "😀" * 10


@dataclass(frozen=True)
class Gateway:
    """Address, account and limits of a gateway; without a phone nothing is sent."""

    place: str
    account: str
    secret: str
    version: str = "3.0"
    phone: str = ""
    service: str = "ONECERT"
    port_number: str = "10699000"
    extension_digits: int = 0
    connections: int = 1


MakeLink = Callable[..., CmppLink]


class Cases:
    """The cases; a subclass has a fixture `gateway`."""

    @pytest.fixture
    def make_link(self, ground: Ground, gateway: Gateway, recorded: RecordedEvents) -> Iterator[MakeLink]:
        """Opens a link with changes to its entry; closed at the end."""
        options = {"url": f"cmpp://{gateway.place}", "account": gateway.account, "port_number": gateway.port_number}
        entry = use_cmpp(ground, 1, version=gateway.version, read_s=60, total_s=75, connect_s=10)
        entry = entry.model_copy(update=options | {"service_id": gateway.service})
        with ExitStack() as links:

            def make(
                *, secret: str = gateway.secret, successor: str = "", ready: bool = True, **changes: object
            ) -> CmppLink:
                with begin(ground.engine) as db:
                    ground.secrets.set(db, "cmpp.key", secret, ground.clock.now())
                    if successor:
                        ground.secrets.set(db, "cmpp.key.next", successor, ground.clock.now())
                ground.secrets.forget()
                link = open_link(ground, entry.model_copy(update=changes), recorded, ready=ready)
                return links.enter_context(link)

            yield make

    @pytest.fixture
    def phone(self, gateway: Gateway) -> str:
        return gateway.phone or pytest.skip("needs a number to send to: set CMPP_PHONE")

    def test_it_lets_us_in_and_takes_our_goodbye(self, make_link: MakeLink) -> None:
        link = make_link()
        assert link.status == "up"
        link.close()
        assert link.status == "left"

    def test_it_lets_nobody_in_who_does_not_know_the_secret(self, make_link: MakeLink) -> None:
        link = make_link(secret="not the secret", ready=False)
        wait_until(lambda: link.status != "starting")
        assert link.status.startswith("refused_") or link.status == "dropped"
        assert link.room(Lane.REPLY) == 0

    @pytest.mark.parametrize("first", ["not the secret", "gateway's"])
    def test_the_secret_and_its_successor_are_tried_in_turn(
        self, make_link: MakeLink, gateway: Gateway, first: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("sms_port.links.session.connections.RECONNECT_S", (0.1, 60.0))
        both = ["not the secret", gateway.secret]
        secret, successor = both if first in both else reversed(both)
        assert make_link(secret=secret, successor=successor).status == "up"

    def test_it_answers_active_tests_of_an_idle_connection(self, make_link: MakeLink) -> None:
        link = make_link(idle_s=0.5, read_s=0.8)
        time.sleep(3.2)  # longer than three tests without an answer would be borne
        assert link.status == "up"

    @pytest.mark.parametrize("text", ["您好", LONG], ids=["one part", "three parts"])
    def test_it_takes_a_message_names_its_parts_and_reports_on_each(
        self, make_link: MakeLink, recorded: RecordedEvents, gateway: Gateway, phone: str, text: str
    ) -> None:
        dispatch = make_dispatch(gateway, phone, text)
        (result,) = settle(make_link(), recorded, dispatch)
        assert isinstance(result, Accepted)
        assert len(set(result.ids)) == len(dispatch.parts) == (1 if text == "您好" else 3)
        wait_until(lambda: {one.reference for one in recorded.receipts} >= set(result.ids), REPORT_S)
        assert {one.status for one in recorded.receipts} <= set(ReceiptStatus)
        assert {one.clues.phone for one in recorded.receipts if one.clues} == {phone}

    def test_it_takes_more_than_a_window_holds(
        self, make_link: MakeLink, recorded: RecordedEvents, gateway: Gateway, phone: str
    ) -> None:
        results = settle(make_link(), recorded, *(make_dispatch(gateway, phone, str(number)) for number in range(MANY)))
        names = [name for result in results if isinstance(result, Accepted) for name in result.ids]
        assert len(set(names)) == MANY

    def test_its_reports_bring_back_the_extension_digits(
        self, make_link: MakeLink, recorded: RecordedEvents, gateway: Gateway, phone: str
    ) -> None:
        if not gateway.extension_digits:
            pytest.skip("needs the right to extension digits: set CMPP_EXTENSION_DIGITS")
        dispatch = make_dispatch(gateway, phone, "您好")
        (result,) = settle(make_link(extension_digits=gateway.extension_digits), recorded, dispatch)
        assert isinstance(result, Accepted)
        wait_until(lambda: result.ids[0] in {one.reference for one in recorded.receipts}, REPORT_S)
        message_id, _ = parse_reference(dispatch.reference) or (b"", 0)
        traces = [
            one.clues for one in recorded.receipts if one.reference == result.ids[0]
        ]  # others may come from before
        assert {trace.extension for trace in traces if trace} == {extension_of(message_id, gateway.extension_digits)}

    def test_it_lets_in_as_many_connections_as_the_contract_says(
        self, make_link: MakeLink, recorded: RecordedEvents, gateway: Gateway, phone: str
    ) -> None:
        if gateway.connections == 1:
            pytest.skip("needs the right to several connections: set CMPP_CONNECTIONS")
        link = make_link(connections=gateway.connections)
        wait_until(lambda: link.status == "up")
        results = settle(link, recorded, *(make_dispatch(gateway, phone, str(number)) for number in range(MANY)))
        assert {type(result) for result in results} == {Accepted}


def make_dispatch(gateway: Gateway, phone: str, text: str) -> Dispatch:
    reference = build_reference(secrets.token_bytes(16), 1)
    parts = compose_parts(text, "【一证通查】", "ours")
    return Dispatch(reference, gateway.port_number, phone, parts, LAUNCH_DAY, Lane.REPLY)


def settle(link: CmppLink, recorded: RecordedEvents, *batch: Dispatch) -> list[SendResult]:
    """Send, and wait for what was not answered at once."""
    results = dict(link.send(batch))
    names = [dispatch.reference for dispatch in batch]
    wait_until(lambda: set(names) <= set(results | recorded.late), ANSWER_S)
    return [(results | recorded.late)[name] for name in names]
