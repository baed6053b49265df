"""The CMPP link against a gateway of another make, over loopback: the four endings, and every fault a line has."""

from __future__ import annotations

import secrets
import socket
import threading
import time

import pytest

from config.ground import Ground
from sms_port.links.cmpp import CmppLink
from sms_port.links.link import Accepted, Dispatch, NotSent, Rejected, Unknown
from sms_port.models import Lane, Word
from sms_port.reference import build_reference
from sms_port.sandbox_cmpp import CmppGateway, Delivery, Guest
from sms_port.sandbox_cmpp_wire import ACTIVE_TEST, TERMINATE, Part, build
from sms_port.segments import compose_parts
from tests.factories import LAUNCH_DAY
from tests.servers import free_port, wait_until
from tests.sms_port.cmpp_peers import Faulty, Hearing, Peer, open_link, run_peer, use_cmpp

PHONE = "13800138000"
SIGNATURE = "【一证通查】"


def letter(text: str = "您好", lane: Lane = Lane.REPLY, phone: str = PHONE) -> Dispatch:
    reference = build_reference(secrets.token_bytes(16), 1)
    return Dispatch(reference, "10699000", phone, compose_parts(text, SIGNATURE, "ours"), LAUNCH_DAY, lane)


def one(link: CmppLink, dispatch: Dispatch) -> object:
    return link.send([dispatch]).get(dispatch.reference)


def test_a_message_is_accepted_under_the_gateways_name_and_reported(
    link: CmppLink, peer: Peer, hearing: Hearing
) -> None:
    ending = one(link, letter())
    assert isinstance(ending, Accepted)
    assert peer.texts == [SIGNATURE + "您好"]
    part = peer.parts[0]
    assert (part.sender, part.phone, part.account, part.service) == ("10699000", PHONE, "900001", "ONECERT")
    wait_until(lambda: hearing.receipts)
    (receipt,) = hearing.receipts
    assert ending.ids == (receipt.reference,)
    assert (receipt.link, receipt.word, receipt.code) == ("cmpp", Word.DELIVERED, "DELIVRD")
    assert receipt.trace is not None
    assert (receipt.trace.phone, receipt.trace.extension) == (PHONE, "")


def test_version_2_is_spoken_too(ground: Ground, peer: Peer, hearing: Hearing) -> None:
    peer.play.report_size = 60
    with open_link(ground, use_cmpp(ground, peer.gateway.port, version="2.0"), hearing) as link:
        assert isinstance(one(link, letter("长" * 100)), Accepted)
        assert "".join(peer.texts) == SIGNATURE + "长" * 100
        wait_until(lambda: len(hearing.receipts) == 2)


def test_a_long_message_has_one_number_in_all_parts_and_another_message_another(link: CmppLink, peer: Peer) -> None:
    text = "长" * 61 + "😀" * 40
    assert isinstance(one(link, letter(text)), Accepted)
    assert isinstance(one(link, letter(text)), Accepted)
    first, second = peer.parts[:3], peer.parts[3:]
    for parts in (first, second):
        assert "".join(part.text for part in parts) == SIGNATURE + text
        assert [(part.total, part.number, part.long) for part in parts] == [(3, n, True) for n in (1, 2, 3)]
        assert all(len(part.content) <= 140 for part in parts)
        assert len({part.joint for part in parts}) == 1
    assert first[0].joint != second[0].joint


def test_extension_digits_name_the_message_and_come_back(ground: Ground, peer: Peer, hearing: Hearing) -> None:
    with open_link(ground, use_cmpp(ground, peer.gateway.port, extension_digits=6), hearing) as link:
        one(link, letter())
        wait_until(lambda: hearing.receipts)
    extension = peer.parts[0].sender.removeprefix("10699000")
    assert len(extension) == 6
    assert hearing.receipts[0].trace is not None
    assert hearing.receipts[0].trace.extension == extension


@pytest.mark.parametrize(("result", "permanent"), [(1, True), (9, True), (13, True), (107, True), (108, False)])
def test_a_refusal_is_for_good_unless_the_catalogue_says_otherwise(
    ground: Ground, peer: Peer, hearing: Hearing, result: int, permanent: bool
) -> None:
    peer.play.judged = lambda gateway, guest, part: result
    entry = use_cmpp(ground, peer.gateway.port)
    entry = entry.model_copy(update={"retryable": (108,)})
    with open_link(ground, entry, hearing) as link:
        assert one(link, letter()) == Rejected(str(result), permanent)


def test_a_doubtful_sequence_is_unknown(link: CmppLink, peer: Peer) -> None:
    peer.play.judged = lambda gateway, guest, part: 3
    assert one(link, letter()) == Unknown("no_answer")


def test_a_gateway_that_is_too_busy_is_asked_again_more_slowly(link: CmppLink, peer: Peer, hearing: Hearing) -> None:
    refusals = iter([8, 8])
    peer.play.judged = lambda gateway, guest, part: next(refusals, 0)
    dispatch = letter()
    ending = one(link, dispatch)
    wait_until(lambda: ending or dispatch.reference in hearing.late)
    assert ending is None, "it takes longer than the first second"
    assert isinstance(hearing.late[dispatch.reference], Accepted)
    assert len(peer.parts) == 1


def test_without_an_answer_it_is_unknown_and_a_late_one_is_heard(link: CmppLink, peer: Peer, hearing: Hearing) -> None:
    held: list[tuple[Guest, bytes]] = []
    peer.play.answer = lambda guest, frame, part: held.append((guest, frame))  # type: ignore[method-assign]
    dispatch = letter()
    assert one(link, dispatch) is None
    wait_until(lambda: hearing.late)
    assert hearing.late == {dispatch.reference: Unknown("no_answer")}
    guest, frame = held[0]
    guest.say(frame)
    wait_until(lambda: isinstance(hearing.late[dispatch.reference], Accepted))
    assert len(peer.parts) == 1


def test_a_line_that_breaks_in_the_middle_leaves_what_was_said_unknown(
    link: CmppLink, peer: Peer, hearing: Hearing
) -> None:
    def break_off(gateway: CmppGateway, guest: Guest, part: Part) -> int:
        guest.say(b"\x00\x00\x00\x18\x80")  # the beginning of an answer
        guest.drop()
        return 0

    peer.play.judged, first = break_off, peer.guest()
    assert one(link, letter()) == Unknown("no_answer")
    peer.play.judged = lambda gateway, guest, part: 0
    peer.wait_for_another(link, first)
    assert isinstance(one(link, letter()), Accepted), "it connects again"


def test_a_gateway_that_says_goodbye_is_answered_and_connected_to_again(link: CmppLink, peer: Peer) -> None:
    guest = peer.guest()
    guest.say(build(TERMINATE, 9))
    peer.wait_for_another(link, guest)
    assert isinstance(one(link, letter()), Accepted)


def test_nothing_is_sent_without_a_connection(ground: Ground, hearing: Hearing) -> None:
    with open_link(ground, use_cmpp(ground, free_port()), hearing, ready=False) as link:
        assert link.room(Lane.CODE) == 0
        assert one(link, letter()) == NotSent("not_connected")


@pytest.mark.parametrize(("check", "status"), [("strict", "unproven"), ("warn", "up")])
def test_a_gateway_with_the_wrong_proof_is_refused_or_only_named(
    ground: Ground, peer: Peer, hearing: Hearing, check: str, status: str
) -> None:
    peer.play.wrong_proof = True
    with open_link(ground, use_cmpp(ground, peer.gateway.port, peer_check=check), hearing, ready=False) as link:
        wait_until(lambda: link.status == status)
        assert link.room(Lane.REPLY) == (200 if status == "up" else 0)


def test_a_wrong_secret_is_refused(ground: Ground, hearing: Hearing) -> None:
    with run_peer("another secret") as peer:
        entry = use_cmpp(ground, peer.gateway.port)
        with open_link(ground, entry, hearing, ready=False) as link:
            wait_until(lambda: link.status == "refused_3")


def test_a_half_open_connection_is_noticed(ground: Ground, hearing: Hearing) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        entry = use_cmpp(ground, deaf.getsockname()[1])
        with open_link(ground, entry, hearing, ready=False) as link:
            wait_until(lambda: link.status == "no_answer", 5)


def test_reports_of_either_length_early_and_twice_are_all_heard(link: CmppLink, peer: Peer, hearing: Hearing) -> None:
    peer.play.stats = ("DELIVRD", "DELIVRD", "MA:0001", "ACCEPTD")
    for size, delay in ((71, 0.0), (60, 0.0), (71, 0.05), (60, 0.05)):
        peer.play.report_size, peer.play.report_after_s = size, delay
        hearing.receipts.clear()
        ending = one(link, letter())
        wait_until(lambda: len(hearing.receipts) == 3)
        assert isinstance(ending, Accepted)
        assert {receipt.reference for receipt in hearing.receipts} == set(ending.ids)
        assert [receipt.word for receipt in hearing.receipts].count(Word.UNCLEAR) == 1
    guest = peer.guest()
    wait_until(lambda: not guest.undelivered)


def test_a_report_of_another_length_is_acknowledged_and_left(link: CmppLink, peer: Peer, hearing: Hearing) -> None:
    peer.play.report_size = 60
    one(link, letter())
    wait_until(lambda: hearing.receipts)
    hearing.receipts.clear()
    guest = peer.guest()
    peer.gateway.deliver(Delivery("900001", 5, "10699000", PHONE, b"x" * 65, True))
    wait_until(lambda: not guest.undelivered)
    assert hearing.receipts == []


def test_what_cannot_be_stored_is_not_acknowledged_and_comes_again(
    link: CmppLink, peer: Peer, hearing: Hearing
) -> None:
    hearing.broken = True
    one(link, letter())
    guest = peer.guest()
    wait_until(lambda: guest.undelivered)
    time.sleep(0.2)
    assert guest.undelivered
    hearing.broken = False
    guest.drop()
    wait_until(lambda: len(hearing.receipts) == 1)


def test_a_citizens_text_is_heard(link: CmppLink, peer: Peer, hearing: Hearing) -> None:
    peer.gateway.write("900001", "10699000", "86" + PHONE, " td ")
    wait_until(lambda: hearing.texts)
    (text,) = hearing.texts
    assert (text.link, text.phone, text.to, text.text) == ("cmpp", PHONE, "10699000", " td ")
    assert text.name


def test_a_storm_of_active_tests_is_answered_and_changes_nothing(link: CmppLink, peer: Peer) -> None:
    guest = peer.guest()
    for sequence in range(20_000):
        guest.say(build(ACTIVE_TEST, sequence))
    assert isinstance(one(link, letter()), Accepted)


def test_never_more_than_the_window_is_unanswered(ground: Ground, peer: Peer, hearing: Hearing) -> None:
    held: list[tuple[Guest, bytes]] = []
    peer.play.answer = lambda guest, frame, part: held.append((guest, frame))  # type: ignore[method-assign]
    with open_link(ground, use_cmpp(ground, peer.gateway.port), hearing) as link:
        batch = [letter(phone=f"138{number:08d}") for number in range(40)]
        sender = threading.Thread(target=link.send, args=(batch,))
        sender.start()
        wait_until(lambda: len(held) == 16)
        time.sleep(0.2)
        assert len(held) == 16
        while held:
            guest, frame = held.pop(0)
            guest.say(frame)
            time.sleep(0.005)
        sender.join()
        wait_until(lambda: link.room(Lane.REPLY) == 200)


def test_a_code_goes_before_replies_that_wait(ground: Ground, peer: Peer, hearing: Hearing) -> None:
    peer.play.judged = lambda gateway, guest, part: time.sleep(0.01) or 0  # type: ignore[func-returns-value]
    with open_link(ground, use_cmpp(ground, peer.gateway.port), hearing) as link:
        sender = threading.Thread(target=link.send, args=([letter("答复") for _ in range(150)],))
        sender.start()
        wait_until(lambda: len(peer.parts) > 5)
        begun = time.monotonic()
        assert isinstance(one(link, letter("验证码", Lane.CODE)), Accepted)
        assert time.monotonic() - begun < 0.8
        assert len(peer.parts) < 150
        sender.join()


def test_the_wire_keeps_the_pace_of_the_contract(ground: Ground, peer: Peer, hearing: Hearing) -> None:
    times: list[float] = []
    peer.play.judged = lambda gateway, guest, part: times.append(time.monotonic()) or 0  # type: ignore[func-returns-value]
    with open_link(ground, use_cmpp(ground, peer.gateway.port, parts_per_second=40), hearing) as link:
        link.send([letter() for _ in range(70)])
        wait_until(lambda: len(times) == 70)
    for start, moment in enumerate(times):
        # a few more than written: what left in one second may arrive in a shorter one
        assert sum(other < moment + 0.9 for other in times[start:]) <= 41


def test_closing_waits_for_answers_and_says_goodbye(ground: Ground, hearing: Hearing) -> None:
    under_way = threading.Event()

    def think(gateway: CmppGateway, guest: Guest, part: Part) -> int:
        under_way.set()
        time.sleep(0.3)
        return 0

    with run_peer(ground.secrets.get("cmpp.key"), Faulty(judged=think)) as peer:
        with open_link(ground, use_cmpp(ground, peer.gateway.port), hearing) as link:
            dispatch, endings = letter(), {}
            sender = threading.Thread(target=lambda: endings.update(link.send([dispatch])))
            sender.start()
            assert under_way.wait(5)
        sender.join()
        assert isinstance(endings[dispatch.reference], Accepted)
        wait_until(lambda: not peer.gateway.guests())


def test_closing_does_not_wait_for_ever(ground: Ground, peer: Peer, hearing: Hearing) -> None:
    peer.play.silent = True
    dispatch = letter()
    with open_link(ground, use_cmpp(ground, peer.gateway.port, read_s=60, total_s=75), hearing) as link:
        sender = threading.Thread(target=link.send, args=([dispatch],))
        sender.start()
        wait_until(lambda: peer.parts)
        begun = time.monotonic()
    assert time.monotonic() - begun < 4
    sender.join()
    assert hearing.late == {dispatch.reference: Unknown("no_answer")}
