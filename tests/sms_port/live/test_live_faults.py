"""Lines that break, answers that come in disorder or late, a database that is away: F rows over live sockets, and M01.

Each message is sent once; one whose fate is not known is in doubt and never said again by itself.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from config.errors import DatabaseUnavailable
from config.ground import Ground
from config.times.clock import FixedClock
from sms_port.ledger.messages import sweep
from sms_port.ledger.receipts import record_receipts
from sms_port.links.session.protocol import ProtocolSession
from sms_port.models import State, part, unmatched
from sms_port.sending import link_pool, results
from tests.conftest import on_sqlite
from tests.sms_port.cmpp_peers import work
from tests.sms_port.live.raw_peer import Heard, RawPeer, cmpp_delivery, cmpp_report, run_raw
from tests.sms_port.messages import News, make_code, make_reply, owe_all, rows, state_of
from tests.support.servers import wait_until

V30 = 0x30
HASTY: dict[str, Any] = {"read_s": 1, "total_s": 3, "connect_s": 2}


def owe_replies(ground: Ground, count: int) -> list[Any]:
    ours = [make_reply(f"137{number:08}") for number in range(count)]
    owe_all(ground, *ours)
    return ours


def states_of(ground: Ground, ours: list[Any]) -> Counter[str]:
    return Counter(state_of(ground, one).name for one in ours)


def report_all(peer: RawPeer, names: list[tuple[int, str]]) -> None:
    """Deliver a good report on each (name, phone), with this minute."""
    minute = time.strftime("%y%m%d%H%M", time.gmtime(time.time() + 8 * 3600)).encode()
    said = [
        peer.deliver(
            cmpp_delivery(
                V30, cmpp_report(name, b"86" + phone.encode(), submitted=minute, done=minute), b"", registered=1
            )
        )
        for name, phone in names
    ]
    peer.wait_acknowledged(*said)


@on_sqlite
def test_a_line_that_is_cut_in_the_middle_of_an_answer(ground: Ground, news: News, clock: FixedClock) -> None:
    """F02: four answers and a half; the reports that come over the next connection settle all twelve."""
    clock.advance(round(time.time() * 1000) - clock.now())
    with run_raw(ground, news, V30) as (peer, gateway):
        whole = peer.answer
        seen: list[Heard] = []

        def answer(heard: Heard) -> bytes | None:
            seen.append(heard)
            if len(seen) < 12:
                return None
            stream = b"".join(whole(one) or b"" for one in seen[:5])
            peer.say(stream[:-10])
            peer.drop()
            return None

        peer.answer = answer
        ours = owe_replies(ground, 12)
        work(gateway)
        wait_until(lambda: states_of(ground, ours) == {"ACCEPTED": 4, "UNKNOWN": 8})
        wait_until(lambda: peer.logins == 2)
        wait_until(lambda: gateway.pool._links and all(link.status == "up" for link in gateway.pool._links.values()))
        report_all(peer, [(one.name, one.phone) for one in peer.heard])
        sweep(ground, news)
        assert states_of(ground, ours) == {"DELIVERED": 12}
        assert len(peer.heard) == 12


@pytest.mark.parametrize("version", [V30, 0x34])
@on_sqlite
def test_answers_in_reverse_order(ground: Ground, news: News, version: int) -> None:
    """F03: a whole window, answered from its end."""
    with run_raw(ground, news, version) as (peer, gateway):
        whole = peer.answer
        seen: list[Heard] = []

        def answer(heard: Heard) -> bytes | None:
            seen.append(heard)
            return b"".join(whole(one) or b"" for one in reversed(seen)) if len(seen) == 48 else None

        peer.answer = answer
        ours = owe_replies(ground, 48)
        work(gateway)
        wait_until(lambda: states_of(ground, ours) == {"ACCEPTED": 48})
        named = {row.message: row.provider_id for row in rows(ground, part)}
        by_phone = {one.phone: f"{one.name:x}" for one in peer.heard}
        assert {one.id: by_phone[one.phone] for one in ours} == named


@on_sqlite
def test_answers_under_sequences_that_nobody_used(ground: Ground, news: News) -> None:
    """F04, jasmin#595: an answer to nothing answers nothing."""
    with run_raw(ground, news, V30, **HASTY) as (peer, gateway):
        whole = peer.answer
        peer.answer = lambda heard: whole(Heard(heard.phone, heard.sequence + 10_000, heard.name, b""))
        ours = owe_replies(ground, 3)
        work(gateway)
        wait_until(lambda: states_of(ground, ours) == {"UNKNOWN": 3})
        assert len(peer.heard) == 3
        assert peer.logins == 1


@pytest.mark.parametrize(("result", "expected"), [(0, "ACCEPTED"), (13, "FAILED"), (8, "ACCEPTED")])
@on_sqlite
def test_an_answer_after_its_time(ground: Ground, news: News, clock: FixedClock, result: int, expected: str) -> None:
    """F05, jsmpp#63: good, refused for good, and "too busy", which is said again and is then taken."""
    with run_raw(ground, news, V30, **HASTY) as (peer, gateway):
        whole = peer.answer
        peer.answer = lambda heard: None
        (one,) = owe_replies(ground, 1)
        work(gateway)
        wait_until(lambda: state_of(ground, one) is State.UNKNOWN)
        peer.answer = whole
        (heard,) = peer.heard
        late = peer.frame(0x80000004, heard.sequence, heard.name.to_bytes(8, "big") + result.to_bytes(4, "big"))
        peer.say(late)
        wait_until(lambda: state_of(ground, one) is not State.UNKNOWN)
        clock.advance(10_000)
        work(gateway)
        wait_until(lambda: state_of(ground, one).name == expected)
        assert len(peer.heard) == (2 if result == 8 else 1)


@on_sqlite
def test_sequences_that_begin_again(ground: Ground, news: News, monkeypatch: pytest.MonkeyPatch) -> None:
    """F13: 0xfffffffb, ..., 0xffffffff, 1, ...: 20 messages across the end."""
    real, moved = ProtocolSession._write, list[ProtocolSession]()

    def near_the_end(self: ProtocolSession, frame: Any, now: float, sequence: int | None = None) -> int:
        if self._sequence == 1 and not moved:
            moved.append(self)
            self._sequence = 0xFFFFFFFA
        return real(self, frame, now, sequence)

    monkeypatch.setattr(ProtocolSession, "_write", near_the_end)
    with run_raw(ground, news, V30) as (peer, gateway):
        ours = owe_replies(ground, 20)
        work(gateway)
        wait_until(lambda: states_of(ground, ours) == {"ACCEPTED": 20})
        assert len(peer.heard) == 20
        used = {one.sequence for one in peer.heard}
        assert {0xFFFFFFFB, 0xFFFFFFFF} < used
        assert 0 not in used


class Outage:
    """Makes a function of the ledger fail as it does while the database is away, until `over`."""

    def __init__(self, real: Callable[..., Any]) -> None:
        self._real, self.away, self.failed = real, True, 0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.away:
            self.failed += 1
            raise DatabaseUnavailable("away")
        return self._real(*args, **kwargs)


@on_sqlite
def test_a_flood_while_the_database_is_away(ground: Ground, news: News, monkeypatch: pytest.MonkeyPatch) -> None:
    """F06: 5,000 reports that cannot be stored; a message sent meanwhile is answered, and then all is stored."""
    outage = Outage(record_receipts)
    monkeypatch.setattr(link_pool, "record_receipts", outage)
    monkeypatch.setattr("sms_port.links.session.listener.RETRY_S", 0.1)
    with run_raw(ground, news, V30) as (peer, gateway):
        flood = [
            peer.frame(5, 0x100_000 + n, cmpp_delivery(V30, cmpp_report(n + 1, b"8613199999999"), b"", registered=1))
            for n in range(5_000)
        ]
        peer.say(b"".join(flood))
        wait_until(lambda: outage.failed > 2)
        ours = owe_replies(ground, 3)
        work(gateway)
        wait_until(lambda: states_of(ground, ours) == {"ACCEPTED": 3})
        assert not peer.acknowledged
        outage.away = False
        peer.wait_acknowledged(*range(0x100_000, 0x100_000 + 5_000))
        assert peer.logins == 1


@on_sqlite
def test_answers_while_the_database_is_away(
    ground: Ground, news: News, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F14: eight good answers that cannot be recorded are recorded later; nothing is in doubt or sent again."""
    outage = Outage(results.record)
    monkeypatch.setattr(results, "record", outage)
    with run_raw(ground, news, V30) as (peer, gateway):
        ours = owe_replies(ground, 8)
        work(gateway)
        assert states_of(ground, ours) == {"SENDING": 8}
        clock.advance(120_000)
        sweep(ground, news)
        outage.away = False
        work(gateway)
        wait_until(lambda: states_of(ground, ours) == {"ACCEPTED": 8})
        clock.advance(3_600_000)
        sweep(ground, news)
        work(gateway)
        assert len(peer.heard) == 8


def report_with_a_digit_more(peer: RawPeer, message_id: bytes, minute: bytes) -> None:
    """M02, SMSGate: the right digit behind Dest_Id, about another number, and no extension in the contract."""
    digit = str(int.from_bytes(message_id, "big") % 10).encode()
    content = cmpp_report(0x5555, b"8613922222222", submitted=minute, done=minute)
    peer.wait_acknowledged(peer.deliver(cmpp_delivery(V30, content, b"", registered=1, dest=b"10699000" + digit)))


@pytest.mark.parametrize("order", ["report first", "answer first"])
@on_sqlite
def test_the_report_on_a_code_never_settles_a_reply_in_doubt(
    ground: Ground, news: News, clock: FixedClock, order: str
) -> None:
    """M01: answer and report in one segment, another answer of the batch later."""
    clock.advance(round(time.time() * 1000) - clock.now())
    with run_raw(ground, news, V30, **HASTY) as (peer, gateway):
        whole = peer.answer
        peer.answer = lambda heard: None
        reply = make_reply()
        owe_all(ground, reply)
        work(gateway)
        wait_until(lambda: state_of(ground, reply) is State.UNKNOWN)
        minute = time.strftime("%y%m%d%H%M", time.gmtime(time.time() + 8 * 3600)).encode()

        def answer(heard: Heard) -> bytes | None:
            if heard.phone != reply.phone:
                return None
            content = cmpp_report(heard.name, b"86" + heard.phone.encode(), submitted=minute, done=minute)
            said = peer.frame(5, 0x9000, cmpp_delivery(V30, content, b"", registered=1))
            segment = [said, whole(heard) or b""]
            return b"".join(segment if order == "report first" else reversed(segment))

        peer.answer = answer
        code, other = make_code(ground, reply.phone), make_code(ground, "13700000009")
        owe_all(ground, code, other)
        clock.advance(1_000)  # the link rests that long
        work(gateway)
        peer.wait_acknowledged(0x9000)
        sweep(ground, news)
        peer.say(whole(peer.heard[-1]) or b"")
        wait_until(lambda: state_of(ground, code) is State.DELIVERED)
        sweep(ground, news)
        assert state_of(ground, reply) is State.UNKNOWN
        assert rows(ground, unmatched) == []
        report_with_a_digit_more(peer, reply.id, minute)
        sweep(ground, news)
        assert state_of(ground, reply) is State.UNKNOWN


@pytest.mark.parametrize("version", [0x34, V30])
@on_sqlite
def test_a_gateway_that_still_holds_the_old_session(
    ground: Ground, news: News, monkeypatch: pytest.MonkeyPatch, version: int
) -> None:
    """B11, jsmpp#180, vumi#624, node-smpp#250: "already bound" three times, then free; the pauses grow."""
    monkeypatch.setattr("sms_port.links.session.connections.RECONNECT_S", (0.1, 60.0))
    peer = RawPeer(version)
    peer.refused = 3
    with run_raw(ground, news, version, peer=peer) as (_, gateway):
        assert peer.logins == 4
        ours = owe_replies(ground, 2)
        work(gateway)
        wait_until(lambda: states_of(ground, ours) == {"ACCEPTED": 2})


@on_sqlite
def test_long_texts_are_cut_where_the_specification_says(ground: Ground, news: News) -> None:
    """E01: 70 and 71 units, an emoji at the cut (66+2), and at 69+2."""
    head = "【一证通查】"
    texts = ["长" * 64, "长" * 65, "长" * 60 + "😀" + "长" * 22, "长" * 63 + "😀"]
    ours = [make_reply(f"1370000000{n}", head + text) for n, text in enumerate(texts)]
    with run_raw(ground, news, V30) as (peer, gateway):
        owe_all(ground, *ours)
        work(gateway)
        cut = {
            one.phone: sorted((*part.place, len(part.content)) for part in peer.heard if part.phone == one.phone)
            for one in ours
        }
    assert list(cut.values()) == [
        [(1, 1, 140)],
        [(2, 1, 140), (2, 2, 14)],
        [(2, 1, 138), (2, 2, 6 + 2 * (len(head + texts[2]) + 1 - 66))],
        [(2, 1, 140), (2, 2, 14)],
    ]
