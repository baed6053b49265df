"""Mutated frames of both protocols among good ones: no session lost, nothing doubled, nothing wrongly matched.

A few rounds from a fixed seed in every run; for FUZZ_S seconds, from a new seed, in `make soak`.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest

from config.ground import Ground
from sms_port.ledger.inbound import Inbound, record_texts
from sms_port.ledger.messages import Owed, sweep
from sms_port.ledger.receipts import Receipt, record_receipts
from sms_port.links.cmpp.codec import decode, encode
from sms_port.links.cmpp.frames import V30, ConnectResp, Deliver, Submit, SubmitResp, build_answer_authenticators
from sms_port.links.cmpp.link import CmppLink
from sms_port.links.cmpp.protocol import Account as CmppAccount
from sms_port.links.cmpp.protocol import CmppSession
from sms_port.links.link import Accepted
from sms_port.links.session.events import Answered, Closed, Delivered, Event, Stage
from sms_port.links.session.protocol import ProtocolSession
from sms_port.links.smpp.link import SmppLink
from sms_port.links.smpp.pdus import build_submit
from sms_port.links.smpp.protocol import Account as SmppAccount
from sms_port.links.smpp.protocol import SmppSession
from sms_port.models import State
from tests.sms_port.ledger.test_receipt_matching import end, offer
from tests.sms_port.messages import News, make_reply, state_of

SECONDS = float(os.environ.get("FUZZ_S", "0"))
ROUNDS, MESSAGES, MUTANTS = 3, 8, 60
NOW = 1_000.0
FOREIGN = "13199999999"
STRANGE = 0x7FFFFFF0
"""A sequence that we have not used."""

T = TypeVar("T")


class Chance:
    """Reproducible chance from a seed."""

    def __init__(self, seed: int) -> None:
        self._seed, self._turn = seed, 0

    def randbytes(self, size: int) -> bytes:
        self._turn += 1
        return hashlib.shake_128(f"{self._seed}/{self._turn}".encode()).digest(size)

    def randrange(self, below: int) -> int:
        return int.from_bytes(self.randbytes(6), "big") % below

    def randint(self, least: int, most: int) -> int:
        return least + self.randrange(most - least + 1)

    def choice(self, items: Sequence[T]) -> T:
        return items[self.randrange(len(items))]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        keyed = sorted((self.randrange(1 << 40), place) for place in range(len(items)))
        return [items[place] for _, place in keyed]


@dataclass
class Peer:
    """One protocol as a gateway speaks it: a session of ours that is let in, and the frames that it may be sent."""

    session: ProtocolSession
    link: Any
    submit: Any
    answer: Callable[[int, str], bytes]
    receipt: Callable[[str, str], bytes]
    others: list[bytes]
    header: int


def read_only(kind: type, entry: Any) -> Any:
    """A link without connections, to read deliveries with."""
    link: Any = object.__new__(kind)
    link._entry = entry
    return link


def make_cmpp(ground: Ground) -> Peer:
    session = CmppSession(CmppAccount("900001", "888888"))
    session.open(NOW, 1021080510)
    _, connect = decode(session.take())
    proof, _ = build_answer_authenticators(0, connect.authenticator, "888888")  # type: ignore[union-attr]
    session.feed(encode(ConnectResp(0, proof, V30), 1), NOW)

    def receipt(name: str, phone: str) -> bytes:
        number = phone.encode().ljust(32, b"\0")
        content = bytes.fromhex(name.rjust(16, "0")) + b"DELIVRD" + b"2611221405" * 2 + number + bytes(4)
        return encode(Deliver(5, "10699000", "", "86" + phone, content, registered=1, fmt=0), 9)

    text = Deliver(77, "10699000", "", "86" + FOREIGN, "TD".encode("utf-16-be"))
    others = [encode(text, 3), encode(SubmitResp(1, 8), STRANGE), encode(Submit("G", "9", "1", "2", b"xx"), 5)]
    others += [bytes.fromhex("0000000c0000000800000005"), bytes.fromhex("0000000d800000080000000500")]
    part = Submit("GOV", "900001", "10699000", "13800138000", "您好".encode("utf-16-be"))
    entry = next(link for link in ground.catalogues.current().links if link.driver == "cmpp")
    answer = lambda sequence, name: encode(SubmitResp(int(name, 16), 0), sequence)  # noqa: E731
    return Peer(session, read_only(CmppLink, entry), part, answer, receipt, others, 12)


def make_smpp(ground: Ground) -> Peer:
    session = SmppSession(SmppAccount("onecert", "sesame"))
    session.open(NOW)
    session.take()

    def frame(body: bytes, command: int, sequence: int = 7) -> bytes:
        return b"".join(n.to_bytes(4, "big") for n in (16 + len(body), command, 0, sequence)) + body

    def deliver(content: bytes, phone: str, esm: int, coding: int) -> bytes:
        head = b"\0\1\x0186" + phone.encode() + b"\0\0\x0110699000\0"
        return frame(head + bytes([esm, 0, 0, 0, 0, 0, 0, coding, 0, len(content)]) + content, 5)

    def receipt(name: str, phone: str) -> bytes:
        dates = "submit date:2611221405 done date:2611221405"
        return deliver(f"id:{name} sub:001 dlvrd:001 {dates} stat:DELIVRD err:000 text:".encode(), phone, 4, 0)

    session.feed(frame(b"smsc\0", 0x80000009), NOW)
    part = build_submit("", "10699000", "13800138000", "您好".encode("utf-16-be"), long=False)
    others = [deliver("TD".encode("utf-16-be"), FOREIGN, 0, 8), frame(b"", 0x15), frame(b"x\0", 0x80000004, STRANGE)]
    others += [frame(b"\1\1x\0\1\1y\0", 0x102), frame(b"", 0x10200)]
    entry = next(link for link in ground.catalogues.current().links if link.driver == "cmpp")
    answer = lambda sequence, name: frame(name.encode() + b"\0", 0x80000004, sequence)  # noqa: E731
    return Peer(session, read_only(SmppLink, entry), part, answer, receipt, others, 16)


def mutate(chance: Chance, frame: bytes, header: int) -> bytes:
    """Another body under a header that tells its length; now and then another command."""
    body = bytearray(frame[header:])
    for _ in range(chance.randint(1, 4)):
        match chance.randrange(5):
            case 0 if body:
                body[chance.randrange(len(body))] = chance.randrange(256)
            case 1 if body:
                del body[chance.randrange(len(body)) :]
            case 2:
                body += chance.randbytes(chance.randint(1, 40))
            case 3 if body:
                at = chance.randrange(len(body))
                body[at:at] = chance.randbytes(chance.randint(1, 8))
            case _:
                body += bytes(chance.randint(1, 20))
    head = bytearray(frame[:header])
    if chance.randrange(20) == 0:
        # any command but a goodbye, which ends a session by right
        head[4:8] = chance.choice([3, 9, 0x10, 0x7F, 0x80000003, 0x80000103, 0x102]).to_bytes(4, "big")
    return (header + len(body)).to_bytes(4, "big") + bytes(head[4:]) + bytes(body)


def in_pieces(chance: Chance, stream: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(stream):
        size = chance.randint(1, 600)
        yield stream[at : at + size]
        at += size


def play(ground: Ground, news: News, peer: Peer, chance: Chance, turn: int) -> None:
    """Some messages, each answered and half of them reported, among mutants of frames about somebody else."""
    ours = [make_reply(f"138{turn % 10_000:04}{n:04}") for n in range(MESSAGES)]
    names = {owed.id: f"a{turn:x}c{n:x}" for n, owed in enumerate(ours)}
    answers: list[bytes] = []
    tokens = {claimed.attempt.message_id: claimed for claimed in offer(ground, news, *ours)}
    for message_id in tokens:
        peer.session.submit(message_id, peer.submit, NOW)
        out = peer.session.take()
        sequence = int.from_bytes(out[8:12] if peer.header == 12 else out[12:16], "big")
        answers.append(peer.answer(sequence, names[message_id]))
    reported = ours[::2]
    good = answers + [peer.receipt(names[owed.id], owed.phone) for owed in reported]
    bases = [*peer.others, *(peer.receipt(f"f{n:x}", FOREIGN) for n in range(4))]
    bad = [mutate(chance, chance.choice(bases), peer.header) for _ in range(MUTANTS)]
    stream = b"".join(chance.shuffled(good + bad))
    events: list[Event] = []
    for piece in in_pieces(chance, stream):
        events += peer.session.feed(piece, NOW)
        peer.session.take()
    assert not [event for event in events if isinstance(event, Closed)], "no session is lost for content"
    assert peer.session.stage is Stage.BOUND
    answered = Counter(event.token for event in events if isinstance(event, Answered))
    assert answered == Counter(dict.fromkeys(tokens, 1)), "each is answered once"
    settle(ground, news, peer, events, tokens, ours, reported)


def settle(
    ground: Ground, news: News, peer: Peer, events: list[Event], tokens: Any, ours: list[Owed], reported: list[Owed]
) -> None:
    for event in events:
        if isinstance(event, Answered):
            assert event.result == 0
            end(ground, news, tokens[event.token], Accepted(ids=(event.name,)))
    # the link of the messages is another one's entry: receipts are about it
    contents = [peer.link.read(event.frame) for event in events if isinstance(event, Delivered)]
    receipts = [one for one in contents if isinstance(one, Receipt)]
    record_receipts(ground, news, [Receipt("main", *list(vars(one).values())[1:]) for one in receipts])
    record_texts(ground, [one for one in contents if isinstance(one, Inbound)])
    sweep(ground, news)
    for owed in ours:
        expected = State.DELIVERED if owed in reported else State.ACCEPTED
        assert state_of(ground, owed) is expected, "every receipt finds its own message and no other"


@pytest.mark.parametrize("make", [make_cmpp, make_smpp], ids=["cmpp", "smpp"])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_mutants_among_good_frames_change_nothing(ground: Ground, news: News, make: Callable[[Ground], Peer]) -> None:
    seed = secrets.randbits(64) if SECONDS else 20261122
    chance, peer, until = Chance(seed), make(ground), time.monotonic() + SECONDS / 2
    print(f"seed {seed}")
    turn, before = 0, 0
    tracemalloc.start()
    while turn < ROUNDS or time.monotonic() < until:
        play(ground, news, peer, chance, turn)
        news.told.clear()
        turn += 1
        if turn == ROUNDS:
            before, _ = tracemalloc.get_traced_memory()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < 8_000_000, "memory stays flat"
    print(f"{turn} rounds, {turn * (MUTANTS + MESSAGES * 2)} frames")
