"""The SMPP link against npm's server, over loopback: the four results, receipts, citizens' texts, a line's faults."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from config.db.engine import begin
from config.ground import Ground
from sms_port.links.link import Accepted, Dispatch, NotSent, Rejected, Unknown
from sms_port.links.rate_limit import RateLimiter
from sms_port.links.smpp.link import SmppLink
from sms_port.message_reference import build_reference
from sms_port.models import Lane, ReceiptStatus, State
from sms_port.segments import compose_parts
from sms_port.sending.gateway import Gateway
from tests.conftest import need
from tests.sms_port.cmpp_peers import RecordedEvents
from tests.sms_port.messages import change_catalogue, make_reply, owe_all, state_of
from tests.sms_port.smpp_peers import SERVER, SmppServer, run_smpp_server, use_smpp
from tests.support.factories import LAUNCH_DAY
from tests.support.servers import wait_until

PHONE = "13800138000"


@pytest.fixture
def server() -> Iterator[SmppServer]:
    need("node")
    if not (SERVER / "node_modules/smpp").exists():
        missing = f"npm's smpp is not installed: npm ci --prefix {SERVER.relative_to(Path.cwd())}"
        pytest.fail(missing) if os.environ.get("CI") == "true" else pytest.skip(missing)
    with run_smpp_server() as server:
        yield server


@pytest.fixture
def make_link(ground: Ground, server: SmppServer, recorded: RecordedEvents) -> Iterator[object]:
    links: list[SmppLink] = []

    def make(*, ready: bool = True, **more: Any) -> SmppLink:
        entry = use_smpp(ground, server, **more)
        links.append(SmppLink(ground, entry, RateLimiter(entry.parts_per_second), recorded))
        assert not ready or links[-1].wait_ready(90)
        return links[-1]

    yield make
    for link in links:
        link.close()


@pytest.fixture
def link(make_link: Any) -> SmppLink:
    return make_link()


def make_dispatch(text: str = "您好", lane: Lane = Lane.REPLY) -> Dispatch:
    reference = build_reference(secrets.token_bytes(16), 1)
    return Dispatch(reference, "10699000", PHONE, compose_parts(text, "【一证通查】", "ours"), LAUNCH_DAY, lane)


def one(link: SmppLink, dispatch: Dispatch) -> object:
    return link.send([dispatch]).get(dispatch.reference)


def test_it_binds_as_a_transceiver_of_3_4(link: SmppLink, server: SmppServer) -> None:
    assert link.status == "up"
    assert server.told("bind") == [{"event": "bind", "system_id": "onecert", "version": 0x34, "welcome": True}]


def test_a_wrong_password_is_told_and_nothing_is_sent(make_link: Any, server: SmppServer) -> None:
    link = make_link(ready=False, secret="open")
    wait_until(lambda: link.status == "refused_13")
    assert one(link, make_dispatch()) == NotSent("not_connected")


def test_the_successor_of_a_password_is_used_once_the_first_is_refused(
    make_link: Any, ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sms_port.links.session.connections.RECONNECT_S", (0.1, 60.0))
    with begin(ground.engine) as db:
        ground.secrets.set(db, "abroad.key.next", "sesame", ground.clock.now())
    assert make_link(secret="open").status == "up"


def test_a_single_part_is_one_submit_and_its_receipt_is_heard(
    link: SmppLink, server: SmppServer, recorded: RecordedEvents
) -> None:
    assert one(link, make_dispatch()) == Accepted()
    (heard,) = server.told("submit")
    assert heard == {
        "event": "submit",
        "text": "【一证通查】您好",
        "header": "",
        "source_addr": "10699000",
        "destination_addr": "86" + PHONE,
        "dest_addr_ton": 1,
        "data_coding": 8,
        "registered_delivery": 1,
        "esm_class": 0,
    }
    wait_until(lambda: recorded.receipts)
    (receipt,) = recorded.receipts
    assert (receipt.link, receipt.reference, receipt.status, receipt.code) == (
        "abroad",
        "m1",
        ReceiptStatus.DELIVERED,
        "DELIVRD",
    )
    assert receipt.done_at == LAUNCH_DAY
    wait_until(lambda: server.told("delivered"))
    assert server.told("delivered")[0]["status"] == 0


def test_three_parts_are_joined_by_their_headers_and_named_one_by_one(
    link: SmppLink, server: SmppServer, recorded: RecordedEvents
) -> None:
    text = "长" * 130 + "😀" * 20
    result = one(link, make_dispatch(text))
    assert isinstance(result, Accepted)
    assert result.ids == ("m1", "m2", "m3")
    heard = server.told("submit")
    assert "".join(part["text"] for part in heard) == "【一证通查】" + text
    assert {part["esm_class"] for part in heard} == {0x40}
    assert len({part["header"][:6] for part in heard}) == 1
    assert [part["header"][6:] for part in heard] == ["0301", "0302", "0303"]
    wait_until(lambda: len(recorded.receipts) == 3)


@pytest.mark.parametrize(
    ("mode", "word"),
    [
        ({"stat": "UNDELIV"}, ReceiptStatus.FAILED),
        ({"stat": "EXPIRED"}, ReceiptStatus.FAILED),
        ({"stat": "UNKNOWN"}, ReceiptStatus.UNCLEAR),
        ({"tlv": 2}, ReceiptStatus.DELIVERED),
        ({"tlv": 5}, ReceiptStatus.FAILED),
        ({"early": True}, ReceiptStatus.DELIVERED),
    ],
)
def test_receipts_are_read_from_their_parameters_or_their_text_early_or_late(
    link: SmppLink, server: SmppServer, recorded: RecordedEvents, mode: dict[str, object], word: ReceiptStatus
) -> None:
    server.order(mode=mode)
    assert one(link, make_dispatch()) == Accepted()
    wait_until(lambda: recorded.receipts)
    assert [(receipt.reference, receipt.status) for receipt in recorded.receipts] == [("m1", word)]


def test_a_receipt_that_cannot_be_stored_is_not_acknowledged(
    link: SmppLink, server: SmppServer, recorded: RecordedEvents
) -> None:
    recorded.broken = True
    one(link, make_dispatch())
    time.sleep(0.3)
    assert server.told("delivered") == []


def test_a_citizens_text_is_heard(link: SmppLink, server: SmppServer, recorded: RecordedEvents) -> None:
    for coding, text in ((8, "退订"), (1, "td")):
        message = {"source_addr": f"86{PHONE}", "destination_addr": "10699000", "short_message": text}
        server.order(deliver=message | {"data_coding": coding})
    wait_until(lambda: len(recorded.texts) == 2)
    assert [(text.phone, text.to, text.text) for text in recorded.texts] == [
        (PHONE, "10699000", "退订"),
        (PHONE, "10699000", "td"),
    ]


def test_a_throttled_message_is_said_again_at_half_the_pace(link: SmppLink, server: SmppServer) -> None:
    server.order(mode={"status": 0x58, "times": 1})
    dispatch = make_dispatch()
    assert link.send([dispatch]).get(dispatch.reference, Accepted()) == Accepted()
    wait_until(lambda: len(server.told("submit")) == 2)
    assert link._limiter.rate(time.monotonic()) < 1000


@pytest.mark.parametrize(
    ("mode", "result"),
    [
        ({"status": 0x0B}, Rejected("0xb", True)),
        ({"status": 0x64}, Rejected("0x64", False)),
        ({"status": 0x08}, Rejected("0x8", False)),
        ({"nack": True}, Rejected("0x3", True)),
        ({"name": ""}, Accepted()),
    ],
)
def test_each_answer_has_its_ending(
    link: SmppLink, server: SmppServer, mode: dict[str, object], result: object
) -> None:
    server.order(mode=mode)
    assert one(link, make_dispatch()) == result
    wait_until(lambda: server.told("submit"))
    assert len(server.told("submit")) == 1


@pytest.mark.usefixtures("hasty")
def test_no_answer_in_time_is_unknown_and_nothing_is_said_twice(
    make_link: Any, server: SmppServer, recorded: RecordedEvents
) -> None:
    server.order(mode={"silent": True})
    dispatch = make_dispatch()
    assert make_link(read_s=2, total_s=8, connect_s=8).send([dispatch]) == {}
    wait_until(lambda: recorded.late)
    assert recorded.late == {dispatch.reference: Unknown("no_answer")}
    assert len(server.told("submit")) == 1


def test_a_line_that_drops_leaves_doubt_and_is_made_again(link: SmppLink, server: SmppServer) -> None:
    server.order(mode={"silent": True})
    dispatch = make_dispatch()
    with ThreadPoolExecutor(1) as sender:
        sent = sender.submit(link.send, [dispatch])
        wait_until(lambda: server.told("submit"))
        server.order(mode={}, drop=True)
        assert sent.result() == {dispatch.reference: Unknown("no_answer")}
    wait_until(lambda: len(server.told("bind")) == 2)
    wait_until(lambda: link.status == "up")
    assert one(link, make_dispatch()) == Accepted()


def test_an_unbind_of_the_gateway_is_answered_and_the_session_made_again(link: SmppLink, server: SmppServer) -> None:
    server.order(unbind=True)
    wait_until(lambda: server.told("unbound"))
    wait_until(lambda: len(server.told("bind")) == 2)


def test_a_storm_of_enquire_links_is_answered_and_changes_nothing(link: SmppLink, server: SmppServer) -> None:
    server.order(enquire=5_000)
    assert one(link, make_dispatch()) == Accepted()
    wait_until(lambda: len(server.told("alive")) == 5_000)


def test_an_idle_session_is_tested(make_link: Any, server: SmppServer) -> None:
    link = make_link(idle_s=1)
    wait_until(lambda: server.told("enquire_link"))
    assert link.status == "up"


@pytest.mark.usefixtures("hasty")
def test_never_more_than_the_window_is_unanswered(make_link: Any, server: SmppServer) -> None:
    link = make_link(window=3)
    server.order(mode={"silent": True})
    link.send([make_dispatch() for _ in range(10)])
    wait_until(lambda: len(server.told("submit")) >= 3)
    time.sleep(0.5)
    assert len(server.told("submit")) == 3


def test_closing_says_goodbye(link: SmppLink, server: SmppServer) -> None:
    link.close()
    assert link.status == "left"
    wait_until(lambda: server.told("unbind"))


@pytest.mark.parametrize(
    "bytes_",
    ["00000000" + "00" * 12, "ffffffff" + "00" * 12, "0000000f" + "00" * 12],
    ids=["length 0", "length 4G", "short"],
)
def test_a_stream_that_cannot_be_read_ends_the_session(link: SmppLink, server: SmppServer, bytes_: str) -> None:
    server.order(raw=bytes_)
    wait_until(lambda: len(server.told("bind")) == 2)


@pytest.mark.parametrize(
    "bytes_",
    [
        "00000010" + "000000ff" + "0000000000000001",
        "00000012" + "00000005" + "00000000000000010041",
        "00000010" + "00000004" + "0000000000000001",
        "00000010" + "80000009" + "0000000000000001",
    ],
    ids=["unknown command", "torn delivery", "submit", "bind answer"],
)
def test_content_that_no_gateway_should_send_ends_no_session(link: SmppLink, server: SmppServer, bytes_: str) -> None:
    server.order(raw=bytes_)
    time.sleep(0.5)  # a session that ended would be opened again at once
    assert len(server.told("bind")) == 1
    assert link.status == "up"


def test_a_reply_goes_through_the_ledger_and_is_delivered(ground: Ground, server: SmppServer) -> None:
    use_smpp(ground, server)
    change_catalogue(ground, ('enabled = true\nurl = "{sandbox}/sms"', 'enabled = false\nurl = "{sandbox}/sms"'))
    reply, gateway = make_reply(text="长" * 100), Gateway(ground, lambda db, outcomes: None)
    owe_all(ground, reply)
    gateway.pool.wait_ready(90)
    gateway.send(Lane.REPLY)
    wait_until(lambda: state_of(ground, reply) is State.DELIVERED)
    gateway.pool.close()
    assert len(server.told("submit")) == 2
