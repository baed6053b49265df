"""Receipts in every order: they prove, they settle, and they never undo anything."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping

import pytest
from sqlalchemy import select

from config.db.engine import reading
from config.ground import Ground
from config.times.clock import FixedClock
from sms_port.ledger.messages import RESEND_AFTER_MS, Lane, Owed, sweep
from sms_port.ledger.receipts import Receipt, record_receipts, verdict_of
from sms_port.links.link import Accepted, SendResult, Unknown
from sms_port.message_reference import build_reference
from sms_port.models import ReceiptStatus, State, receipt
from sms_port.sending.claims import Claimed, claim
from sms_port.sending.results import record
from sms_port.sending.routing import Cooldown, routes_for
from tests.sms_port.messages import MINUTE_MS, News, is_erased, make_reply, owe_all, state_of

LONG = "长" * 100


def offer(ground: Ground, news: News, owed: Owed) -> Claimed:
    """Owe a message, commit its attempt, and stop before any answer."""
    owe_all(ground, owed)
    return claim_one(ground, news)


def claim_one(ground: Ground, news: News) -> Claimed:
    routes = routes_for(ground.catalogues.current(), Lane.REPLY, Cooldown(), ground.clock.now())
    (claimed,) = claim(ground, news, Lane.REPLY, routes, 10)
    return claimed


def answer(ground: Ground, news: News, claimed: Claimed, result: SendResult) -> None:
    record(ground, news, [claimed.attempt], {claimed.attempt.reference: result}, asked=False)


def make_receipt(
    owed: Owed, part: int = 1, word: ReceiptStatus = ReceiptStatus.DELIVERED, sending: int = 1, at: int = 1
) -> Receipt:
    code = {ReceiptStatus.DELIVERED: "DELIVRD", ReceiptStatus.FAILED: "UNDELIV", ReceiptStatus.UNCLEAR: "MA:0001"}[word]
    return Receipt("main", build_reference(owed.id, sending), part, word, code, at)


D, F, U = ReceiptStatus.DELIVERED, ReceiptStatus.FAILED, ReceiptStatus.UNCLEAR


@pytest.mark.parametrize(
    ("words", "parts", "verdict"),
    [
        ({}, 1, None),
        ({1: {D}}, 1, State.DELIVERED),
        ({1: {D}}, 2, None),
        ({1: {D}, 2: {D}}, 2, State.DELIVERED),
        ({1: {D}, 2: {F}}, 2, State.MIXED),
        ({2: {F}}, 2, None),
        ({1: {F}, 2: {F}}, 2, State.UNDELIVERED),
        ({1: {U}}, 1, None),
        ({1: {F, D}}, 1, State.DELIVERED),
        ({3: {D}}, 2, None),
        ({1: {D}}, 0, None),
    ],
)
def test_a_message_is_delivered_when_each_part_is(
    words: Mapping[int, set[ReceiptStatus]], parts: int, verdict: State | None
) -> None:
    assert verdict_of(words, parts) is verdict


def test_a_receipt_settles_an_accepted_message(ground: Ground, news: News) -> None:
    owed = make_reply()
    answer(ground, news, offer(ground, news, owed), Accepted())
    record_receipts(ground, news, [make_receipt(owed)])
    assert state_of(ground, owed) is State.DELIVERED
    assert news.kinds == ["accepted"]


def test_a_receipt_before_the_answer_proves_that_it_was_accepted(ground: Ground, news: News) -> None:
    owed = make_reply()
    claimed = offer(ground, news, owed)
    record_receipts(ground, news, [make_receipt(owed)])
    assert state_of(ground, owed) is State.DELIVERED
    assert is_erased(ground, owed)
    answer(ground, news, claimed, Accepted())
    assert state_of(ground, owed) is State.DELIVERED
    assert news.kinds == ["accepted"]


def test_a_receipt_resolves_an_unknown_message_and_spares_the_resend(
    ground: Ground, clock: FixedClock, news: News
) -> None:
    owed = make_reply()
    answer(ground, news, offer(ground, news, owed), Unknown("timeout"))
    record_receipts(ground, news, [make_receipt(owed)])
    clock.advance(RESEND_AFTER_MS)
    sweep(ground, news)
    assert state_of(ground, owed) is State.DELIVERED
    assert news.kinds == ["accepted"]


def test_a_late_receipt_calls_off_a_resend_that_has_not_left(ground: Ground, clock: FixedClock, news: News) -> None:
    owed = make_reply()
    answer(ground, news, offer(ground, news, owed), Unknown("timeout"))
    clock.advance(RESEND_AFTER_MS)
    sweep(ground, news)
    record_receipts(ground, news, [make_receipt(owed)])
    assert state_of(ground, owed) is State.DELIVERED


def test_a_failed_first_sending_does_not_call_off_its_resend(ground: Ground, clock: FixedClock, news: News) -> None:
    owed = make_reply()
    answer(ground, news, offer(ground, news, owed), Unknown("timeout"))
    clock.advance(RESEND_AFTER_MS)
    sweep(ground, news)
    record_receipts(ground, news, [make_receipt(owed, word=ReceiptStatus.FAILED)])
    assert state_of(ground, owed) is State.DUE
    answer(ground, news, claim_one(ground, news), Accepted())
    record_receipts(ground, news, [make_receipt(owed, sending=2)])
    assert state_of(ground, owed) is State.DELIVERED


def test_all_parts_must_arrive(ground: Ground, news: News) -> None:
    owed = make_reply(text=LONG)
    answer(ground, news, offer(ground, news, owed), Accepted())
    record_receipts(ground, news, [make_receipt(owed, 2)])
    assert state_of(ground, owed) is State.ACCEPTED
    record_receipts(ground, news, [make_receipt(owed, 1)])
    assert state_of(ground, owed) is State.DELIVERED


def test_a_final_state_never_regresses(ground: Ground, news: News) -> None:
    owed = make_reply()
    answer(ground, news, offer(ground, news, owed), Accepted())
    record_receipts(ground, news, [make_receipt(owed)])
    record_receipts(ground, news, [make_receipt(owed, word=ReceiptStatus.FAILED, at=2)])
    assert state_of(ground, owed) is State.DELIVERED


def test_a_message_that_was_given_up_stays_so(ground: Ground, clock: FixedClock, news: News) -> None:
    owed = make_reply(flagged=None)
    answer(ground, news, offer(ground, news, owed), Unknown("timeout"))
    clock.advance(RESEND_AFTER_MS)
    sweep(ground, news)
    record_receipts(ground, news, [make_receipt(owed)])
    assert state_of(ground, owed) is State.UNKNOWN_FINAL
    assert news.kinds == ["unknown_final"]


def test_receipts_for_messages_nobody_knows_are_kept_and_harmless(ground: Ground, news: News) -> None:
    strange = [Receipt("main", f"ref-{number}", 1, ReceiptStatus.DELIVERED, "DELIVRD", 1) for number in range(50)]
    record_receipts(ground, news, [*strange, make_receipt(make_reply())])
    with reading(ground.engine) as db:
        assert len(db.execute(select(receipt)).all()) == 51
    assert news.told == []


def test_a_receipt_of_another_link_changes_nothing(ground: Ground, news: News) -> None:
    owed = make_reply()
    answer(ground, news, offer(ground, news, owed), Accepted())
    record_receipts(
        ground, news, [Receipt("other", build_reference(owed.id, 1), 1, ReceiptStatus.DELIVERED, "DELIVRD", 1)]
    )
    assert state_of(ground, owed) is State.ACCEPTED


def test_many_receipts_in_any_order_and_twice_come_to_the_same(ground: Ground, news: News) -> None:
    owed = [make_reply(text=LONG) for _ in range(40)]
    owe_all(ground, *owed)
    routes = routes_for(ground.catalogues.current(), Lane.REPLY, Cooldown(), ground.clock.now())
    claims = claim(ground, news, Lane.REPLY, routes, 100)
    results = {claimed.attempt.reference: Accepted() for claimed in claims[:20]}
    record(ground, news, [claimed.attempt for claimed in claims[:20]], results, asked=False)
    every = [make_receipt(item, part) for item in owed for part in (1, 2)] * 2
    every.sort(key=lambda item: hashlib.sha256(f"{item.reference}{item.part}".encode()).digest())
    for start in range(0, len(every), 30):
        record_receipts(ground, news, every[start : start + 30])
    assert {state_of(ground, item) for item in owed} == {State.DELIVERED}
    assert news.kinds == ["accepted"] * 40


def test_ten_thousand_forged_receipts_change_nothing(ground: Ground, news: News, clock: FixedClock) -> None:
    owed = make_reply()
    claimed = offer(ground, news, owed)
    for _ in range(10):
        names = [build_reference(secrets.token_bytes(16), 1) for _ in range(1_000)]
        record_receipts(ground, news, [Receipt("main", name, 1, ReceiptStatus.FAILED, "UNDELIV", 1) for name in names])
    assert state_of(ground, owed) is State.SENDING
    clock.advance(MINUTE_MS)
    answer(ground, news, claimed, Accepted())
    assert state_of(ground, owed) is State.ACCEPTED
