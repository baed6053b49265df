"""The CMPP link against a gateway of another make, over loopback: the four results, and every fault a line has."""

from __future__ import annotations

import socket
import time
from contextlib import suppress

import pytest

from config.ground import Ground
from sms_port.links.cmpp.link import CmppLink
from sms_port.links.link import Accepted, NotSent, Rejected, Unknown
from sms_port.models import Lane, ReceiptStatus
from sms_port.sandbox.cmpp_frames import ACTIVE_TEST, TERMINATE, Part, build
from sms_port.sandbox.cmpp_gateway import CmppGateway, Delivery, Guest
from tests.sms_port.cmpp_peers import SIGNATURE, Peer, RecordedEvents, make_dispatch, one, open_link, run_peer, use_cmpp
from tests.sms_port.messages import PHONE
from tests.support.servers import free_port, wait_until


def test_a_message_is_accepted_under_the_gateways_name_and_reported(
    link: CmppLink, peer: Peer, recorded: RecordedEvents
) -> None:
    result = one(link, make_dispatch())
    assert isinstance(result, Accepted)
    assert peer.texts == [SIGNATURE + "您好"]
    part = peer.parts[0]
    assert (part.sender, part.phone, part.account, part.service) == ("10699000", PHONE, "900001", "ONECERT")
    wait_until(lambda: recorded.receipts)
    (receipt,) = recorded.receipts
    assert result.ids == (receipt.reference,)
    assert (receipt.link, receipt.status, receipt.code) == ("cmpp", ReceiptStatus.DELIVERED, "DELIVRD")
    assert receipt.clues is not None
    assert (receipt.clues.phone, receipt.clues.extension) == (PHONE, "")


def test_version_2_is_spoken_too(ground: Ground, peer: Peer, recorded: RecordedEvents) -> None:
    peer.play.report_size = 60
    with open_link(ground, use_cmpp(ground, peer.gateway.port, version="2.0"), recorded) as link:
        assert isinstance(one(link, make_dispatch("长" * 100)), Accepted)
        assert "".join(peer.texts) == SIGNATURE + "长" * 100
        wait_until(lambda: len(recorded.receipts) == 2)


def test_a_long_message_has_one_number_in_all_parts_and_another_message_another(link: CmppLink, peer: Peer) -> None:
    text = "长" * 61 + "😀" * 40
    assert isinstance(one(link, make_dispatch(text)), Accepted)
    assert isinstance(one(link, make_dispatch(text)), Accepted)
    first, second = peer.parts[:3], peer.parts[3:]
    for parts in (first, second):
        assert "".join(part.text for part in parts) == SIGNATURE + text
        assert [(part.total, part.number, part.long) for part in parts] == [(3, n, True) for n in (1, 2, 3)]
        assert all(len(part.content) <= 140 for part in parts)
        assert len({part.joint for part in parts}) == 1
    assert first[0].joint != second[0].joint


def test_extension_digits_name_the_message_and_come_back(ground: Ground, peer: Peer, recorded: RecordedEvents) -> None:
    with open_link(ground, use_cmpp(ground, peer.gateway.port, extension_digits=6), recorded) as link:
        one(link, make_dispatch())
        wait_until(lambda: recorded.receipts)
    extension = peer.parts[0].sender.removeprefix("10699000")
    assert len(extension) == 6
    assert recorded.receipts[0].clues is not None
    assert recorded.receipts[0].clues.extension == extension


@pytest.mark.parametrize(("result", "permanent"), [(1, True), (9, True), (13, True), (107, True), (108, False)])
def test_a_refusal_is_for_good_unless_the_catalogue_says_otherwise(
    ground: Ground, peer: Peer, recorded: RecordedEvents, result: int, permanent: bool
) -> None:
    peer.play.judged = lambda gateway, guest, part: result
    entry = use_cmpp(ground, peer.gateway.port)
    entry = entry.model_copy(update={"retryable": (108,)})
    with open_link(ground, entry, recorded) as link:
        assert one(link, make_dispatch()) == Rejected(str(result), permanent)


def test_a_doubtful_sequence_is_unknown(link: CmppLink, peer: Peer) -> None:
    peer.play.judged = lambda gateway, guest, part: 3
    assert one(link, make_dispatch()) == Unknown("no_answer")


def test_a_gateway_that_is_too_busy_is_asked_again_more_slowly(link: CmppLink, peer: Peer) -> None:
    refusals, asked = iter([8, 8]), list[float]()
    peer.play.judged = lambda gateway, guest, part: asked.append(time.monotonic()) or next(refusals, 0)
    begun = time.monotonic()
    assert isinstance(one(link, make_dispatch()), Accepted)
    assert len(asked) == 3
    assert asked[-1] - begun > 2, "a second's pause after each refusal"
    assert len(peer.parts) == 1


@pytest.mark.usefixtures("hasty")
def test_without_an_answer_it_is_unknown_and_a_late_one_is_heard(
    ground: Ground, peer: Peer, recorded: RecordedEvents
) -> None:
    held: list[tuple[Guest, bytes]] = []
    peer.play.answer = lambda guest, frame, part: held.append((guest, frame))  # type: ignore[method-assign]
    dispatch = make_dispatch()
    with open_link(ground, use_cmpp(ground, peer.gateway.port, read_s=1, total_s=8, connect_s=8), recorded) as link:
        assert one(link, dispatch) is None
        wait_until(lambda: recorded.late)
        assert recorded.late == {dispatch.reference: Unknown("no_answer")}
        guest, frame = held[0]
        guest.say(frame)
        wait_until(lambda: isinstance(recorded.late[dispatch.reference], Accepted))
    assert len(peer.parts) == 1


def test_a_line_that_breaks_in_the_middle_leaves_what_was_said_unknown(
    link: CmppLink, peer: Peer, recorded: RecordedEvents
) -> None:
    def break_off(gateway: CmppGateway, guest: Guest, part: Part) -> int:
        guest.say(b"\x00\x00\x00\x18\x80")  # the beginning of an answer
        guest.drop()
        return 0

    peer.play.judged, first = break_off, peer.guest()
    assert one(link, make_dispatch()) == Unknown("no_answer")
    peer.play.judged = lambda gateway, guest, part: 0
    peer.wait_for_another(link, first)
    assert isinstance(one(link, make_dispatch()), Accepted), "it connects again"


def test_a_gateway_that_says_goodbye_is_answered_and_connected_to_again(link: CmppLink, peer: Peer) -> None:
    guest = peer.guest()
    guest.say(build(TERMINATE, 9))
    peer.wait_for_another(link, guest)
    assert isinstance(one(link, make_dispatch()), Accepted)


def test_nothing_is_sent_without_a_connection(ground: Ground, recorded: RecordedEvents) -> None:
    with open_link(ground, use_cmpp(ground, free_port()), recorded, ready=False) as link:
        assert link.room(Lane.CODE) == 0
        assert one(link, make_dispatch()) == NotSent("not_connected")


@pytest.mark.parametrize(("check", "status"), [("strict", "unproven"), ("warn", "up")])
def test_a_gateway_with_the_wrong_proof_is_refused_or_only_named(
    ground: Ground, peer: Peer, recorded: RecordedEvents, check: str, status: str
) -> None:
    peer.play.wrong_proof = True
    with open_link(ground, use_cmpp(ground, peer.gateway.port, peer_check=check), recorded, ready=False) as link:
        wait_until(lambda: link.status == status)
        assert link.room(Lane.REPLY) == (200 if status == "up" else 0)


def test_a_wrong_secret_is_refused(ground: Ground, recorded: RecordedEvents) -> None:
    with run_peer("another secret") as peer:
        entry = use_cmpp(ground, peer.gateway.port)
        with open_link(ground, entry, recorded, ready=False) as link:
            wait_until(lambda: link.status == "refused_3")


def test_a_half_open_connection_is_noticed(ground: Ground, recorded: RecordedEvents) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        entry = use_cmpp(ground, deaf.getsockname()[1], read_s=2, total_s=8, connect_s=1)
        with open_link(ground, entry, recorded, ready=False) as link:
            wait_until(lambda: link.status == "no_answer")


def test_reports_of_either_length_early_and_twice_are_all_heard(
    link: CmppLink, peer: Peer, recorded: RecordedEvents
) -> None:
    peer.play.stats = ("DELIVRD", "DELIVRD", "CA:0001", "ACCEPTD")
    for size, delay in ((71, 0.0), (60, 0.0), (71, 0.05), (60, 0.05)):
        peer.play.report_size, peer.play.report_after_s = size, delay
        recorded.receipts.clear()
        result = one(link, make_dispatch())
        wait_until(lambda: len(recorded.receipts) == 3)
        assert isinstance(result, Accepted)
        assert {receipt.reference for receipt in recorded.receipts} == set(result.ids)
        assert [receipt.status for receipt in recorded.receipts].count(ReceiptStatus.UNCLEAR) == 1
    guest = peer.guest()
    wait_until(lambda: not guest.undelivered)


def test_a_report_of_another_length_is_acknowledged_and_left(
    link: CmppLink, peer: Peer, recorded: RecordedEvents
) -> None:
    peer.play.report_size = 60
    one(link, make_dispatch())
    wait_until(lambda: recorded.receipts)
    recorded.receipts.clear()
    guest = peer.guest()
    peer.gateway.deliver(Delivery("900001", 5, "10699000", PHONE, b"x" * 65, True))
    wait_until(lambda: not guest.undelivered)
    assert recorded.receipts == []


def test_what_cannot_be_stored_now_is_stored_and_acknowledged_once_it_can(
    link: CmppLink, peer: Peer, recorded: RecordedEvents
) -> None:
    recorded.broken = True
    one(link, make_dispatch())
    guest = peer.guest()
    wait_until(lambda: guest.undelivered)
    recorded.broken = False
    wait_until(lambda: not guest.undelivered)
    assert len(recorded.receipts) == 1


def test_what_cannot_be_stored_is_not_acknowledged_and_comes_again(
    link: CmppLink, peer: Peer, recorded: RecordedEvents
) -> None:
    recorded.broken = True
    one(link, make_dispatch())
    guest = peer.guest()
    wait_until(lambda: guest.undelivered)
    time.sleep(0.2)
    assert guest.undelivered
    guest.drop()
    recorded.broken = False
    wait_until(lambda: recorded.receipts)
    assert len({receipt.reference for receipt in recorded.receipts}) == 1


def test_what_a_broken_connection_did_not_acknowledge_comes_over_one_that_was_made_before_its_end_was_seen(
    link: CmppLink, peer: Peer, recorded: RecordedEvents
) -> None:
    recorded.broken = True
    one(link, make_dispatch())
    guest, part = peer.guest(), peer.gateway._part
    wait_until(lambda: guest.undelivered)

    def part_late(leaving: Guest) -> None:
        if leaving is guest:
            with suppress(TimeoutError):  # the test's own wait tells, in the test
                peer.wait_for_another(link, guest)
        part(leaving)

    peer.gateway._part = part_late  # type: ignore[assignment, method-assign]
    guest.drop()
    recorded.broken = False
    wait_until(lambda: recorded.receipts)
    assert len({receipt.reference for receipt in recorded.receipts}) == 1


def test_a_citizens_text_is_heard(link: CmppLink, peer: Peer, recorded: RecordedEvents) -> None:
    peer.gateway.write("900001", "10699000", "86" + PHONE, " td ")
    wait_until(lambda: recorded.texts)
    (text,) = recorded.texts
    assert (text.link, text.phone, text.to, text.text) == ("cmpp", PHONE, "10699000", " td ")
    assert text.name


def test_a_storm_of_active_tests_is_answered_and_changes_nothing(link: CmppLink, peer: Peer) -> None:
    guest = peer.guest()
    for sequence in range(20_000):
        guest.say(build(ACTIVE_TEST, sequence))
    assert isinstance(one(link, make_dispatch()), Accepted)
