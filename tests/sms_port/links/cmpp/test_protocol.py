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
    build_answer_authenticators,
)
from sms_port.links.cmpp.protocol import Account, CmppSession
from sms_port.links.session.events import Answered, Bound, Closed, Delivered, Lost, Stage, Stray, Timers, UnknownCommand

PART = Submit("GOV", "900001", "10699000", "13800138000", "您好".encode("utf-16-be"))
REPORT = Deliver(7, "10699000", "", "13800138000", bytes(71), registered=1, fmt=0)
NOW = 1_000.0


def said(session: CmppSession, version: int = V30) -> list[tuple[int, Any]]:
    """Return what it has to say, as (sequence, frame)."""
    return [decode(frame, version) for frame in split_frames(bytearray(session.take()))]


def bound(version: int = V30, window: int = 16, **timers: Any) -> CmppSession:
    """A session that the gateway has let in."""
    session = CmppSession(Account("900001", "888888", version), Timers(**timers), window)
    session.open(NOW, 1021080510)
    ((_, connect),) = said(session, version)
    assert isinstance(connect, Connect)
    proof = build_answer_authenticators(0, connect.authenticator, "888888")[version == V20]
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
    assert late == [Answered("a", 0, "5")], "a late answer is still an answer"


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
    session.acknowledge(heard, NOW)
    assert said(session) == [(5, DeliverResp(7, 0))]


def test_a_goodbye_waits_for_its_answer_and_still_hears_what_comes() -> None:
    session = bound()
    session.submit("a", PART, NOW)
    ((sequence, _),) = said(session)
    session.leave(NOW)
    assert not session.may_submit(NOW)
    assert session.feed(encode(SubmitResp(1, 0), sequence), NOW) == [Answered("a", 0, "1")]
    assert session.feed(encode(TERMINATE_RESP, sequence + 1), NOW) == [Closed("left")]


def test_an_answer_to_nothing_changes_nothing() -> None:
    session = bound()
    session.submit("a", PART, NOW)
    assert session.feed(encode(SubmitResp(1, 0), 4711), NOW) == [Stray()]
    assert len(session.unanswered) == 1


@pytest.mark.parametrize(
    "bytes_",
    [(0).to_bytes(4, "big") + bytes(8), b"\xff" * 12, encode(TERMINATE_RESP, 1)],
    ids=["length 0", "length 4G", "goodbye to nothing"],
)
def test_a_lost_stream_or_a_goodbye_to_nothing_closes_the_connection(bytes_: bytes) -> None:
    """C34: a TERMINATE_RESP that nobody asked for."""
    session = bound()
    session.submit("a", PART, NOW)
    events = session.feed(bytes_, NOW)
    assert events[0] == Lost("a")
    assert isinstance(events[1], Closed)
    assert session.feed(encode(ACTIVE_TEST, 1), NOW) == []


def resized(frame: Any, more: int, version: int = V30) -> bytes:
    """A frame with bytes added to, or (less than 0) cut off its end."""
    whole = encode(frame, 9, version)
    body = whole[4:] + bytes(more) if more >= 0 else whole[4:more]
    return (len(body) + 4).to_bytes(4, "big") + body


def request(command: int, body: bytes = b"") -> bytes:
    return b"".join(n.to_bytes(4, "big") for n in (12 + len(body), command, 9)) + body


@pytest.mark.parametrize("version", [V20, V30])
@pytest.mark.parametrize(
    ("bytes_", "event"),
    [
        pytest.param(request(0x80000006, bytes(51)), Stray(), id="C30 QUERY_RESP unasked"),
        pytest.param(request(0x80000007, bytes(4)), Stray(), id="variant: CANCEL_RESP unasked"),
        pytest.param(encode(DeliverResp(1), 1), Stray(), id="variant: DELIVER_RESP unasked"),
        pytest.param(request(0x9, bytes(40)), UnknownCommand(0x9), id="C33 FWD, spec 7.4"),
        pytest.param(request(0x10, bytes(40)), UnknownCommand(0x10), id="variant: MT_ROUTE"),
        pytest.param(request(0x99), UnknownCommand(0x99), id="variant: of a vendor"),
        pytest.param(encode(Connect("900001", bytes(16), V30, 1), 1), UnknownCommand(0x1), id="variant: CONNECT"),
        pytest.param(encode(PART, 1), UnknownCommand(0x4), id="variant: SUBMIT"),
        pytest.param(request(0x80000008), None, id="C01 ACTIVE_TEST_RESP of 12 bytes, SMSGate (Gansu)"),
        pytest.param(request(0x80000008, bytes(5)), None, id="variant: ACTIVE_TEST_RESP of 17 bytes"),
    ],
)
def test_content_never_ends_the_session(version: int, bytes_: bytes, event: object) -> None:
    session = bound(version)
    session.submit("a", PART, NOW)
    ((sequence, _),) = said(session, version)
    assert session.feed(bytes_, NOW) == ([event] if event else [])
    assert session.stage is Stage.BOUND
    assert session.feed(encode(SubmitResp(1, 0), sequence, version), NOW) == [Answered("a", 0, "1")]


@pytest.mark.parametrize("version", [V20, V30])
@pytest.mark.parametrize("more", [0, 1, 3], ids=["C00 of 12 bytes", "C31 of 13 bytes", "variant: of 15 bytes"])
def test_an_active_test_of_any_length_is_answered(version: int, more: int) -> None:
    session = bound(version)
    assert session.feed(resized(ACTIVE_TEST, more), NOW) == []
    assert said(session, version) == [(9, ACTIVE_TEST_RESP)]


def test_an_active_test_before_the_login_is_answered() -> None:
    """C42, spec: either side may test."""
    session = CmppSession(Account("900001", "888888"))
    session.open(NOW, 1021080510)
    session.take()
    assert session.feed(encode(ACTIVE_TEST, 3), NOW) == []
    assert said(session) == [(3, ACTIVE_TEST_RESP)]
    assert session.stage is Stage.CONNECTING


def test_a_delivery_before_the_login_is_answered_waits_for_it() -> None:
    session = CmppSession(Account("900001", "888888", strict=False))
    session.open(NOW, 1021080510)
    assert session.feed(encode(REPORT, 1), NOW) == []
    welcome = encode(ConnectResp(0, bytes(16), V30), 1)
    assert session.feed(welcome, NOW) == [Bound(False), Delivered(1, REPORT)]


@pytest.mark.parametrize("version", [V20, V30])
@pytest.mark.parametrize(
    "more",
    [
        pytest.param(-20, id="C04 without LinkID, SMSGate CmppDeliverRequestMessageCodec"),
        pytest.param(-8, id="C04 without Reserve"),
        pytest.param(-3, id="C05 LinkID cut"),
        pytest.param(5, id="variant: bytes behind"),
    ],
)
def test_a_delivery_is_read_whatever_its_tail_is(version: int, more: int) -> None:
    text = Deliver(7, "10699000", "", "13800138000", "TD".encode("utf-16-be"))
    if version == V20 and more == -20:
        return
    session = bound(version)
    assert session.feed(resized(text, more, version), NOW) == [Delivered(9, text)]


@pytest.mark.parametrize(("ours", "theirs"), [(V20, V30), (V30, V20)])
def test_a_delivery_in_the_layout_of_the_other_version_is_read(ours: int, theirs: int) -> None:
    text = Deliver(7, "10699000", "GOV", "13800138000", "TD".encode("utf-16-be"))
    assert bound(ours).feed(encode(text, 9, theirs), NOW) == [Delivered(9, text)]


@pytest.mark.parametrize(
    ("welcome", "reason"),
    [
        pytest.param(encode(ConnectResp(4, bytes(16), V20), 1, V20), "refused_4", id="C40 status 4 in 30 bytes"),
        pytest.param(encode(ConnectResp(3, bytes(16), V20), 1, V20), "refused_3", id="variant: status 3 in 30 bytes"),
        pytest.param(request(0x80000001, bytes((0, 0, 0, 2))), "refused_2", id="variant: nothing but a status"),
        pytest.param(encode(ConnectResp(0, bytes(16), V20), 1), "version_2.0", id="C41 agrees to 2.0"),
        pytest.param(encode(ConnectResp(0, bytes(16), V20), 1, V20), "version_2.0", id="C41 in 30 bytes"),
        pytest.param(encode(ConnectResp(0, bytes(16), 0x21), 1), "version_2.0", id="variant: agrees to 2.1"),
    ],
)
def test_a_gateway_of_version_2_is_understood_and_gets_no_frames_of_3(welcome: bytes, reason: str) -> None:
    session = CmppSession(Account("900001", "888888", strict=False))
    session.open(NOW, 1021080510)
    assert session.feed(welcome, NOW) == [Closed(reason)]


def test_an_answer_in_the_layout_of_version_2_ends_a_session_of_version_3() -> None:
    """C35: what a 2.0 gateway makes of a 3.0 SUBMIT nobody knows."""
    session = bound(V30)
    session.submit("a", PART, NOW)
    ((sequence, _),) = said(session)
    assert session.feed(encode(SubmitResp(1, 0), sequence, V20), NOW) == [Lost("a"), Closed("version_2.0")]


@pytest.mark.parametrize("more", [-1, -2, -4])
def test_an_answer_whose_result_is_cut_says_nothing(more: int) -> None:
    session = bound(V30)
    session.submit("a", PART, NOW)
    ((sequence, _),) = said(session)
    whole = encode(SubmitResp(1, 0), sequence)[:more]
    assert session.feed((24 + more).to_bytes(4, "big") + whole[4:], NOW) == [Stray()]
    assert session.stage is Stage.BOUND


@pytest.mark.parametrize(("result", "name"), [(0, "1"), (13, "1")])
def test_an_answer_with_four_bytes_of_result_is_read_in_version_2(result: int, name: str) -> None:
    session = bound(V20)
    session.submit("a", PART, NOW)
    ((sequence, _),) = said(session, V20)
    assert session.feed(encode(SubmitResp(1, result), sequence, V30), NOW) == [Answered("a", result, name)]


@pytest.mark.parametrize("version", [V20, V30])
@pytest.mark.parametrize("which", [0, 1], ids=["status of 4 bytes", "status of 1 byte"])
def test_either_proof_of_the_secret_counts(version: int, which: int) -> None:
    """16d: a Java gateway digests four bytes of status in 2.0 too."""
    session = CmppSession(Account("900001", "888888", version))
    session.open(NOW, 1021080510)
    ((_, connect),) = said(session, version)
    proof = build_answer_authenticators(0, connect.authenticator, "888888")[which]
    assert session.feed(encode(ConnectResp(0, proof, version), 1, version), NOW) == [Bound(True)]


def test_while_nothing_is_read_no_time_passes() -> None:
    """F06: the timers of a connection that we do not read must not run."""
    session = bound()
    session.submit("a", PART, NOW)
    ((sequence, _),) = said(session)
    session.pause(NOW + 1)
    assert session.tick(NOW + 500) == []
    assert not session.may_submit(NOW + 500)
    session.resume(NOW + 500)
    assert session.tick(NOW + 501) == []
    assert session.may_submit(NOW + 501)
    assert session.feed(encode(SubmitResp(1, 0), sequence), NOW + 502) == [Answered("a", 0, "1")]


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
