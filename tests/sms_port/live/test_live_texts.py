"""Citizens' texts over live sockets of both protocols: I, N, U, O, D, X and some W rows, and variants.

All cases share a connection, each with a number of its own; afterwards only mobile numbers have got an SMS.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from config.db.engine import reading
from config.ground import Ground
from sms_port.ledger.inbound import is_opted_out
from tests.sms_port.cmpp_peers import work
from tests.sms_port.live.raw_peer import RawPeer, cmpp_delivery, run_raw, smpp_delivery, tlv
from tests.sms_port.messages import News

TD, STOP, RESUME = (text.encode("utf-16-be") for text in ("TD", "退订", "恢复"))
SMPP_VERSION = 0x34


@dataclass(frozen=True)
class Text:
    """One delivery. `udhi`: the content begins with a header; `sar`: (reference, total, number) as parameters."""

    content: bytes
    coding: int = 8
    prefix: bytes = b"86"
    udhi: bool = False
    msg_id: int = 0
    payload: bool = False
    data_sm: bool = False
    sar: tuple[int, int, int] | None = None


def part(text: str, total: int, number: int, *, reference: int = 7, wide: bool = False) -> Text:
    """A part of a long text, with a reference of 8 or 16 bits."""
    head = b"\6\x08\4" + reference.to_bytes(2, "big") if wide else bytes([5, 0, 3, reference])
    return Text(head + bytes([total, number]) + text.encode("utf-16-be"), udhi=True)


def tagged(text: str, total: int, number: int) -> Text:
    return Text(text.encode("utf-16-be"), sar=(9, total, number))


BOTH: dict[str, tuple[Sequence[Text], bool]] = {
    "I01 UCS-2": ([Text(TD)], True),
    "I02 byte order mark, vumi#812": ([Text(b"\xfe\xff" + TD)], True),
    "I03 little endian with mark": ([Text(b"\xff\xfe" + "TD".encode("utf-16-le"))], True),
    "variant: 退订 in little endian without mark": ([Text("退订".encode("utf-16-le"))], True),
    "I04 NUL, UCS-2": ([Text(TD + b"\0\0")], True),
    "I05 NUL, ASCII": ([Text(b"TD\0", 0)], True),
    "I06 ASCII": ([Text(b"TD", 0)], True),
    "I07 GBK, coding 15": ([Text("退订".encode("gbk"), 15)], True),
    "I08 GBK, coding 0": ([Text("退订".encode("gbk"), 0)], True),
    "variant: UTF-8, coding 15": ([Text("退订".encode(), 15)], True),
    "I09 0x19": ([Text(TD, 0x19)], True),
    "I10 0x18": ([Text(TD, 0x18)], True),
    "I11 coding 9": ([Text(TD, 9)], True),
    "I12 coding 4": ([Text(b"TD", 4)], True),
    "I13 0x10": ([Text(b"TD", 0x10)], True),
    "I14 0xF1": ([Text(b"TD", 0xF1)], True),
    "I15 coding 3": ([Text(b"TD", 3)], True),
    "variant: UCS-2 under coding 0": ([Text(STOP, 0)], True),
    "variant: UCS-2 under 0xF5": ([Text(TD, 0xF5)], True),
    "variant: ASCII under coding 8": ([Text(b"CANCEL", 8)], True),
    "variant: half an emoji behind": ([Text(TD + b"\xd8\x3d")], True),
    "variant: traditional, GBK": ([Text("退訂".encode("gbk"), 15)], True),
    "N01 no prefix": ([Text(TD, prefix=b"")], True),
    "N01 +86": ([Text(TD, prefix=b"+86")], True),
    "N01 0086": ([Text(TD, prefix=b"0086")], True),
    "variant: blank before": ([Text(TD, prefix=b" 86")], True),
    "U01 the last part of three is T": ([part("T", 3, 3)], False),
    "U02 the second of two is 退订": ([part("退订", 2, 2)], False),
    "U03 16 bits, the last part is TD": ([part("TD", 2, 2, wide=True)], False),
    "U04 one of one": ([part("TD", 1, 1)], True),
    "U05 header longer than the content": ([Text(b"\x30" + TD, udhi=True)], False),
    "U06 two parts, the second first": ([part("退订", 2, 2), part("我要", 2, 1)], True),
    "variant: three parts, repeated, in disorder": (
        [part("订", 3, 3), part("要退", 3, 2), part("订", 3, 3), part("我", 3, 1)],
        True,
    ),
    "variant: 16 bits, two parts": ([part("回复", 2, 1, wide=True), part("TD", 2, 2, wide=True)], True),
    "variant: 8 and 16 bits mixed": ([part("我要", 2, 1), part("退订", 2, 2, wide=True)], True),
    "variant: two texts at once": (
        [part("我要", 2, 1), part("恢复", 2, 1, reference=8), part("退订", 2, 2), part("谢谢", 2, 2, reference=8)],
        False,
    ),
    "variant: long, and not TD": ([part("请问怎么", 2, 1), part("退订", 2, 2)], False),
    "O01 TD, 恢复, TD": ([Text(TD), Text(RESUME), Text(TD)], True),
    "O02 恢复, TD, 恢复": ([Text(RESUME), Text(TD), Text(RESUME)], False),
    "variant: TD, TD, 恢复": ([Text(TD), Text(TD), Text(RESUME)], False),
    "variant: TD, 恢复, 恢复, TD": ([Text(TD), Text(RESUME), Text(RESUME), Text(STOP)], True),
    "D01 the same Msg_Id twice": ([Text(TD, msg_id=5), Text(TD, msg_id=5)], True),
    "W “TD”。": ([Text("“TD”。".encode("utf-16-be"))], True),
    "W 我要退订": ([Text("我要退订".encode("utf-16-be"))], True),
    "W TD是什么": ([Text("TD是什么".encode("utf-16-be"))], False),
}
SMPP_ONLY: dict[str, tuple[Sequence[Text], bool]] = {
    "I16 message_payload, vumi#330": ([Text(TD, payload=True)], True),
    "B09 data_sm": ([Text(TD, payload=True, data_sm=True)], True),
    "variant: sar parameters, second first": ([tagged("退订", 2, 2), tagged("我要", 2, 1)], True),
    "variant: sar, the last part alone": ([tagged("TD", 2, 2)], False),
}
SENDERS = (b"", b"10086", b"95588", b"10699000", b"106980001234567890", b"ALIPAY", b"555", b"8610086", b"+8695588")
ODD = (b"\xe9\xe8\xea\x31", b"\xff\xff\xff\xff", b"138\xff0013800", b"'; --")
"""X01: notify-api#1423, chatwoot#15284; F11: bytes that are no number."""


def say(peer: RawPeer, phone: bytes, text: Text, prefix: bytes | None = None) -> int:
    """Have a phone write; the delivery's sequence."""
    number = (text.prefix if prefix is None else prefix) + phone
    if peer.version != SMPP_VERSION:
        return peer.deliver(
            cmpp_delivery(
                peer.version, text.content, number, msg_id=text.msg_id, coding=text.coding, udhi=int(text.udhi)
            )
        )
    more = tlv(0x0424, text.content) if text.payload else b""
    if text.sar:
        reference, total, place = text.sar
        more += tlv(0x020C, reference.to_bytes(2, "big")) + tlv(0x020E, bytes([total])) + tlv(0x020F, bytes([place]))
    content = b"" if text.payload else text.content
    body = smpp_delivery(
        content, number, esm=0x40 if text.udhi else 0, coding=text.coding, more=more, data_sm=text.data_sm
    )
    return peer.deliver(body, 0x103 if text.data_sm else 5)


@pytest.mark.parametrize(
    ("version", "database_url"),
    [(0x30, "mariadb"), (0x20, "sqlite"), (SMPP_VERSION, "mariadb")],
    indirect=["database_url"],
    ids=["CMPP 3.0", "CMPP 2.0", "SMPP"],
)
def test_what_citizens_write_is_understood(ground: Ground, news: News, version: int) -> None:
    cases = BOTH | (SMPP_ONLY if version == SMPP_VERSION else {})
    phones = {name: f"139{number:08}" for number, name in enumerate(cases)}
    with run_raw(ground, news, version) as (peer, gateway):
        said: list[int] = []
        for _ in range(2):
            for sender in (*SENDERS, *ODD):
                said += [say(peer, sender, Text(text), b"") for text in (TD, "您好".encode("utf-16-be"))]
        for name, (texts, _) in cases.items():
            said += [say(peer, phones[name].encode(), text) for text in texts]
        peer.wait_acknowledged(*said)
        with reading(ground.engine) as db:
            heard = {name: is_opted_out(db, ground, phone) for name, phone in phones.items()}
        assert heard == {name: stopped for name, (_, stopped) in cases.items()}
        work(gateway)
        answered = [one.phone for one in peer.heard if one.place[1] == 1]
        assert set(answered) <= set(phones.values()), "no SMS to what is no mobile number"
        assert answered.count(phones["D01 the same Msg_Id twice"]) == 1
        assert answered.count(phones["U06 two parts, the second first"]) == 1
        assert answered.count(phones["U01 the last part of three is T"]) == 0
        assert peer.logins == 1
