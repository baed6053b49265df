"""Doubts over CMPP: what a report, a late answer or half an hour makes of them, on both databases."""

from __future__ import annotations

import secrets
import time

import pytest

from config.ground import Ground
from config.times.clock import FixedClock
from sms_port.ledger.messages import RESEND_AFTER_MS, SILENT_MS, sweep
from sms_port.ledger.receipts import Clues, Receipt, record_receipts
from sms_port.models import ReceiptStatus, State, unmatched
from sms_port.sandbox.cmpp_gateway import Guest
from sms_port.sending.gateway import Gateway, send_due
from tests.sms_port.cmpp_peers import LONG, Peer, silent, use_cmpp, work
from tests.sms_port.messages import (
    CODE,
    FLAGGED,
    MINUTE_MS,
    PHONE,
    REPLY,
    News,
    make_code,
    make_reply,
    owe_all,
    rows,
    state_of,
)
from tests.support.servers import wait_until


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
    gateway.pool.wait_ready(90)
    work(gateway)
    wait_until(lambda: state_of(ground, owed) is State.UNKNOWN)
    guest = peer.guest()
    for taken in list(peer.parts):
        peer.gateway._promise(guest, secrets.randbits(60), taken, "DELIVRD")
    wait_until(lambda: len(rows(ground, unmatched)) == 2)
    sweep(ground, news)
    assert state_of(ground, owed) is State.DELIVERED
    gateway.pool.close()
    clock.advance(RESEND_AFTER_MS)
    sweep(ground, news)
    assert send_due(ground, news) == 0
    assert len(peer.parts) == 2, "nothing was sent twice"


def test_a_report_that_came_before_the_doubt_is_matched_later(
    ground: Ground, peer: Peer, news: News, clock: FixedClock
) -> None:
    """F10, jasmin#586: killed with the message SENDING, and the report is there before it is in doubt."""

    def trace(phone: str) -> Clues:
        return Clues(phone, "", clock.now() // MINUTE_MS * MINUTE_MS)

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    peer.play.stats = ()
    owed = make_reply()
    owe_all(ground, owed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sms_port.sending.results.record", die)
        with pytest.raises(KeyboardInterrupt):
            send_due(ground, news)
    receipts = [
        Receipt("cmpp", name, 1, ReceiptStatus.DELIVERED, "DELIVRD", clock.now(), trace(phone))
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


@silent
def test_a_report_that_fits_two_messages_in_doubt_settles_neither(
    ground: Ground, peer: Peer, news: News, clock: FixedClock
) -> None:
    peer.play.silent = True
    peer.play.stats = ()
    both = [make_reply(), make_reply()]
    owe_all(ground, *both)
    gateway = Gateway(ground, news)
    gateway.pool.wait_ready(90)
    work(gateway)
    wait_until(lambda: {state_of(ground, owed) for owed in both} == {State.UNKNOWN})
    gateway.pool.close()
    record_receipts(
        ground, news, [Receipt("cmpp", "00ab", 1, ReceiptStatus.DELIVERED, "DELIVRD", 0, Clues(PHONE, "", clock.now()))]
    )
    assert {state_of(ground, owed) for owed in both} == {State.UNKNOWN}


@silent
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


@silent
def test_a_doubt_that_nothing_resolves_leads_to_one_flagged_resend(
    ground: Ground, gateway: Gateway, peer: Peer, news: News, clock: FixedClock
) -> None:
    """F09: half an hour later one flagged resend of the reply, and none of the code."""
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
    assert sorted(peer.texts) == sorted([CODE, REPLY, FLAGGED])
