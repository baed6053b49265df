"""The gateway and its ledger over CMPP: early, late, lost and contradictory words, on both databases."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from sqlalchemy import select

from config.db.engine import reading, transact
from config.ground import Ground
from config.times.clock import FixedClock
from sms_port.ledger.messages import SILENT_MS, owe, sweep
from sms_port.models import State, link_health, part, receipt
from sms_port.sending.gateway import Gateway, send_due
from tests.sms_port.cmpp_peers import LONG, Peer, run_peer, silent, use_cmpp, work
from tests.sms_port.messages import (
    MINUTE_MS,
    PHONE,
    REPLY,
    News,
    attempts_of,
    change_catalogue,
    make_code,
    make_reply,
    owe_all,
    rows,
    state_of,
)
from tests.support.servers import free_port, wait_until


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


@silent
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
    gateway.pool.link(entries["cmpp"]).wait_ready(90)
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
    gateway.pool.close()


def test_a_changed_catalogue_moves_the_traffic(ground: Ground, gateway: Gateway, peer: Peer) -> None:
    owe_all(ground, make_reply())
    work(gateway)
    secret = ground.secrets.get("cmpp.key")
    with run_peer(secret) as other:
        use_cmpp(ground, other.gateway.port)
        work(gateway)
        gateway.pool.wait_ready(90)
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
        calls: list[Future[Any]] = [pool.submit(owe_it), pool.submit(owe_it)]
        calls += [pool.submit(send_due, ground, news), pool.submit(send_due, ground, news)]
        for call in calls:
            call.result()
    send_due(ground, news)
    assert len(peer.parts) == 1
    assert news.kinds == ["accepted"]


def test_how_the_links_are_is_written_down(ground: Ground, gateway: Gateway, peer: Peer) -> None:
    gateway.pool.record_health()
    with reading(ground.engine) as db:
        (row,) = db.execute(select(link_health)).all()
    assert (row.link, row.status, row.rate) == ("cmpp", "up", 2000)
