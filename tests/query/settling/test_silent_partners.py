"""Partners that fail, keep silent or answer rubbish: asked again, then named, and never told as 0."""

from __future__ import annotations

from typing import Any

import pytest

from config.ground import Ground
from config.times.clock import FixedClock
from query.inquiry import HOUR, PHONE_CARDS, SECOND, Outcome, State
from query.models import wave
from query.upkeep.sweep import sweep
from tests.query.partner_stub import (
    ENTERPRISES,
    Partners,
    accept,
    one,
    open_waves,
    replies,
    retry,
    rows,
    status,
    verdict,
    work,
)


def test_a_partner_that_fails_is_asked_again_by_its_schedule(
    ground: Ground, partners: Partners, clock: FixedClock
) -> None:
    partners.plays["jd"] = status(500)
    accepted = accept(ground)
    work(ground)
    work(ground)
    assert len(partners.asked("jd")) == 1
    assert not replies(ground)
    del partners.plays["jd"]
    clock.advance(3 * SECOND)
    work(ground)
    assert len(partners.asked("jd")) == 2
    assert one(ground, accepted).outcome == Outcome.ANSWERED
    assert len(partners.asked("tencent")) == 1


def test_retry_after_holds_for_every_question_to_that_partner(
    ground: Ground, partners: Partners, clock: FixedClock
) -> None:
    accept(ground, "13800000001")
    work_first = partners.plays
    work_first["jd"] = status(429)
    partners.headers["Retry-After"] = "600"
    work(ground)
    accept(ground, "13800000002")
    work(ground)
    calls = len(partners.asked("jd"))
    clock.advance(400 * SECOND)
    work(ground)
    del work_first["jd"]
    clock.advance(400 * SECOND)
    work(ground)
    assert calls == 2
    assert len(replies(ground)) == 2


def test_silent_companies_are_named_after_the_patience(ground: Ground, partners: Partners, clock: FixedClock) -> None:
    partners.plays["jd"] = partners.plays["meituan"] = status(500)
    accepted = accept(ground)
    work(ground)
    clock.advance(2 * HOUR - 1)
    sweep(ground)
    work(ground)
    assert not replies(ground)
    clock.advance(1)
    sweep(ground)
    work(ground)
    assert one(ground, accepted).outcome == Outcome.PARTIAL
    assert "京东、美团暂未反馈，不代表没有账号" in replies(ground)[accepted.reference].text
    asked = len(partners.calls)
    clock.advance(HOUR)
    work(ground)
    assert len(partners.calls) == asked, "nobody is asked after the decision"


def test_when_nobody_answers_the_reply_says_so_and_no_zero(
    ground: Ground, partners: Partners, clock: FixedClock
) -> None:
    for code in ENTERPRISES:
        partners.plays[code] = status(500)
    accepted = accept(ground)
    work(ground)
    clock.advance(2 * HOUR)
    sweep(ground)
    work(ground)
    text = replies(ground)[accepted.reference].text
    assert "8家企业均未按时反馈" in text
    assert "0个" not in text


@pytest.mark.parametrize("body", [status(500), retry, lambda item, asked: None, verdict("perhaps")])
def test_a_silent_carrier_ends_in_the_same_words_after_six_hours(
    ground: Ground, partners: Partners, clock: FixedClock, body: Any
) -> None:
    partners.plays["china-mobile"] = body
    accepted = accept(ground)
    work(ground)
    clock.advance(6 * HOUR)
    sweep(ground)
    work(ground)
    row = one(ground, accepted)
    assert (row.state, row.outcome, row.identity) == (State.REPLYING, Outcome.UNSUCCESSFUL, None)
    assert not open_waves(ground)


def test_an_inquiry_that_was_never_gathered_ends_after_six_hours(
    ground: Ground, partners: Partners, clock: FixedClock
) -> None:
    accepted = accept(ground)
    clock.advance(6 * HOUR)
    sweep(ground)
    work(ground)
    assert one(ground, accepted).outcome == Outcome.UNSUCCESSFUL
    assert not partners.calls
    assert len(replies(ground)) == 1


def test_phone_cards_are_decided_before_id_digits_must_go(
    ground: Ground, partners: Partners, clock: FixedClock
) -> None:
    partners.plays["china-mobile"] = status(500)
    accepted = accept(ground, service=PHONE_CARDS)
    work(ground)
    clock.advance(5 * HOUR)
    partners.plays["china-mobile"] = verdict("match")
    partners.plays["china-telecom"] = status(500)
    work(ground)
    clock.advance(HOUR)
    sweep(ground)
    work(ground)
    row = one(ground, accepted)
    assert (row.outcome, row.identity) == (Outcome.PARTIAL, None)
    assert all(entry.identities is None for entry in rows(ground, wave))


def test_garbage_negative_counts_and_foreign_ids_are_no_answers(
    ground: Ground, partners: Partners, clock: FixedClock
) -> None:
    partners.plays["jd"] = lambda item, _: {"counts": {"jd": -1}}
    partners.plays["meituan"] = lambda item, _: {"id": "0" * 32, "counts": {"meituan": 1}}
    accepted = accept(ground)
    work(ground)
    assert not replies(ground)
    clock.advance(2 * HOUR)
    sweep(ground)
    work(ground)
    assert "京东、美团暂未反馈" in replies(ground)[accepted.reference].text


def test_a_refused_item_is_named_and_not_asked_again(ground: Ground, partners: Partners) -> None:
    partners.plays["jd"] = lambda item, _: {"error": "refused"}
    accepted = accept(ground)
    work(ground)
    assert "京东暂未反馈" in replies(ground)[accepted.reference].text
    assert len(partners.asked("jd")) == 1
