"""Several CMPP connections of one account: more in flight, and a link that stays up when one of them goes down."""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections.abc import Mapping
from typing import Any

import pytest

from config.ground import Ground
from sms_port.links.cmpp.link import CmppLink
from sms_port.links.link import Accepted, Dispatch
from sms_port.message_reference import build_reference
from sms_port.models import Lane, ReceiptStatus
from sms_port.sandbox.cmpp_gateway import Guest
from tests.sms_port.cmpp_peers import Peer, RecordedEvents, open_link, use_cmpp
from tests.support.factories import LAUNCH_DAY
from tests.support.servers import wait_until


@pytest.fixture
def options() -> Mapping[str, object]:
    return {"connections": 3}


def payloads(count: int) -> list[Dispatch]:
    names = [build_reference(secrets.token_bytes(16), 1) for _ in range(count)]
    return [Dispatch(name, "10699000", "13800138000", ("您好",), LAUNCH_DAY, Lane.REPLY) for name in names]


def test_each_connection_has_a_window_of_its_own_and_all_share_one_queue(link: CmppLink, peer: Peer) -> None:
    held: list[tuple[Guest, bytes]] = []
    peer.play.answer = lambda guest, frame, part: held.append((guest, frame))  # type: ignore[method-assign]
    batch, results = payloads(60), dict[Any, Any]()
    sender = threading.Thread(target=lambda: results.update(link.send(batch)))
    sender.start()
    wait_until(lambda: len(held) == 48)
    assert sorted([guest for guest, _ in held].count(guest) for guest in peer.gateway.guests()) == [16, 16, 16]
    peer.play.answer = lambda guest, frame, part: guest.say(frame)  # type: ignore[method-assign]
    for guest, frame in held:
        guest.say(frame)
    sender.join()
    wait_until(lambda: link.room(Lane.REPLY) == 200)
    assert len(peer.parts) == 60


def test_one_that_drops_leaves_the_link_up_and_comes_back(link: CmppLink, peer: Peer, recorded: RecordedEvents) -> None:
    status_text = threading.Event()
    peer.play.greet = lambda guest, status: status if status_text.wait(60) else None  # type: ignore[method-assign]
    peer.gateway.guests()[0].drop()
    wait_until(lambda: link.status == "up_2_of_3")
    batch = payloads(20)
    results = link.send(batch)
    assert {type(results[dispatch.reference]) for dispatch in batch} == {Accepted}
    wait_until(lambda: len(recorded.receipts) == 20)
    assert {receipt.status for receipt in recorded.receipts} == {ReceiptStatus.DELIVERED}
    status_text.set()
    wait_until(lambda: link.status == "up")


def test_a_goodbye_is_said_on_each(link: CmppLink, peer: Peer) -> None:
    link.close()
    assert link.status == "left"
    wait_until(lambda: not peer.gateway.guests())


def test_a_welcome_that_comes_before_the_connecting_call_is_over_counts_at_once(
    ground: Ground, peer: Peer, recorded: RecordedEvents, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = asyncio.BaseEventLoop.create_connection

    async def connect_slowly(*args: Any, **options: Any) -> Any:
        made = await connect(*args, **options)
        await asyncio.sleep(0.5)
        return made

    monkeypatch.setattr(asyncio.BaseEventLoop, "create_connection", connect_slowly)
    with open_link(ground, use_cmpp(ground, peer.gateway.port), recorded) as link:
        assert link.status == "up"
