"""A gateway gone mad, on a live connection: it is left with a line in the log, nothing is lost, nothing piles up."""

from __future__ import annotations

import gc
import secrets
import tracemalloc
from collections.abc import Mapping

import pytest

from config.ground import Ground
from sms_port.links.cmpp.codec import encode
from sms_port.links.cmpp.frames import (
    ACTIVE_TEST,
    V30,
    ConnectResp,
    Deliver,
    Submit,
    SubmitResp,
    build_answer_authenticators,
    build_authenticator,
)
from sms_port.links.cmpp.link import CmppLink
from sms_port.links.cmpp.protocol import Account, CmppSession
from sms_port.links.link import Accepted, Dispatch, Unknown
from sms_port.message_reference import build_reference
from sms_port.models import Lane
from sms_port.sandbox.cmpp_gateway import Guest
from tests.sms_port.cmpp_peers import Peer, RecordedEvents, open_link, use_cmpp
from tests.support.factories import LAUNCH_DAY
from tests.support.servers import wait_until

PHONE, WORDS = "13800138000", "退订"
MO = encode(Deliver(7, "10699000", "", "86" + PHONE, WORDS.encode("utf-16-be")), 1)
ANSWER = encode(SubmitResp(1, 0), 1)


def cut(frame: bytes, size: int) -> bytes:
    """A frame of another size whose header tells the truth about it."""
    return size.to_bytes(4, "big") + (frame[4:] + bytes(64))[: size - 4]


HOSTILE = {
    "length 0": bytes(12),
    "length 11": cut(MO, 12)[:3] + b"\x0b" + MO[4:12],
    "length 4G": b"\xff\xff\xff\xff" + MO[4:],
}
ODD = {
    "a command nobody knows": MO[:4] + b"\x00\x00\x00\x63" + MO[8:],
    "a text cut short": cut(MO, len(MO) - 1),
    "a text with a byte too many": cut(MO, len(MO) + 1),
    "an answer with a byte too many": cut(ANSWER, 25),
    "a submit": encode(Submit("GOV", "900001", "10699000", PHONE, b"xx"), 1),
    "a second welcome": encode(ConnectResp(0, bytes(16), V30), 1),
}


@pytest.fixture
def options() -> Mapping[str, object]:
    return {"read_s": 60, "total_s": 75}


def make_dispatch() -> Dispatch:
    reference = build_reference(secrets.token_bytes(16), 1)
    return Dispatch(reference, "10699000", PHONE, ("【一证通查】您好",), LAUNCH_DAY, Lane.REPLY)


@pytest.mark.parametrize("frame", HOSTILE.values(), ids=HOSTILE)
def test_it_is_left_with_a_line_in_the_log_and_nothing_is_lost(
    link: CmppLink, peer: Peer, recorded: RecordedEvents, frame: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    def go_mad(guest: Guest, answer: bytes, part: object) -> None:
        peer.play.answer = lambda guest, answer, part: guest.say(answer)  # type: ignore[assignment, method-assign]
        guest.say(frame)

    peer.play.answer = go_mad  # type: ignore[assignment, method-assign]
    first, second, guest = make_dispatch(), make_dispatch(), peer.guest()
    link.send([first])
    peer.wait_for_another(link, guest)
    assert "link_down" in capsys.readouterr().err
    assert isinstance(link.send([second])[second.reference], Accepted)
    assert recorded.late.get(first.reference, Unknown("no_answer")) == Unknown("no_answer")
    assert len(peer.parts) == 2, "each was said once"


@pytest.mark.parametrize("frame", ODD.values(), ids=ODD)
def test_a_connection_is_never_left_for_what_a_frame_says(
    link: CmppLink, peer: Peer, recorded: RecordedEvents, frame: bytes
) -> None:
    guest = peer.guest()
    peer.play.answer = lambda guest, answer, part: guest.say(frame + answer)  # type: ignore[assignment, method-assign]
    for _ in range(2):
        dispatch = make_dispatch()
        assert isinstance(link.send([dispatch])[dispatch.reference], Accepted)
    assert peer.guest() is guest
    assert len(peer.parts) == 2


def test_the_line_in_the_log_names_the_fault_and_neither_number_nor_words(
    link: CmppLink, peer: Peer, capsys: pytest.CaptureFixture[str]
) -> None:
    guest = peer.guest()
    guest.say(HOSTILE["length 11"] + MO)
    peer.wait_for_another(link, guest)
    said = capsys.readouterr().err
    assert '"reason": "frame_length"' in said
    assert PHONE not in said
    assert WORDS not in said


def test_a_connection_that_answers_nothing_any_more_is_given_up_and_its_messages_are_in_doubt(
    ground: Ground, peer: Peer
) -> None:
    peer.play.silent = True
    real = peer.gateway._take
    peer.gateway._take = lambda guest, frame: real(guest, frame) if frame[7] == 4 else None  # type: ignore[method-assign]
    with open_link(
        ground, use_cmpp(ground, peer.gateway.port, read_s=1, total_s=3, connect_s=3, idle_s=1), RecordedEvents()
    ) as link:
        dispatch = make_dispatch()
        assert link.send([dispatch]) == {dispatch.reference: Unknown("no_answer")}
        wait_until(lambda: link.status == "dead")
    assert len(peer.parts) == 1


def test_storms_leave_memory_as_it_was() -> None:
    session = CmppSession(Account("900001", "888888"))
    session.open(0.0, 1021080510)
    proof, _ = build_answer_authenticators(0, build_authenticator("900001", "888888", 1021080510), "888888")
    session.feed(encode(ConnectResp(0, proof, V30), 1), 0.0)
    session.take()
    storm = b"".join(encode(ACTIVE_TEST, n) + encode(SubmitResp(n, 0), n) for n in range(1_000))

    def weather() -> None:
        for start in range(0, len(storm), 4_096):
            session.feed(storm[start : start + 4_096], 1.0)
            session.take()

    weather()
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for _ in range(20):
        weather()
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < 50_000, "40,000 frames later"
