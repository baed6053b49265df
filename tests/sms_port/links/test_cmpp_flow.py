"""The flow of the CMPP link: a window, an order, a limiter, and an end."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from config.ground import Ground
from sms_port.links.cmpp.protocol import CmppSession
from sms_port.links.link import Accepted, Unknown
from sms_port.models import Lane
from sms_port.sandbox.cmpp_frames import Part
from sms_port.sandbox.cmpp_gateway import CmppGateway, Guest
from tests.sms_port.cmpp_peers import (
    SIGNATURE,
    Faulty,
    Peer,
    RecordedEvents,
    make_dispatch,
    one,
    open_link,
    run_peer,
    use_cmpp,
)
from tests.support.servers import wait_until


def test_never_more_than_the_window_is_unanswered(ground: Ground, peer: Peer, recorded: RecordedEvents) -> None:
    held: list[tuple[Guest, bytes]] = []
    peer.play.answer = lambda guest, frame, part: held.append((guest, frame))  # type: ignore[method-assign]
    with open_link(ground, use_cmpp(ground, peer.gateway.port), recorded) as link:
        batch = [make_dispatch(phone=f"138{number:08d}") for number in range(40)]
        sender = threading.Thread(target=link.send, args=(batch,))
        sender.start()
        wait_until(lambda: len(held) == 16)
        time.sleep(0.2)
        assert len(held) == 16
        for _ in batch:
            wait_until(lambda: held)
            guest, frame = held.pop(0)
            guest.say(frame)
        sender.join()
        wait_until(lambda: link.room(Lane.REPLY) == 200)


def test_a_code_goes_before_replies_that_wait(ground: Ground, peer: Peer, recorded: RecordedEvents) -> None:
    held: list[tuple[Guest, bytes]] = []
    peer.play.answer = lambda guest, frame, part: held.append((guest, frame))  # type: ignore[method-assign]
    batches = [make_dispatch("答复") for _ in range(150)], [make_dispatch("验证码", Lane.CODE)]
    with open_link(ground, use_cmpp(ground, peer.gateway.port), recorded) as link:
        senders = [threading.Thread(target=link.send, args=(batch,)) for batch in batches]
        senders[0].start()
        wait_until(lambda: len(held) == 16)  # the window is full, and 134 wait
        senders[1].start()
        wait_until(lambda: link.room(Lane.CODE) == 199)
        peer.play.answer = lambda guest, frame, part: guest.say(frame)  # type: ignore[method-assign]
        for guest, frame in held:
            guest.say(frame)
        for sender in senders:
            sender.join()
    assert len(peer.parts) == 151
    assert peer.parts[16].text == SIGNATURE + "验证码"


def test_the_wire_keeps_the_pace_of_the_contract(
    ground: Ground, peer: Peer, recorded: RecordedEvents, monkeypatch: pytest.MonkeyPatch
) -> None:
    times, submit = list[float](), CmppSession.submit

    def note(self: CmppSession, part: object, frame: object, now: float) -> None:
        times.append(now)  # when it leaves: what arrives may have been held up, and come in a shorter time
        submit(self, part, frame, now)

    monkeypatch.setattr(CmppSession, "submit", note)
    with open_link(ground, use_cmpp(ground, peer.gateway.port, parts_per_second=40), recorded) as link:
        link.send([make_dispatch() for _ in range(70)])
    assert len(times) == len(peer.parts) == 70
    for start, moment in enumerate(times):
        assert sum(other < moment + 1 for other in times[start:]) <= 40


def test_closing_waits_for_answers_and_says_goodbye(
    ground: Ground, recorded: RecordedEvents, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F16: what is open when the process is told to stop is waited for."""
    monkeypatch.setattr("sms_port.links.session.connections.DRAIN_S", 60.0)
    under_way = threading.Event()

    def think(gateway: CmppGateway, guest: Guest, part: Part) -> int:
        under_way.set()
        time.sleep(0.3)
        return 0

    with run_peer(ground.secrets.get("cmpp.key"), Faulty(judged=think)) as peer:
        with open_link(ground, use_cmpp(ground, peer.gateway.port), recorded) as link:
            dispatch, results = make_dispatch(), dict[Any, Any]()
            sender = threading.Thread(target=lambda: results.update(link.send([dispatch])))
            sender.start()
            assert under_way.wait(60)
        sender.join()
        assert isinstance(results[dispatch.reference], Accepted)
        wait_until(lambda: not peer.gateway.guests())


@pytest.mark.usefixtures("hasty")
def test_closing_does_not_wait_for_ever(ground: Ground, peer: Peer, recorded: RecordedEvents) -> None:
    peer.play.silent = True
    dispatch = make_dispatch()
    with open_link(ground, use_cmpp(ground, peer.gateway.port, read_s=60, total_s=75), recorded) as link:
        assert one(link, dispatch) is None
        wait_until(lambda: peer.parts)
        begun = time.monotonic()
    assert time.monotonic() - begun < 30, "its answer would be waited for twice as long"
    assert recorded.late == {dispatch.reference: Unknown("no_answer")}
