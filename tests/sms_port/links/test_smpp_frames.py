"""SMPP frames without a socket: whole, cut anywhere, of any length, and the words in them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms_port.errors import FrameInvalid
from sms_port.links.session.events import Answered, Bound, Closed, Delivered, Lost, Stray
from sms_port.links.smpp.codes import build_name, is_receipt, number_of, parse_receipt, parse_text, status_of
from sms_port.links.smpp.pdus import build_bare, build_submit, decode_all, encode
from sms_port.links.smpp.protocol import Account, SmppSession
from sms_port.models import ReceiptStatus

NOW = 1_000.0
TEXT = "退订".encode("utf-16-be")
RECEIPT = b"id:abc sub:001 dlvrd:001 submit date:2611221405 done date:2611221405 stat:DELIVRD err:000 text:"


def frame(body: bytes, command: int = 5) -> bytes:
    return b"".join(n.to_bytes(4, "big") for n in (16 + len(body), command, 0, 7)) + body


def deliver(content: bytes, *, esm: int = 0, coding: int = 8, more: bytes = b"") -> bytes:
    head = b"\0\1\x018613800138000\0\0\x0110699000\0" + bytes([esm, 0, 0, 0, 0, 0, 0, coding, 0, len(content)])
    return frame(head + content + more)


def only(stream: bytes) -> object:
    ((_, pdu),) = decode_all(bytearray(stream))
    return pdu


def bound() -> SmppSession:
    session = SmppSession(Account("onecert", "sesame"))
    session.open(NOW)
    session.take()
    assert session.feed(frame(b"smsc\0", 0x80000009), NOW) == [Bound(True)]
    return session


def test_a_submit_is_the_specifications_byte_for_byte() -> None:
    said = encode(build_submit("", "10699000", "13800138000", TEXT, long=False), 5)
    body = "000001" + b"10699000\0".hex() + "0101" + b"8613800138000\0".hex() + "00000000000100080004" + TEXT.hex()
    assert said.hex() == f"{16 + len(body) // 2:08x}" + "000000040000000000000005" + body


def test_a_delivery_is_read() -> None:
    pdu = only(deliver(TEXT))
    assert parse_text(pdu) == "退订"
    assert number_of(pdu) == "13800138000"
    assert not is_receipt(pdu)


@pytest.mark.parametrize("whole", [deliver(TEXT), deliver(RECEIPT, esm=4, coding=0)], ids=["text", "receipt"])
def test_every_cut_of_a_delivery_is_refused(whole: bytes) -> None:
    for end in range(16, len(whole)):
        torn = end.to_bytes(4, "big") + whole[4:end]
        with pytest.raises(FrameInvalid):
            only(torn)


@pytest.mark.parametrize("length", [0, 1, 15, 8_193, 0xFFFFFFFF])
def test_a_length_that_cannot_be_true_is_refused_before_anything_is_kept(length: int) -> None:
    with pytest.raises(FrameInvalid):
        list(decode_all(bytearray(length.to_bytes(4, "big") + bytes(12))))


@given(st.binary(max_size=200), st.sampled_from([0x80000004, 5, 0x15, 0x80000000, 6, 0x80000009, 0x102, 0xFF]))
def test_no_bytes_raise_anything_but_a_refusal(body: bytes, command: int) -> None:
    session = bound()
    session.submit("a", build_submit("", "1", "2", b"xx", long=False), NOW)
    events = session.feed(frame(body, command), NOW)
    kinds = (Delivered, Stray, Closed, Lost, Answered)
    assert all(isinstance(event, kinds) for event in events)
    for event in events:
        if isinstance(event, Delivered):
            parse_receipt(event.deliver)
            parse_text(event.deliver)


def test_bytes_may_arrive_one_by_one() -> None:
    stream = deliver(TEXT) + encode(build_bare("enquire_link"), 9) + deliver(TEXT)
    session = bound()
    events = [event for byte in stream for event in session.feed(bytes([byte]), NOW)]
    assert [type(event) for event in events] == [Delivered, Delivered]
    assert session.take() == encode(build_bare("enquire_link_resp"), 9)


@pytest.mark.parametrize(
    ("stat", "word"),
    [
        ("DELIVRD", ReceiptStatus.DELIVERED),
        ("UNDELIV", ReceiptStatus.FAILED),
        ("REJECTD", ReceiptStatus.FAILED),
        ("UNKNOWN", ReceiptStatus.UNCLEAR),
        ("ENROUTE", None),
        ("ACCEPTD", None),
    ],
)
def test_states_have_their_words(stat: str, word: ReceiptStatus | None) -> None:
    report = parse_receipt(only(deliver(RECEIPT.replace(b"DELIVRD", stat.encode()), esm=4, coding=0)))
    assert report is not None
    assert (report.name, status_of(report.stat)) == ("abc", word)


def test_parameters_count_more_than_the_text() -> None:
    more = b"\x00\x1e\x00\x04xyz\x00" + b"\x04\x27\x00\x01\x05"
    report = parse_receipt(only(deliver(RECEIPT, esm=4, coding=0, more=more)))
    assert report is not None
    assert (report.name, report.stat) == ("xyz", "UNDELIV")


def test_a_receipt_that_names_nothing_is_none() -> None:
    assert parse_receipt(only(deliver(b"hello", esm=4, coding=0))) is None


def test_unknown_parameters_are_passed_over() -> None:
    assert parse_text(only(deliver(TEXT, more=b"\x14\x00\x00\x02ab"))) == "退订"


def test_names_fit_the_ledger_whatever_the_gateway_calls_a_part() -> None:
    assert build_name(b"0A-b_1.2") == "0A-b_1.2"
    for raw in (b"x" * 64, b"\xff\x00", b"a b"):
        assert len(build_name(raw)) == 32
        assert build_name(raw) == build_name(raw)
    assert build_name(b"") != build_name(None)
