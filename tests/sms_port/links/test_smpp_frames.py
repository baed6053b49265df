"""SMPP frames without a socket: what real peers send is read as far as it goes, and what it means.

A row's id names its case in the collection of public reports (S, A, B) and the report that it comes from.
"""

from __future__ import annotations

import pytest
import smpplib.smpp
from hypothesis import given
from hypothesis import strategies as st

from sms_port.errors import FrameInvalid
from sms_port.links.gateway_text import status_of
from sms_port.links.session.events import Answered, Bound, Closed, Delivered, Event, Lost, Stage, Stray, UnknownCommand
from sms_port.links.smpp.codes import Kind, addresses_of, kind_of, parse_receipt, parse_text
from sms_port.links.smpp.decoder import LONGEST, Pdu, decode_all
from sms_port.links.smpp.pdus import build_bind, build_submit, encode
from sms_port.links.smpp.protocol import Account, SmppSession
from sms_port.message_reference import UNNAMED, normalise_id, spellings_of
from sms_port.models import ReceiptStatus
from sms_port.text_coding import Segment

NOW = 1_000.0
DELIVERED, FAILED, UNCLEAR = ReceiptStatus.DELIVERED, ReceiptStatus.FAILED, ReceiptStatus.UNCLEAR
TEXT = "退订".encode("utf-16-be")
RECEIPT = b"id:abc sub:001 dlvrd:001 submit date:2611221405 done date:2611221405 stat:DELIVRD err:000 text:"
PART = build_submit("", "10699000", "13800138000", "您好".encode("utf-16-be"), long=False)


def frame(body: bytes, command: int = 5, status: int = 0, sequence: int = 7) -> bytes:
    return b"".join(n.to_bytes(4, "big") for n in (16 + len(body), command, status, sequence)) + body


def tlv(tag: int, value: bytes) -> bytes:
    return tag.to_bytes(2, "big") + len(value).to_bytes(2, "big") + value


def deliver(
    content: bytes, *, esm: int = 0, coding: int = 8, more: bytes = b"", source: bytes = b"8613800138000"
) -> bytes:
    head = b"\0\1\x01" + source + b"\0\0\x0110699000\0"
    return frame(head + bytes([esm, 0, 0, 0, 0, 0, 0, coding, 0, len(content)]) + content + more)


def only(stream: bytes) -> Pdu:
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


def test_another_make_reads_what_we_write() -> None:
    pdu = smpplib.smpp.parse_pdu(encode(build_bind("onecert", "sesame"), 1), sequence=0)
    assert (pdu.command, pdu.system_id, pdu.password) == ("bind_transceiver", b"onecert", b"sesame")
    content = b"\x05\0\x03\x07\x02\x01" + TEXT
    submit = build_submit("GOV", "10699000", "13800138000", content, long=True, validity="261122150500032+")
    pdu = smpplib.smpp.parse_pdu(encode(submit, 9), sequence=0)
    assert (pdu.sequence, pdu.service_type, pdu.source_addr) == (9, b"GOV", b"10699000")
    assert (pdu.destination_addr, pdu.validity_period) == (b"8613800138000", b"261122150500032+")
    assert (pdu.esm_class, pdu.registered_delivery, pdu.data_coding, pdu.short_message) == (0x40, 1, 8, content)


def test_a_delivery_is_read() -> None:
    pdu = only(deliver(TEXT))
    assert parse_text(pdu) == ("退订", None)
    assert addresses_of(pdu) == ("13800138000", "10699000")
    assert kind_of(pdu) is Kind.TEXT


@pytest.mark.parametrize("whole", [deliver(TEXT), deliver(RECEIPT, esm=4, coding=0)], ids=["text", "receipt"])
def test_every_cut_of_a_delivery_is_read_as_far_as_it_goes(whole: bytes) -> None:
    for end in range(16, len(whole)):
        pdu = only(end.to_bytes(4, "big") + whole[4:end])
        assert pdu.command == 5
        kind_of(pdu), parse_receipt(pdu), parse_text(pdu)


@pytest.mark.parametrize("length", [0, 1, 15, LONGEST + 1, 0xFFFFFFFF])
def test_a_length_that_cannot_be_true_is_refused_before_anything_is_kept(length: int) -> None:
    with pytest.raises(FrameInvalid):
        list(decode_all(bytearray(length.to_bytes(4, "big") + bytes(12))))


COMMANDS = [0x80000004, 5, 0x15, 0x80000000, 0x80000009, 0x102, 0x103, 0x80000015, 0x80000005, 0x10200, 0xFF]


@given(st.binary(max_size=200), st.sampled_from(COMMANDS))
def test_no_content_ends_a_session(body: bytes, command: int) -> None:
    session = bound()
    session.submit("a", PART, NOW)
    for event in session.feed(frame(body, command), NOW):
        assert isinstance(event, Delivered | Stray | Lost | Answered | UnknownCommand)
        if isinstance(event, Delivered):
            kind_of(event.frame), parse_receipt(event.frame), parse_text(event.frame)
    assert session.stage is Stage.BOUND


def test_bytes_may_arrive_one_by_one() -> None:
    stream = deliver(TEXT) + frame(b"", 0x15, sequence=9) + deliver(TEXT)
    session = bound()
    events = [event for byte in stream for event in session.feed(bytes([byte]), NOW)]
    assert [type(event) for event in events] == [Delivered, Delivered]
    assert session.take() == frame(b"", 0x80000015, sequence=9)


# What the answer to a submit_sm may be.


def answered(name: str, result: int = 0) -> Event:
    return Answered("a", result, name)


@pytest.mark.parametrize(
    ("body", "status", "expected"),
    [
        pytest.param(b"abc\0" + tlv(0x0428, b"\x05"), 0, answered("abc"), id="A01 0428, smpplib#2"),
        pytest.param(b"abc\0" + tlv(0x2001, b"xy"), 0, answered("abc"), id="A02 2001, smpplib#190"),
        pytest.param(b"abc\0" + tlv(0x001D, b"queued\0"), 0, answered("abc"), id="A03 001D, SMPP 5.0; jasmin#826"),
        pytest.param(b"abc\0" + tlv(0x0420, b"\x01"), 0, answered("abc"), id="A04 0420 dpf_result"),
        pytest.param(b"abc\0" + tlv(0x0423, b"\x03\0\x01"), 0, answered("abc"), id="A04b 0423"),
        pytest.param(b"abc\0" + tlv(0x0423, b"\x03")[:-1], 0, answered("abc"), id="variant: a parameter that is cut"),
        pytest.param(b"abc\0\0", 0, answered("abc"), id="variant: two NULs"),
        pytest.param(b"abc", 0, answered("abc"), id="A09 no NUL, praekelt#7"),
        pytest.param(b"abc" + tlv(0x0428, b"\x05"), 0, answered("abc"), id="variant: no NUL, a parameter"),
        pytest.param(b"x" * 17, 0x0B, answered("xxxxxxxxxxxxxxxxx", 0x0B), id="A05 smppex#6"),
        pytest.param(b"", 0x0A, answered(UNNAMED, 0x0A), id="A06 vumi#804"),
        pytest.param(b"\0", 3, answered(UNNAMED, 3), id="A07 node-smpp#223"),
        pytest.param(b"\0" + tlv(0x001D, b"busy\0"), 0x45, answered(UNNAMED, 0x45), id="A08 refusal with 001D"),
        pytest.param(b"", 0, answered(UNNAMED), id="variant: taken, without an id"),
        pytest.param(b" 00AB-cd \0", 0, answered("abcd"), id="variant: an id with padding"),
    ],
)
def test_an_answer_is_read_whatever_else_it_brings(body: bytes, status: int, expected: Event) -> None:
    session = bound()
    session.submit("a", PART, NOW)
    sequence = int.from_bytes(session.take()[12:16], "big")
    assert session.feed(frame(body, 0x80000004, status, sequence), NOW) == [expected]
    assert session.stage is Stage.BOUND


@pytest.mark.parametrize(
    ("stream", "events", "reply"),
    [
        pytest.param(frame(b"\1\1x\0\1\1y\0", 0x102), [], b"", id="B01 alert_notification, smpplib#20"),
        pytest.param(frame(b"\1\1x\0\1\1y\0" + tlv(0x0422, b"\0"), 0x102), [], b"", id="B02 with 0422"),
        pytest.param(
            frame(b"??", 0x10200), [UnknownCommand(0x10200)], frame(b"", 0x80000000, 3), id="B03 unknown, naz#46"
        ),
        pytest.param(frame(b"", 0x03), [UnknownCommand(3)], frame(b"", 0x80000000, 3), id="variant: query_sm"),
        pytest.param(frame(b"x", 0x15), [], frame(b"", 0x80000015), id="B04 enquire_link with a body"),
        pytest.param(frame(b"", 0x80000015, 4), [], b"", id="B05 enquire_link_resp with a status"),
        pytest.param(frame(b"", 0x80000000, 3, 0), [Stray()], b"", id="B06 generic_nack of sequence 0, smppex#58"),
        pytest.param(frame(b"m1\0", 0x80000005), [Stray()], b"", id="B07 deliver_sm_resp, smscgateway#232"),
        pytest.param(frame(b"m1\0", 0x80000103), [Stray()], b"", id="B08 data_sm_resp"),
        pytest.param(frame(b"", 0x80000006), [Stray()], b"", id="variant: unbind_resp unasked"),
        pytest.param(frame(b"", 0x80000021), [Stray()], b"", id="variant: submit_multi_resp unasked"),
        pytest.param(frame(b"smsc\0", 0x80000009), [Stray()], b"", id="variant: bind_transceiver_resp again"),
    ],
)
def test_what_nobody_asked_for_changes_nothing(stream: bytes, events: list[Event], reply: bytes) -> None:
    session = bound()
    session.submit("a", PART, NOW)
    session.take()
    assert session.feed(stream, NOW) == events
    assert session.take() == reply
    assert (session.stage, len(session.unanswered)) == (Stage.BOUND, 1)


@pytest.mark.parametrize("stream", [frame(b"", 0x15), frame(b"xx", 0x15)])
def test_an_enquire_link_before_the_bind_is_answered(stream: bytes) -> None:
    """B10: SMPP 3.4 section 2.2 allows it in the state OPEN."""
    session = SmppSession(Account("onecert", "sesame"))
    session.open(NOW)
    session.take()
    assert session.feed(stream, NOW) == []
    assert session.take() == frame(b"", 0x80000015)
    assert session.feed(deliver(TEXT) + frame(b"smsc\0" + tlv(0x0210, b"\x34"), 0x80000009), NOW)[0] == Bound(True)


@pytest.mark.parametrize(("status", "reason"), [(5, "refused_5"), (13, "refused_13")])
def test_a_refused_bind_ends_it_with_its_number(status: int, reason: str) -> None:
    session = SmppSession(Account("onecert", "sesame"))
    session.open(NOW)
    assert session.feed(frame(b"", 0x80000009, status), NOW) == [Closed(reason)]


# What a delivery is, and what it says.


def text_of(stat: str = "DELIVRD", name: str = "abc", fields: str = "sub:001 dlvrd:001 ") -> bytes:
    dates = "submit date:2611221405 done date:2611221405"
    return f"id:{name} {fields}{dates} stat:{stat} err:000 text:".encode()


TAGS = tlv(0x001E, b"abc\0") + tlv(0x0427, b"\x02")
UCS2_RECEIPT = RECEIPT.decode().encode("utf-16-be")
LATE = "id:abc sub:001 dlvrd:001 submit date:180903120814 done date:180903120816 "


def data_sm(esm: int, more: bytes, coding: int = 0) -> bytes:
    head = b"\0\1\x018613800138000\0\0\x0110699000\0"
    return frame(head + bytes([esm, 0, coding]) + more, 0x103)


@pytest.mark.parametrize(
    ("stream", "names", "status"),
    [
        pytest.param(deliver(RECEIPT, esm=4, coding=0), ("abc",), DELIVERED, id="S00 spec App. B"),
        pytest.param(
            deliver(b"", esm=4, more=tlv(0x001E, b"tlv7") + tlv(0x0427, b"\2")),
            ("tlv7",),
            DELIVERED,
            id="S07 001E without NUL, go-smpp#73",
        ),
        pytest.param(
            deliver(text_of(name="tlv8"), esm=4, coding=0, more=tlv(0x001E, b"tlv8")), ("tlv8",), DELIVERED, id="S08"
        ),
        pytest.param(deliver(b"", esm=4, more=TAGS), ("abc",), DELIVERED, id="S09 parameters only"),
        pytest.param(
            deliver(b"", esm=4, coding=0, more=tlv(0x0424, RECEIPT)), ("abc",), DELIVERED, id="S10 payload, vumi#330"
        ),
        pytest.param(data_sm(4, TAGS), ("abc",), DELIVERED, id="S11 data_sm, jasmin#139"),
        pytest.param(data_sm(0, tlv(0x0424, RECEIPT)), ("abc",), DELIVERED, id="variant: data_sm, payload, esm 0"),
        pytest.param(deliver(RECEIPT, coding=0), ("abc",), DELIVERED, id="S12 esm_class 0, node-smpp#140"),
        pytest.param(deliver(b"", more=TAGS), ("abc",), DELIVERED, id="S13 esm_class 0, parameters, node-smpp#116"),
        pytest.param(deliver(RECEIPT, esm=0x24, coding=0), ("abc",), DELIVERED, id="variant: both kinds of bits"),
        pytest.param(
            deliver(text_of("ENROUTE"), esm=0x20, coding=0), ("abc",), None, id="S14 intermediate, smscgateway#77"
        ),
        pytest.param(deliver(text_of("ACCEPTD"), esm=4, coding=0), ("abc",), None, id="S15 jasmin#885"),
        pytest.param(deliver(text_of(fields=""), esm=4, coding=0), ("abc",), DELIVERED, id="S16 jsmpp#62"),
        pytest.param(
            deliver(text_of("UNDELIV").replace(b"2611221405", b"180711070003912+"), esm=4, coding=0),
            ("abc",),
            FAILED,
            id="S17 smppex#46",
        ),
        pytest.param(
            deliver(f"{LATE}DELIVRD err:000 Text:".encode(), esm=4, coding=0), ("abc",), DELIVERED, id="S18 ksmppd#108"
        ),
        pytest.param(
            deliver(f"{LATE}UNDELIV err:001 Text:".encode(), esm=4, coding=0),
            ("abc",),
            FAILED,
            id="variant: S18 UNDELIV",
        ),
        pytest.param(deliver(text_of("DELIVERED"), esm=4, coding=0), ("abc",), DELIVERED, id="S19 jasmin#181"),
        pytest.param(deliver(text_of("ACCEPTED"), esm=4, coding=0), ("abc",), None, id="S20 ACCEPTED"),
        pytest.param(deliver(text_of("BUFFRED"), esm=4, coding=0), ("abc",), None, id="S21 jsmpp#9 (Mblox)"),
        pytest.param(deliver(text_of("ACKED"), esm=4, coding=0), ("abc",), None, id="S22 jsmpp#9 (Mblox)"),
        pytest.param(
            deliver(text_of("UNDELIVERABLE"), esm=4, coding=0), ("abc",), FAILED, id="variant: SMPP's own name"
        ),
        pytest.param(deliver(text_of("Scheduled"), esm=4, coding=0), ("abc",), None, id="variant: Scheduled"),
        pytest.param(
            deliver(text_of("delivrd").replace(b"stat:", b"Stat:"), esm=4, coding=0), ("abc",), DELIVERED, id="S23"
        ),
        pytest.param(
            deliver(RECEIPT + b"id:x9 stat:UNDELIV", esm=4, coding=0), ("abc",), DELIVERED, id="S24 the text echoes"
        ),
        pytest.param(
            deliver(RECEIPT, esm=4, coding=0, more=tlv(0x0423, b"abc") + tlv(0x1454, b"1234") + tlv(0x1418, b"1234")),
            ("abc",),
            DELIVERED,
            id="S25 php-smpp#70",
        ),
        pytest.param(
            deliver(RECEIPT, esm=4, coding=0, more=tlv(0x000E, b"\1") + tlv(0x0006, b"\1") + tlv(0x0426, b"\1") + TAGS),
            ("abc",),
            DELIVERED,
            id="S26 smpplib#14",
        ),
        pytest.param(
            deliver(RECEIPT, esm=4, coding=0, more=tlv(0x001D, b"ok\0")), ("abc",), DELIVERED, id="S27 001D, jasmin#826"
        ),
        pytest.param(
            deliver(RECEIPT, esm=4, coding=0, more=tlv(0x0204, b"12345")), ("abc",), DELIVERED, id="S28 0204 of 5 bytes"
        ),
        pytest.param(
            deliver(RECEIPT, esm=4, coding=0, more=b"\0"), ("abc",), DELIVERED, id="S29 NUL behind, praekelt#7"
        ),
        pytest.param(
            deliver(RECEIPT, esm=4, coding=0, more=b"\0" + TAGS),
            ("abc",),
            DELIVERED,
            id="variant: NUL, then parameters",
        ),
        pytest.param(
            deliver(RECEIPT, esm=4, coding=8), ("abc",), DELIVERED, id="S30 ASCII under coding 8, node-smpp#68"
        ),
        pytest.param(
            deliver(RECEIPT + b"x", esm=4, coding=8), ("abc",), DELIVERED, id="variant: S30, another length by one"
        ),
        pytest.param(deliver(UCS2_RECEIPT, esm=4, coding=8), ("abc",), DELIVERED, id="S31 UTF-16, go-smpp#107"),
        pytest.param(
            deliver(b"\xff\xfe" + RECEIPT.decode().encode("utf-16-le"), esm=4), ("abc",), DELIVERED, id="variant: LE"
        ),
        pytest.param(
            deliver(b"", esm=4, more=tlv(0x001E, b"abc\0\0") + tlv(0x0427, b"\2")),
            ("abc",),
            DELIVERED,
            id="S32 two NULs",
        ),
        pytest.param(deliver(text_of("FAILED"), esm=4, coding=0), ("abc",), FAILED, id="S34 vumi#897"),
        pytest.param(
            deliver(b"", esm=4, more=tlv(0x001E, b"abc\0") + tlv(0x0427, b"\0")),
            ("abc",),
            None,
            id="S35 SMPP 5 SCHEDULED",
        ),
        pytest.param(
            deliver(b"", esm=4, more=tlv(0x001E, b"abc\0") + tlv(0x0427, b"\x09")), ("abc",), FAILED, id="S35 SKIPPED"
        ),
        pytest.param(
            deliver(RECEIPT, esm=4, coding=0, more=tlv(0x001E, b"xyz\0") + tlv(0x0427, b"\5")),
            ("xyz", "abc"),
            FAILED,
            id="variant: parameter and text differ",
        ),
        pytest.param(
            deliver(RECEIPT, esm=4, coding=0, more=tlv(0x0427, b"\1")),
            ("abc",),
            DELIVERED,
            id="variant: final text wins",
        ),
        pytest.param(deliver(b"stat:DELIVRD", esm=4, coding=0), (), DELIVERED, id="variant: no id at all"),
        pytest.param(deliver(text_of("UNKNOWN"), esm=4, coding=0), ("abc",), UNCLEAR, id="variant: UNKNOWN"),
    ],
)
def test_a_receipt_is_understood(stream: bytes, names: tuple[str, ...], status: ReceiptStatus | None) -> None:
    session = bound()
    (event,) = session.feed(stream, NOW)
    assert isinstance(event, Delivered)
    assert kind_of(event.frame) is Kind.RECEIPT
    report = parse_receipt(event.frame)
    assert report is not None
    assert (report.names, status_of(report.stat, {}), report.phone) == (names, status, "13800138000")


@pytest.mark.parametrize("esm", [0x08, 0x10, 0x18], ids=["S36 delivery ack", "S36 manual ack", "variant: abort"])
def test_acknowledgements_of_other_phones_are_neither_receipts_nor_texts(esm: int) -> None:
    assert kind_of(only(deliver(TEXT, esm=esm))) is Kind.OTHER


@pytest.mark.parametrize("text", ["id:5 有问题", "stat:DELIVRD", "my id: 482913"])
def test_a_text_that_resembles_a_receipt_is_a_text(text: str) -> None:
    assert kind_of(only(deliver(text.encode("utf-16-be")))) is Kind.TEXT


def test_a_receipt_that_says_nothing_is_none() -> None:
    assert parse_receipt(only(deliver(b"hello", esm=4, coding=0))) is None


def test_a_receipt_whose_addresses_were_left_as_we_sent_them_is_about_the_phone() -> None:
    head = b"\0\0\x0110699000\0\1\x018613800138000\0"
    pdu = only(frame(head + bytes([4, 0, 0, 0, 0, 0, 0, 0, 0, len(RECEIPT)]) + RECEIPT))
    assert addresses_of(pdu) == ("13800138000", "10699000")


@pytest.mark.parametrize(
    ("answer", "receipt"),
    [
        pytest.param("812FC7470000001B", "9308878062554710043", id="S01 jasmin#586"),
        pytest.param("0870928761", "33E95179", id="S02 mokai#8"),
        pytest.param("sar-1eedf843-2-1", "SAR-1EEDF843-2-1", id="S03 jasmin#418"),
        pytest.param("0e999f21-81ef", "E999F21-81EF", id="S04 jasmin#643"),
        pytest.param("73521", "0000073521", id="S05 MavoCz#4"),
        pytest.param("73521", " 73521 ", id="S06 padding"),
        pytest.param("a1b2-c3", "A1B2C3", id="variant: hyphens"),
        pytest.param("11", "17", id="variant: jsmpp, 17th message"),
        pytest.param("1A", "26", id="variant: hex without padding"),
    ],
)
def test_an_id_is_known_in_every_spelling(answer: str, receipt: str) -> None:
    assert normalise_id(answer) in spellings_of(normalise_id(receipt))


@pytest.mark.parametrize(("one", "other"), [("abc", "abd"), ("m1", "m11"), ("10", "11")])
def test_other_ids_stay_others(one: str, other: str) -> None:
    assert not set(spellings_of(normalise_id(one))) & set(spellings_of(normalise_id(other)))


@pytest.mark.parametrize("raw", ["x" * 64, "\xff\x01", "(1)"])
def test_an_id_fits_the_ledger_whatever_the_gateway_writes(raw: str) -> None:
    assert len(normalise_id(raw)) == 32
    assert normalise_id(raw) == normalise_id(raw)


@pytest.mark.parametrize(
    ("more", "content", "esm", "segment"),
    [
        (tlv(0x020C, b"\0\7") + tlv(0x020E, b"\2") + tlv(0x020F, b"\1"), TEXT, 0, Segment(7, 2, 1)),
        (b"", b"\5\0\3\7\2\1" + TEXT, 0x40, Segment(7, 2, 1)),
        (b"", b"\6\x08\4\0\7\2\1" + TEXT, 0x40, Segment(7, 2, 1)),
        (b"", b"\5\0\3\7\1\1" + TEXT, 0x40, None),
        (b"", TEXT, 0, None),
    ],
)
def test_the_place_in_a_long_text_is_read(more: bytes, content: bytes, esm: int, segment: Segment | None) -> None:
    assert parse_text(only(deliver(content, esm=esm, more=more))) == ("退订", segment)
