"""The gateway and its ledger over CMPP: early, late, lost and contradictory words, on both databases."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import select

from config.clock import FixedClock
from config.db import reading, transact
from config.ground import Ground
from sms_port.gateway import Gateway, send_due
from sms_port.ledger import RESEND_AFTER_MS, SILENT_MS, owe, sweep
from sms_port.models import State, Word, link_health, part, receipt, unmatched
from sms_port.receipts import Receipt, Trace, record_receipts
from sms_port.sandbox_cmpp import Guest
from tests.servers import free_port, wait_until
from tests.sms_port.cmpp_peers import Faulty, Peer, run_peer, use_cmpp
from tests.sms_port.letters import (
    FLAGGED,
    MINUTE_MS,
    PHONE,
    REPLY,
    News,
    attempts_of,
    change_catalogue,
    make_code,
    make_reply,
    owe_all,
    state_of,
)

LONG = "【一证通查】" + "长" * 100


@pytest.fixture
def peer(ground: Ground) -> Iterator[Peer]:
    with run_peer(ground.secrets.get("cmpp.key"), Faulty(report_after_s=0.0)) as peer:
        use_cmpp(ground, peer.gateway.port, read_s=1)
        yield peer


@pytest.fixture
def gateway(ground: Ground, news: News, peer: Peer) -> Iterator[Gateway]:
    gateway = Gateway(ground, news)
    gateway.exchange.wait_ready(5)
    yield gateway
    gateway.exchange.close()


def work(gateway: Gateway) -> None:
    for step in gateway.steps().values():
        while step():
            pass


def rows(ground: Ground, table: object) -> list[object]:
    with reading(ground.engine) as db:
        return list(db.execute(select(table)).all())


def test_codes_and_replies_arrive_and_are_delivered(ground: Ground, gateway: Gateway, peer: Peer, news: News) -> None:
    code, reply = make_code(ground), make_reply(text=LONG)
    owe_all(ground, code, reply)
    work(gateway)
    wait_until(lambda: {state_of(ground, owed) for owed in (code, reply)} == {State.DELIVERED})
    assert len(peer.parts) == 3
    assert news.kinds == ["accepted", "accepted"]
    assert len(rows(ground, part)) == 3


def test_one_pass_connects_sends_and_says_goodbye(ground: Ground, peer: Peer, news: News) -> None:
    owe_all(ground, *(make_reply() for _ in range(300)))
    assert send_due(ground, news) == 300
    assert len(peer.parts) == 300
    assert news.kinds == ["accepted"] * 300


def test_a_message_whose_parts_fare_differently_is_mixed(ground: Ground, gateway: Gateway, peer: Peer) -> None:
    stats = iter(["DELIVRD", "UNDELIV"])
    peer.play.reports = lambda part: (next(stats),)  # type: ignore[method-assign]
    owed = make_reply(text=LONG)
    owe_all(ground, owed)
    work(gateway)
    wait_until(lambda: state_of(ground, owed) is State.MIXED)


def test_a_contradiction_does_not_undo_a_delivery(ground: Ground, gateway: Gateway, peer: Peer) -> None:
    peer.play.stats = ("DELIVRD", "UNDELIV", "DELIVRD")
    owed = make_reply()
    owe_all(ground, owed)
    work(gateway)
    wait_until(lambda: len(rows(ground, receipt)) == 2)
    wait_until(lambda: state_of(ground, owed) is State.DELIVERED)


@pytest.mark.parametrize("extension_digits", [0, 6])
def test_a_lost_answer_is_made_up_for_by_the_report(
    ground: Ground, peer: Peer, news: News, clock: FixedClock, extension_digits: int
) -> None:
    use_cmpp(ground, peer.gateway.port, read_s=1, extension_digits=extension_digits)
    peer.play.silent = True
    peer.play.stats = ()
    clock.advance(round(time.time() * 1000) - clock.now())  # the gateway writes its own minute into reports
    owed = make_reply(text=LONG)
    owe_all(ground, owed)
    gateway = Gateway(ground, news)
    gateway.exchange.wait_ready(5)
    work(gateway)
    wait_until(lambda: state_of(ground, owed) is State.UNKNOWN)
    guest = peer.guest()
    for taken in list(peer.parts):
        peer.gateway._promise(guest, secrets.randbits(60), taken, "DELIVRD")
    wait_until(lambda: state_of(ground, owed) is State.DELIVERED)
    gateway.exchange.close()
    clock.advance(RESEND_AFTER_MS)
    sweep(ground, news)
    assert send_due(ground, news) == 0
    assert len(peer.parts) == 2, "nothing was sent twice"


def test_a_report_that_came_before_the_doubt_is_matched_later(
    ground: Ground, peer: Peer, news: News, clock: FixedClock
) -> None:
    def trace(phone: str) -> Trace:
        return Trace(phone, "", clock.now() // MINUTE_MS * MINUTE_MS)

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    peer.play.stats = ()
    owed = make_reply()
    owe_all(ground, owed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sms_port.gateway.record", die)
        with pytest.raises(KeyboardInterrupt):
            send_due(ground, news)
    receipts = [
        Receipt("cmpp", name, 1, Word.DELIVERED, "DELIVRD", clock.now(), trace(phone))
        for name, phone in (("00ab", PHONE), ("00ac", "13900000000"))
    ]
    record_receipts(ground, news, receipts)
    assert state_of(ground, owed) is State.SENDING
    assert len(rows(ground, unmatched)) == 2
    clock.advance(2 * MINUTE_MS)
    sweep(ground, news)  # the lease is over
    sweep(ground, news)
    assert state_of(ground, owed) is State.DELIVERED
    assert news.kinds == ["accepted"]
    assert len(rows(ground, unmatched)) == 1
    clock.advance(SILENT_MS)
    sweep(ground, news)
    assert rows(ground, unmatched) == []


def test_a_report_that_fits_two_messages_in_doubt_settles_neither(
    ground: Ground, peer: Peer, news: News, clock: FixedClock
) -> None:
    peer.play.silent = True
    peer.play.stats = ()
    both = [make_reply(), make_reply()]
    owe_all(ground, *both)
    gateway = Gateway(ground, news)
    gateway.exchange.wait_ready(5)
    work(gateway)
    wait_until(lambda: {state_of(ground, owed) for owed in both} == {State.UNKNOWN})
    gateway.exchange.close()
    record_receipts(
        ground, news, [Receipt("cmpp", "00ab", 1, Word.DELIVERED, "DELIVRD", 0, Trace(PHONE, "", clock.now()))]
    )
    assert {state_of(ground, owed) for owed in both} == {State.UNKNOWN}


def test_a_late_answer_settles_a_doubt(ground: Ground, gateway: Gateway, peer: Peer) -> None:
    held: list[tuple[Guest, bytes]] = []
    peer.play.answer = lambda guest, frame, part: held.append((guest, frame))  # type: ignore[method-assign]
    peer.play.stats = ()
    owed = make_reply()
    owe_all(ground, owed)
    work(gateway)
    wait_until(lambda: state_of(ground, owed) is State.UNKNOWN)
    guest, frame = held[0]
    guest.say(frame)
    wait_until(lambda: state_of(ground, owed) is State.ACCEPTED)


def test_a_doubt_that_nothing_resolves_leads_to_one_flagged_resend(
    ground: Ground, gateway: Gateway, peer: Peer, news: News, clock: FixedClock
) -> None:
    peer.play.silent = True
    peer.play.stats = ()
    reply, code = make_reply(), make_code(ground)
    owe_all(ground, reply, code)
    work(gateway)
    clock.advance(1_000)  # the link rests that long
    work(gateway)
    wait_until(lambda: {state_of(ground, owed) for owed in (reply, code)} == {State.UNKNOWN})
    peer.play.silent = False
    clock.advance(RESEND_AFTER_MS)
    sweep(ground, news)
    work(gateway)
    wait_until(lambda: state_of(ground, reply) is State.ACCEPTED)
    assert state_of(ground, code) is State.UNKNOWN_FINAL
    assert sorted(peer.texts, key=len)[1:] == [REPLY, FLAGGED]


def test_without_a_receipt_for_72_hours_it_is_expired_and_its_owner_hears_nothing_new(
    ground: Ground, gateway: Gateway, peer: Peer, news: News, clock: FixedClock
) -> None:
    peer.play.stats = ()
    owed = make_reply()
    owe_all(ground, owed)
    work(gateway)
    clock.advance(SILENT_MS - 1)
    sweep(ground, news)
    assert state_of(ground, owed) is State.ACCEPTED
    clock.advance(1)
    sweep(ground, news)
    assert state_of(ground, owed) is State.EXPIRED
    assert news.kinds == ["accepted"]


def test_not_connected_fails_over_and_unknown_does_not(
    ground: Ground, peer: Peer, news: News, clock: FixedClock
) -> None:
    document = ground.catalogues.document()
    entry = document[document.index("# To send over CMPP") : document.index("# Limits")]
    dead = entry.replace('code = "cmpp"', 'code = "dead"').replace(
        '"{sandbox-cmpp}"', f'"cmpp://127.0.0.1:{free_port()}"'
    )
    change_catalogue(ground, (entry, dead + entry.replace("preference = 0", "preference = 1")))
    ground.secrets.forget()
    first = make_reply()
    owe_all(ground, first)
    gateway = Gateway(ground, news)
    entries = {entry.code: entry for entry in ground.catalogues.current().links}
    gateway.exchange.link(entries["cmpp"]).wait_ready(5)
    work(gateway)
    assert peer.texts == [REPLY], "the dead link is passed over"
    peer.play.silent = True
    peer.play.stats = ()
    second = make_reply()
    owe_all(ground, second)
    work(gateway)
    wait_until(lambda: state_of(ground, second) is State.UNKNOWN)
    clock.advance(MINUTE_MS)
    work(gateway)
    assert attempts_of(ground, second) == 1
    gateway.exchange.close()


def test_a_changed_catalogue_moves_the_traffic(ground: Ground, gateway: Gateway, peer: Peer) -> None:
    owe_all(ground, make_reply())
    work(gateway)
    secret = ground.secrets.get("cmpp.key")
    with run_peer(secret) as other:
        use_cmpp(ground, other.gateway.port)
        work(gateway)
        gateway.exchange.wait_ready(5)
        owe_all(ground, make_reply())
        work(gateway)
        assert (len(peer.parts), len(other.parts)) == (1, 1)
        wait_until(lambda: not peer.gateway.guests())


def test_a_link_serves_only_the_carriers_it_names(ground: Ground, peer: Peer, news: News) -> None:
    document = ground.catalogues.document()
    change_catalogue(
        ground,
        (document, document.replace('code = "cmpp"', 'code = "cmpp"\ncarriers = ["china-unicom"]')),
    )
    mobile, unicom = make_reply(PHONE), make_reply("18600000000")
    owe_all(ground, mobile, unicom)
    send_due(ground, news)
    assert [taken.phone for taken in peer.parts] == ["18600000000"]
    assert state_of(ground, mobile) is State.FAILED, "no link ever takes it"


def test_one_key_owed_a_hundred_times_by_two_and_sent_by_two_is_one_submit(
    ground: Ground, peer: Peer, news: News
) -> None:
    code = make_code(ground)

    def owe_it() -> None:
        for _ in range(50):
            transact(ground.engine, lambda db: owe(db, ground, [replace(code)]))

    with ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(owe_it), pool.submit(owe_it)]
        calls += [pool.submit(send_due, ground, news), pool.submit(send_due, ground, news)]
        for call in calls:
            call.result()
    send_due(ground, news)
    assert len(peer.parts) == 1
    assert news.kinds == ["accepted"]


def test_how_the_links_are_is_written_down(ground: Ground, gateway: Gateway, peer: Peer) -> None:
    gateway.exchange.note_health()
    with reading(ground.engine) as db:
        (row,) = db.execute(select(link_health)).all()
    assert (row.link, row.status, row.rate) == ("cmpp", "up", 2000)
