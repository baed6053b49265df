"""One CMPP connection without a socket: the window, the timers, and everything a gateway may get wrong."""

from __future__ import annotations

from typing import Any

import pytest

from sms_port.links.cmpp.codec import decode, encode, split_frames
from sms_port.links.cmpp.frames import (
    ACTIVE_TEST,
    ACTIVE_TEST_RESP,
    TERMINATE,
    TERMINATE_RESP,
    V20,
    V30,
    Connect,
    ConnectResp,
    Deliver,
    DeliverResp,
    Submit,
    SubmitResp,
    build_answer_authenticator,
)
from sms_port.links.cmpp.protocol import Account, CmppSession
from sms_port.links.session.events import Answered, Bound, Closed, Delivered, Lost, Stage, Stray, Timers

PART = Submit("GOV", "900001", "10699000", "13800138000", "您好".encode("utf-16-be"))
REPORT = Deliver(7, "10699000", "", "13800138000", bytes(71), registered=1, fmt=0)
NOW = 1_000.0


def said(session: CmppSession, version: int = V30) -> list[tuple[int, Any]]:
    """What it has to say, as (sequence, frame)."""
    return [decode(frame, version) for frame in split_frames(bytearray(session.take()))]


def bound(version: int = V30, window: int = 16, **timers: float) -> CmppSession:
    """A session that the gateway has let in."""
    session = CmppSession(Account("900001", "888888", version), Timers(**timers), window)
    session.open(NOW, 1021080510)
    ((_, connect),) = said(session, version)
    assert isinstance(connect, Connect)
    proof = build_answer_authenticator(0, connect.authenticator, "888888", version)
    assert session.feed(encode(ConnectResp(0, proof, version), 1, version), NOW) == [Bound(True)]
    return session


@pytest.mark.parametrize("version", [V20, V30])
def test_both_versions_connect_submit_and_are_answered(version: int) -> None:
    session = bound(version)
    session.submit("a", PART, NOW)
    ((sequence, frame),) = said(session, version)
    assert frame == PART
    answer = encode(SubmitResp(0xBB1C914003E90001, 0), sequence, version)
    assert session.feed(answer, NOW) == [Answered("a", 0, "bb1c914003e90001")]
    assert not session.unanswered


@pytest.mark.parametrize(("status", "reason"), [(1, "refused_1"), (3, "refused_3"), (99, "refused_99")])
def test_a_refusal_ends_it_with_its_number(status: int, reason: str) -> None:
    session = CmppSession(Account("900001", "888888"))
    session.open(NOW, 1021080510)
    assert session.feed(encode(ConnectResp(status, bytes(16), V30), 1), NOW) == [Closed(reason)]


def test_a_gateway_that_cannot_prove_itself_is_left_or_only_named() -> None:
    welcome = encode(ConnectResp(0, bytes(16), V30), 1)
    for strict, events in ((True, [Closed("unproven")]), (False, [Bound(False)])):
        session = CmppSession(Account("900001", "888888", strict=strict))
        session.open(NOW, 1021080510)
        assert session.feed(welcome, NOW) == events


def test_the_window_never_holds_more_than_its_size() -> None:
    session = bound()
    for number in range(16):
        assert session.may_submit(NOW)
        session.submit(number, PART, NOW)
    assert not session.may_submit(NOW)
    first = said(session)[0][0]
    session.feed(encode(SubmitResp(1, 0), first), NOW)
    assert session.may_submit(NOW)


def test_a_part_without_an_answer_is_lost_after_t_and_never_said_again() -> None:
    session = bound()
    session.submit("a", PART, NOW)
    ((sequence, _),) = said(session)
    for second in range(1, 60):
        assert session.tick(NOW + second) == []
        session.feed(encode(ACTIVE_TEST_RESP, 99), NOW + second)
    assert session.tick(NOW + 60) == [Lost("a")]
    assert all(not isinstance(frame, Submit) for _, frame in said(session))
    late = session.feed(encode(SubmitResp(5, 0), sequence), NOW + 90)
    assert late == [Answered("a", 0, "0000000000000005")], "a late answer is still an answer"


def test_an_idle_connection_is_tested_after_c_and_left_after_n_tests() -> None:
    session = bound()
    assert session.tick(NOW + 179) == []
    assert said(session) == []
    for turn in range(3):
        assert session.tick(NOW + 180 + turn * 60) == []
        ((_, frame),) = said(session)
        assert frame == ACTIVE_TEST
    assert session.tick(NOW + 180 + 180) == [Closed("dead")]


def test_an_answered_test_keeps_it_up() -> None:
    session = bound()
    session.tick(NOW + 180)
    ((sequence, _),) = said(session)
    session.feed(encode(ACTIVE_TEST_RESP, sequence), NOW + 181)
    assert session.tick(NOW + 360) == []
    assert session.stage is Stage.BOUND


def test_a_gateway_that_falls_silent_with_answers_open_is_tested_early_and_spared() -> None:
    session = bound()
    session.submit("a", PART, NOW)
    session.take()
    assert session.may_submit(NOW + 9)
    assert not session.may_submit(NOW + 10)
    session.tick(NOW + 10)
    ((sequence, frame),) = said(session)
    assert frame == ACTIVE_TEST
    session.feed(encode(ACTIVE_TEST_RESP, sequence), NOW + 11)
    assert session.may_submit(NOW + 11)


def test_a_dead_connection_loses_what_was_open() -> None:
    session = bound()
    session.submit("a", PART, NOW)
    assert session.close("dropped") == [Lost("a"), Closed("dropped")]
    assert session.close("dropped") == []
    assert session.tick(NOW + 999) == []


def test_no_welcome_in_time_ends_it() -> None:
    session = CmppSession(Account("900001", "888888"))
    session.open(NOW, 1021080510)
    assert session.tick(NOW + 60) == [Closed("no_answer")]


def test_what_the_gateway_asks_is_answered_at_once_under_its_sequence() -> None:
    session = bound()
    assert session.feed(encode(ACTIVE_TEST, 77), NOW) == []
    assert said(session) == [(77, ACTIVE_TEST_RESP)]
    assert session.feed(encode(TERMINATE, 78), NOW) == [Closed("terminated")]
    assert said(session) == [(78, TERMINATE_RESP)]


def test_a_delivery_is_acknowledged_when_its_owner_says_so() -> None:
    session = bound()
    (heard,) = session.feed(encode(REPORT, 5), NOW)
    assert heard == Delivered(5, REPORT)
    assert said(session) == []
    session.answer(heard, NOW)
    assert said(session) == [(5, DeliverResp(7, 0))]


def test_a_goodbye_waits_for_its_answer_and_still_hears_what_comes() -> None:
    session = bound()
    session.submit("a", PART, NOW)
    ((sequence, _),) = said(session)
    session.leave(NOW)
    assert not session.may_submit(NOW)
    assert session.feed(encode(SubmitResp(1, 0), sequence), NOW) == [Answered("a", 0, "0000000000000001")]
    assert session.feed(encode(TERMINATE_RESP, sequence + 1), NOW) == [Closed("left")]


def test_an_answer_to_nothing_changes_nothing() -> None:
    session = bound()
    session.submit("a", PART, NOW)
    assert session.feed(encode(SubmitResp(1, 0), 4711), NOW) == [Stray()]
    assert len(session.unanswered) == 1


@pytest.mark.parametrize(
    "bytes_",
    [
        (0).to_bytes(4, "big") + bytes(8),
        b"\xff" * 12,
        encode(ACTIVE_TEST, 1)[:4] + b"\x00\x00\x00\x99" + bytes(4),
        encode(Connect("900001", bytes(16), V30, 1), 1),
        encode(PART, 1),
        encode(DeliverResp(1), 1),
        encode(TERMINATE_RESP, 1),
    ],
    ids=["length 0", "length 4G", "unknown command", "connect", "submit", "deliver answer", "goodbye to nothing"],
)
def test_what_no_gateway_may_say_closes_the_connection(bytes_: bytes) -> None:
    session = bound()
    session.submit("a", PART, NOW)
    events = session.feed(bytes_, NOW)
    assert events[0] == Lost("a")
    assert isinstance(events[1], Closed)
    assert session.feed(encode(ACTIVE_TEST, 1), NOW) == []


def test_nothing_counts_before_the_welcome() -> None:
    session = CmppSession(Account("900001", "888888"))
    session.open(NOW, 1021080510)
    assert session.feed(encode(REPORT, 1), NOW) == [Closed("out_of_order")]


def test_bytes_may_arrive_one_by_one_or_all_together() -> None:
    stream = encode(REPORT, 1) + encode(ACTIVE_TEST, 2) + encode(REPORT, 3)
    whole, single = bound(), bound()
    together = whole.feed(stream, NOW)
    one_by_one = [event for byte in stream for event in single.feed(bytes([byte]), NOW)]
    assert together == one_by_one == [Delivered(1, REPORT), Delivered(3, REPORT)]


def test_late_answers_that_never_come_do_not_pile_up() -> None:
    session = bound(answer=1.0)
    for number in range(10_000):
        session.submit(number, PART, NOW + number)
        session.tick(NOW + number + 1)
        session.feed(encode(ACTIVE_TEST_RESP, 1), NOW + number + 1)
        session.take()
    assert len(session._late) <= 4096
