"""Receipts and answers of real gateways over live sockets, as the ledger takes them: S, A, B and C rows, and variants.

All cases of one protocol share a connection, each with a number of its own, so that one that ends the session or
settles another's message shows in its neighbours. The sources of the rows are in the tests of the frames.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from config.ground import Ground
from sms_port.ledger.messages import sweep
from sms_port.sending.gateway import Gateway
from tests.conftest import on_sqlite
from tests.sms_port.cmpp_peers import work
from tests.sms_port.live.raw_peer import Heard, RawPeer, cmpp_delivery, cmpp_report, run_raw, smpp_delivery, tlv
from tests.sms_port.messages import News, make_reply, owe_all, state_of
from tests.support.servers import wait_until


@dataclass(frozen=True)
class Case:
    """A gateway's word about a message that it took, and the state that the message has then."""

    say: Callable[[RawPeer, Heard], list[int]]
    expected: str = "DELIVERED"


def play(ground: Ground, news: News, peer: RawPeer, gateway: Gateway, cases: dict[str, Case]) -> None:
    """Send each case its message, have all said, and look at each."""
    owed = {name: make_reply(f"138{number:08}") for number, name in enumerate(cases)}
    owe_all(ground, *owed.values())
    work(gateway)
    wait_until(lambda: {state_of(ground, one).name for one in owed.values()} == {"ACCEPTED"})
    heard = {one.phone: one for one in peer.heard}
    said = [sequence for name, case in cases.items() for sequence in case.say(peer, heard[owed[name].phone])]
    peer.wait_acknowledged(*said)
    sweep(ground, news)
    assert {name: state_of(ground, one).name for name, one in owed.items()} == {
        name: case.expected for name, case in cases.items()
    }
    assert peer.logins == 1, "no session is lost for content"
    assert len(peer.heard) == len(cases), "nothing is sent twice"


def report(
    stat: str = "DELIVRD",
    *more: str,
    size: int = 71,
    number: str = "86{phone}",
    tail: bytes | None = None,
    registered: int = 1,
    dest: str = "10699000",
    coding: int = 0,
    **times: bytes,
) -> Callable[[RawPeer, Heard], list[int]]:
    """CMPP status reports of these states."""

    def say(peer: RawPeer, heard: Heard) -> list[int]:
        phone = number.format(phone=heard.phone).encode("latin-1")
        sequences = []
        for one in (stat, *more):
            content = cmpp_report(heard.name, phone, one.encode("latin-1"), size=size, **times)[:size]
            options = {"dest": dest.encode(), "registered": registered, "tail": tail, "coding": coding}
            sequences.append(peer.deliver(cmpp_delivery(peer.version, content, b"", **options)))  # type: ignore[arg-type]
        return sequences

    return say


def raw(command: int, body: bytes = b"") -> Callable[[RawPeer, Heard], list[int]]:
    """A frame about nobody, then a good report."""

    def say(peer: RawPeer, heard: Heard) -> list[int]:
        peer.say(peer.frame(command, 0x7FFFFF00, body))
        good = receipt() if peer.header == 16 else report()
        return good(peer, heard)

    return say


def stored(peer: RawPeer, sequences: list[int]) -> list[int]:
    peer.wait_acknowledged(*sequences)
    return sequences


def burst(peer: RawPeer, heard: Heard, *stats: bytes) -> list[int]:
    """Reports in one write."""
    contents = [cmpp_report(heard.name, b"86" + heard.phone.encode(), stat) for stat in stats]
    sequences = range(0x100000 + 10 * (heard.name & 0xFFFF), 0x200000)[: len(stats)]
    frames = [
        peer.frame(5, sequence, cmpp_delivery(peer.version, content, b"", registered=1))
        for sequence, content in zip(sequences, contents, strict=True)
    ]
    peer.say(b"".join(frames))
    return list(sequences)


CMPP = {
    "C02 report of its own length": Case(report()),
    "C03 report of the other length, gocmpp, SMSGate (Aspire)": Case(report(size=60)),
    "C04 no LinkID": Case(report(tail=b"")),
    "C05 a short LinkID": Case(report(tail=b"\0\0\0")),
    "variant: no LinkID, the other length": Case(report(size=60, tail=b"")),
    "variant: bytes behind the LinkID": Case(report(tail=bytes(25))),
    "C06 garbage behind the NUL, gocmpp ReadCString": Case(report(number="86{phone}\0xyz")),
    "C07 REJECT and NUL, MySubmail": Case(report("REJECT"), "UNDELIVERED"),
    "variant: NOROUTE": Case(report("NOROUTE"), "UNDELIVERED"),
    "C08 MK:0001, anxin163": Case(report("MK:0001"), "UNDELIVERED"),
    "C09 MA:0001, anxin163 78, MySubmail": Case(report("MA:0001"), "UNDELIVERED"),
    "variant: ma:0022 in lower case": Case(report("ma:0022"), "UNDELIVERED"),
    "C10 ID:0012": Case(report("ID:0012"), "UNDELIVERED"),
    "C11 MK00013": Case(report("MK00013"), "UNDELIVERED"),
    "variant: DB:0141": Case(report("DB:0141"), "UNDELIVERED"),
    "variant: MI:0024": Case(report("MI:0024"), "UNDELIVERED"),
    "variant: MN:0001": Case(report("MN:0001"), "UNDELIVERED"),
    "variant: GATEERR": Case(report("GATEERR"), "UNDELIVERED"),
    "C12 CA:0051, no answer": Case(report("CA:0051"), "ACCEPTED"),
    "variant: CA:0051, then DELIVRD": Case(report("CA:0051", "DELIVRD")),
    "C13 delivrd": Case(report("delivrd")),
    "variant: Delivrd with blanks": Case(report("Delivrd")),
    "C14 AF:4 and year 0, SMSGate": Case(report("AF:4", submitted=b"0001010000", done=b"0001010000"), "UNDELIVERED"),
    "C15 before 1970": Case(report(submitted=b"6901010000")),
    "C16 no times, yedamao": Case(report(submitted=b"", done=b"")),
    "variant: times of 12 digits": Case(report(submitted=b"2611221405", done=b"\xff" * 10)),
    "F12 0000000000": Case(report(submitted=b"0000000000", done=b"0000000000")),
    "F12 2613010000": Case(report(submitted=b"2613010000", done=b"2613010000")),
    "F12 9912312359": Case(report(submitted=b"9912312359", done=b"9912312359")),
    "C17 86 in the number": Case(report(number="86{phone}")),
    "variant: +86": Case(report(number="+86{phone}")),
    "variant: no prefix": Case(report(number="{phone}")),
    "variant: 0086": Case(report(number="0086{phone}")),
    "variant: no number at all": Case(report(number="")),
    "C18 ACCEPTD, then DELIVRD": Case(report("ACCEPTD", "DELIVRD")),
    "variant: ENROUTE, then UNDELIV": Case(report("ENROUTE", "UNDELIV"), "UNDELIVERED"),
    "variant: BUFFRED alone": Case(report("BUFFRED"), "ACCEPTED"),
    "C19 UNDELIV, later DELIVRD": Case(
        lambda peer, heard: [*stored(peer, report("UNDELIV")(peer, heard)), *report("DELIVRD")(peer, heard)],
    ),
    "variant: UNDELIV and DELIVRD in one segment": Case(
        lambda peer, heard: burst(peer, heard, b"UNDELIV", b"DELIVRD"),
    ),
    "variant: DELIVRD, then UNDELIV": Case(report("DELIVRD", "UNDELIV")),
    "C20 Registered_Delivery 2": Case(report(registered=2)),
    "variant: Registered_Delivery 0": Case(report(registered=0)),
    "variant: Msg_Fmt 8": Case(report(coding=8)),
    "C21 a report of 61 bytes": Case(report(size=61), "ACCEPTED"),
    "variant: a report of 0 bytes": Case(report(size=0), "ACCEPTED"),
    "M06 Dest_Id with the gateway's suffix": Case(report(dest="106990008888")),
    "variant: Dest_Id empty": Case(report(dest="")),
    "S33 the same report twice": Case(report("DELIVRD", "DELIVRD")),
    "C30 QUERY_RESP unasked": Case(raw(0x80000006)),
    "C31 ACTIVE_TEST with a reserved byte": Case(raw(8, b"\0")),
    "C32 ACTIVE_TEST with our sequence": Case(raw(8)),
    "C33 FWD": Case(raw(9, bytes(40))),
    "variant: CANCEL_RESP": Case(raw(0x80000007, bytes(4))),
    "variant: CONNECT_RESP again": Case(raw(0x80000001, bytes(21))),
    "variant: SUBMIT_RESP to nothing": Case(raw(0x80000004, bytes(12))),
    "variant: a SUBMIT": Case(raw(4, bytes(160))),
}


@pytest.mark.parametrize(
    ("version", "database_url"), [(0x30, "mariadb"), (0x20, "sqlite")], indirect=["database_url"], ids=["3.0", "2.0"]
)
def test_what_cmpp_gateways_report(ground: Ground, news: News, version: int) -> None:
    """C rows; C00, C01 and C42: tests are answered with 12 bytes, and one comes before the login is answered."""
    with run_raw(ground, news, version, idle_s=1) as (peer, gateway):
        peer.answer_test = peer.respond
        play(ground, news, peer, gateway, CMPP)
        wait_until(lambda: peer.tests > 0)
        assert peer.logins == 1


FULL = "id:{name} sub:001 dlvrd:001 submit date:2611221405 done date:2611221406 stat:{stat} err:000 text:{echo}"


def receipt(
    stat: str = "DELIVRD",
    *more: str,
    text: str = FULL,
    echo: str = "",
    name: Callable[[int], str] = lambda number: f"{number:x}",
    esm: int = 4,
    coding: int = 0,
    charset: str = "ascii",
    tags: Callable[[Heard], bytes] = lambda heard: b"",
    payload: bool = False,
    data_sm: bool = False,
) -> Callable[[RawPeer, Heard], list[int]]:
    """SMPP receipts of these states."""

    def say(peer: RawPeer, heard: Heard) -> list[int]:
        sequences = []
        for one in (stat, *more):
            content = text.format(name=name(heard.name), stat=one, echo=echo).encode(charset)
            extra = tags(heard) if not payload else tlv(0x0424, content) + tags(heard)
            body = smpp_delivery(
                b"" if payload else content,
                b"86" + heard.phone.encode(),
                esm=esm,
                coding=coding,
                more=extra,
                data_sm=data_sm,
            )
            sequences.append(peer.deliver(body, 0x103 if data_sm else 5))
        return sequences

    return say


def parameters(state: int = 2, end: bytes = b"\0", *, extra: bytes = b"") -> Callable[[Heard], bytes]:
    """receipted_message_id and message_state."""
    return lambda heard: extra + tlv(0x001E, f"{heard.name:x}".encode() + end) + tlv(0x0427, bytes([state]))


SPELLED = "id:{name} stat:{stat}"
LATE = "id:{name} sub:001 dlvrd:001 submit date:2611221405 done date:2611221406 {stat} err:000 Text:"
SMPP = {
    "S00 spec App. B": Case(receipt()),
    "S01 decimal": Case(receipt(name=str)),
    "S03 case of letters": Case(receipt(name=lambda n: f"{n:X}")),
    "S05 padded": Case(receipt(name=lambda n: f"{n:020x}")),
    "S06 blanks": Case(receipt(text=SPELLED.replace("{name}", "\t{name} "))),
    "variant: quoted": Case(receipt(text='id:"{name}" stat:"{stat}"')),
    "variant: hyphens": Case(receipt(name=lambda n: f"{n:x}"[:4] + "-" + f"{n:x}"[4:])),
    "variant: decimal with zeros": Case(receipt(name=lambda n: f"{n:020}")),
    "S07 001E without NUL": Case(receipt(text="", tags=parameters(end=b""))),
    "S08 001E without NUL, and the text": Case(receipt(tags=parameters(end=b""))),
    "S09 parameters only": Case(receipt(text="", tags=parameters())),
    "S10 message_payload": Case(receipt(payload=True)),
    "S11 data_sm": Case(receipt(text="", tags=parameters(), data_sm=True)),
    "variant: data_sm, payload, esm 0": Case(receipt(payload=True, data_sm=True, esm=0)),
    "S12 esm_class 0": Case(receipt(esm=0)),
    "variant: esm_class 8": Case(receipt(esm=8)),
    "variant: esm_class 0x10": Case(receipt(esm=0x10)),
    "variant: esm_class 0x43 with no header": Case(receipt(esm=0x04 | 0x80)),
    "S13 esm_class 0, parameters": Case(receipt(text="", esm=0, tags=parameters())),
    "S14 intermediate, then final": Case(receipt("ENROUTE", "DELIVRD", esm=0x20)),
    "variant: intermediate alone": Case(receipt("ENROUTE", esm=0x20), "ACCEPTED"),
    "S15 ACCEPTD, then DELIVRD": Case(receipt("ACCEPTD", "DELIVRD")),
    "S16 no sub, no dlvrd": Case(receipt(text="id:{name} submit date:2611221405 done date:2611221406 stat:{stat}")),
    "S17 dates with ms and +": Case(
        receipt("UNDELIV", text="id:{name} submit date:180711070003912+ done date:180711070003912+ stat:{stat}"),
        "UNDELIVERED",
    ),
    "S18 no stat:": Case(receipt(text=LATE)),
    "variant: no stat:, UNDELIV": Case(receipt("UNDELIV", text=LATE), "UNDELIVERED"),
    "S19 DELIVERED": Case(receipt("DELIVERED")),
    "S20 ACCEPTED, then DELIVERED": Case(receipt("ACCEPTED", "DELIVERED")),
    "S21 BUFFRED, then DELIVRD": Case(receipt("BUFFRED", "DELIVRD")),
    "S22 ACKED, then DELIVRD": Case(receipt("ACKED", "DELIVRD")),
    "S23 lower case": Case(receipt("delivrd", text=SPELLED.replace("stat", "Stat", 1))),
    "S24 the text echoes": Case(receipt(echo="id:x9 stat:UNDELIV")),
    "S25 vendor's parameters": Case(
        receipt(tags=lambda heard: tlv(0x0423, b"abc") + tlv(0x1454, b"1234") + tlv(0x1418, b"1234"))
    ),
    "S26 source_network_type": Case(
        receipt(tags=parameters(extra=tlv(0x000E, b"\1") + tlv(0x0006, b"\1") + tlv(0x0426, b"\1")))
    ),
    "S27 001D": Case(receipt(tags=lambda heard: tlv(0x001D, b"ok\0"))),
    "S28 0204 of 5 bytes": Case(receipt(tags=lambda heard: tlv(0x0204, b"12345"))),
    "S29 NUL behind the text": Case(receipt(tags=lambda heard: b"\0")),
    "S30 ASCII under coding 8": Case(receipt(coding=8)),
    "S31 UTF-16": Case(receipt(coding=8, charset="utf-16-be", text=SPELLED)),
    "variant: UTF-16, little endian, with mark": Case(receipt(coding=8, charset="utf-16", text=SPELLED)),
    "variant: UTF-16 in the payload": Case(receipt(coding=8, charset="utf-16-be", text=SPELLED, payload=True)),
    "S32 two NULs": Case(receipt(text="", tags=parameters(end=b"\0\0"))),
    "S33 twice": Case(receipt("DELIVRD", "DELIVRD")),
    "S34 FAILED": Case(receipt("FAILED"), "UNDELIVERED"),
    "variant: REJECTED": Case(receipt("REJECTED"), "UNDELIVERED"),
    "variant: REJECTD, then nothing": Case(receipt("REJECTD"), "UNDELIVERED"),
    "variant: UNKNOWN": Case(receipt("UNKNOWN"), "ACCEPTED"),
    "S35 SCHEDULED, then final": Case(
        lambda peer, heard: [
            *receipt(text="", tags=parameters(0))(peer, heard),
            *receipt(text="", tags=parameters(2))(peer, heard),
        ]
    ),
    "variant: fields on lines of their own": Case(
        receipt(
            text="id:{name} sub:001 dlvrd:001\nsubmit date:2605090348 done date:2605090348\nstat:{stat} err:0\ntext:x"
        )
    ),
    "variant: lines that end in CR LF": Case(receipt(text="id:{name}\r\nstat:{stat}\r\nerr:0\r\n")),
    "variant: blanks behind the colons, php-smpp#29": Case(receipt(text="id: {name} sub: 001 stat: {stat} err: 0")),
    "variant: semicolons": Case(receipt(text="id:{name};sub:001;dlvrd:001;stat:{stat};err:000;text:hi")),
    "variant: commas": Case(receipt("UNDELIV", text="id:{name},stat:{stat},err:001"), "UNDELIVERED"),
    "variant: upper case names": Case(receipt(text="ID:{name} SUB:001 DLVRD:001 STAT:{stat} ERR:000 TEXT:")),
    "variant: err before stat": Case(receipt(text="id:{name} err:000 stat:{stat}")),
    "variant: no fields but id and stat, uudashr/jsmpp#67": Case(receipt(text="id:{name} stat:{stat}", esm=0)),
    "variant: parameter in hex, text in decimal, jasmin#124": Case(
        receipt(name=lambda n: f"{n:022}", tags=parameters(), payload=True)
    ),
    "variant: a text with a NUL at its end, jasmin#124": Case(receipt(text="id:{name} stat:{stat} err:000\0")),
    "variant: a foreign parameter, our text": Case(receipt(tags=lambda heard: tlv(0x001E, b"zzz\0"))),
    "variant: the parameter's state alone, the text's id": Case(
        receipt(text="id:{name} {stat}", stat="", tags=lambda heard: tlv(0x0427, b"\5")), "UNDELIVERED"
    ),
    "variant: DELIVERED TO HANDSET": Case(receipt("DELIVERED_TO_HANDSET")),
    "variant: NOT DELIVERED": Case(receipt("NOT_DELIVERED"), "UNDELIVERED"),
    "variant: SUBMITTED, then DELIVRD": Case(receipt("SUBMITTED", "DELIVRD")),
    "variant: QUEUED alone": Case(receipt("QUEUED"), "ACCEPTED"),
    "variant: with a header of concatenation": Case(
        lambda peer, heard: [
            peer.deliver(
                smpp_delivery(
                    b"\5\0\3\7\1\1" + f"id:{heard.name:x} stat:DELIVRD".encode(),
                    b"86" + heard.phone.encode(),
                    esm=0x44,
                    coding=0,
                )
            )
        ]
    ),
    "variant: MA:0001 of a Chinese gateway": Case(receipt("MA:0001"), "UNDELIVERED"),
    "B01 alert_notification": Case(raw(0x102, b"\1\1x\0\1\1y\0")),
    "B02 with 0422": Case(raw(0x102, b"\1\1x\0\1\1y\0" + tlv(0x0422, b"\0"))),
    "B03 unknown command": Case(raw(0x10200, b"??")),
    "B04 enquire_link with a body": Case(raw(0x15, b"x")),
    "B05 enquire_link_resp with a body": Case(raw(0x80000015, b"x")),
    "B07 deliver_sm_resp": Case(raw(0x80000005, b"m1\0")),
    "variant: query_sm": Case(raw(3, b"m1\0\0\0x\0")),
}


@on_sqlite
def test_what_smpp_gateways_report(ground: Ground, news: News) -> None:
    """S and B rows; B10: an enquire_link comes before the bind is answered."""
    with run_raw(ground, news, 0x34) as (peer, gateway):
        play(ground, news, peer, gateway, SMPP)
        assert sum(frame[4:8] == b"\x80\0\0\0" for frame in peer.frames) == 2, "unknown commands get a generic_nack"


@pytest.mark.parametrize("version", [0x30, 0x20, 0x34])
@on_sqlite
def test_a_test_before_the_login_is_answered(ground: Ground, news: News, version: int) -> None:
    """B10, C42: either side may test at any time."""
    peer = RawPeer(version)
    peer.before_login = peer.frame(0x15 if version == 0x34 else 8, 5)
    with run_raw(ground, news, version, peer=peer):
        wait_until(lambda: len(peer.frames) == 1)
        assert peer.logins == 1


def answer(body: bytes, status: int = 0) -> Callable[[RawPeer, Heard], bytes]:
    """A submit_sm_resp of this body."""
    return lambda peer, heard: peer.frame(0x80000004, heard.sequence, body, status)


ANSWERS = {
    "A01 0428": (answer(b"a01\0" + tlv(0x0428, b"\5")), "ACCEPTED"),
    "A02 2001": (answer(b"a02\0" + tlv(0x2001, b"xy")), "ACCEPTED"),
    "A03 001D": (answer(b"a03\0" + tlv(0x001D, b"queued\0")), "ACCEPTED"),
    "A04 0420": (answer(b"a04\0" + tlv(0x0420, b"\1")), "ACCEPTED"),
    "A04b 0423": (answer(b"a04b\0" + tlv(0x0423, b"\3\0\1")), "ACCEPTED"),
    "A05 refusal with a body": (answer(b"x" * 17, 0x0B), "FAILED"),
    "A06 refusal without one": (answer(b"", 0x0A), "FAILED"),
    "A07 refusal with a NUL": (answer(b"\0", 3), "FAILED"),
    "A08 refusal with 001D": (answer(b"\0" + tlv(0x001D, b"busy\0"), 0x45), "DUE"),
    "A09 no NUL": (answer(b"a09"), "ACCEPTED"),
    "variant: no id": (answer(b"\0"), "ACCEPTED"),
    "variant: an empty body": (answer(b""), "ACCEPTED"),
    "variant: an id of 65 letters": (answer(b"q" * 65 + b"\0"), "ACCEPTED"),
    "variant: a parameter that is cut": (answer(b"v1\0" + tlv(0x0423, b"\3\0\1")[:-2]), "ACCEPTED"),
    "variant: generic_nack": (lambda peer, heard: peer.frame(0x80000000, heard.sequence, b"", 3), "FAILED"),
}


@on_sqlite
def test_what_smpp_gateways_answer(ground: Ground, news: News) -> None:
    """A rows: an answer that cannot be read left its message in doubt, to be sent again."""
    owed = {name: make_reply(f"138{number:08}") for number, name in enumerate(ANSWERS)}
    by_phone = {one.phone: ANSWERS[name][0] for name, one in owed.items()}
    with run_raw(ground, news, 0x34) as (peer, gateway):
        peer.answer = lambda heard: by_phone[heard.phone](peer, heard)
        owe_all(ground, *owed.values())
        work(gateway)
        expected = {name: state for name, (_, state) in ANSWERS.items()}
        wait_until(lambda: "SENDING" not in {state_of(ground, one).name for one in owed.values()})
        assert {name: state_of(ground, one).name for name, one in owed.items()} == expected
        assert peer.logins == 1
        assert len(peer.heard) == len(ANSWERS)
