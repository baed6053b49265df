"""Workers that die, are held up, or meet each other: every inquiry still ends once."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from config.db.engine import begin
from config.ground import Ground
from config.times.clock import FixedClock
from query.asking.calls import call_partner
from query.asking.claims import claim_call
from query.inquiry import SECOND, Outcome, State
from query.models import inquiry, question, wave
from query.settling.advance import advance
from query.upkeep.sweep import sweep
from query.waves.questions import UNAVAILABLE, QuestionState
from query.waves.record import record
from sms_port.models import Lane, message
from tests.query.crash import Killed
from tests.query.partner_stub import (
    Partners,
    accept,
    accept_many,
    ask,
    due_partners,
    gather,
    hand_over,
    one,
    open_questions,
    replies,
    retry,
    rows,
    work,
)
from tests.query.race import at_once


def call_of(ground: Ground, code: str) -> Any:
    """(partner, call): what a worker has claimed and not yet asked."""
    partner = ground.catalogues.current().partner(code)
    assert partner is not None
    call = claim_call(ground, partner)
    assert call is not None
    return partner, call


def replies_by_inquiry(ground: Ground) -> Counter[bytes]:
    return Counter(row.id for row in rows(ground, message) if row.lane == Lane.REPLY)


POINTS = [
    "query.asking.calls.client.ask",
    "query.asking.results.record_all",
    "query.asking.rounds.advance",
    "query.asking.gather.owed_items",
    "query.settling.advance.settle_identity",
    "query.settling.advance.settle_counts",
    "query.settling.ending.owe",
    "query.settling.ending.move",
    "query.settling.identity.move",
    "query.settling.counts.finish",
    "query.settling.after_commit.AfterCommit.ring",
]


@pytest.mark.parametrize("passage", [1, 2])
@pytest.mark.parametrize("point", POINTS)
def test_a_worker_killed_before_any_step_leaves_an_inquiry_that_still_ends_once(
    ground: Ground, clock: FixedClock, monkeypatch: pytest.MonkeyPatch, point: str, passage: int
) -> None:
    accepted = accept_many(ground, 2)
    with monkeypatch.context() as patch:
        passed = kill_at(patch, point, passage)
        try:
            work(ground)
        except Killed:
            passed.append("killed")
    reached = passed and passed[-1] == "killed"
    assert reached or passage > 1, "the point was never reached"
    for _ in range(3):
        clock.advance(60 * SECOND)
        sweep(ground)
        work(ground)
    assert {one(ground, entry).outcome for entry in accepted} == {Outcome.ANSWERED}
    assert set(replies_by_inquiry(ground).values()) == {1}
    assert len(replies_by_inquiry(ground)) == 2


def kill_at(patch: pytest.MonkeyPatch, point: str, passage: int) -> list[str]:
    """Die at the n-th passage of a function that the pipeline calls; returns what was passed."""
    passed: list[str] = []
    real = resolve(point)

    def dying(*args: Any, **kwargs: Any) -> Any:
        passed.append(point)
        if len(passed) == passage:
            raise Killed
        return real(*args, **kwargs)

    patch.setattr(point, dying)
    return passed


def resolve(point: str) -> Any:
    """Resolve a dotted name."""
    found: Any = __import__("query")
    for name in point.split(".")[1:]:
        found = getattr(found, name)
    return found


def test_a_worker_killed_after_the_answer_asks_again_and_replies_once(
    ground: Ground, partners: Partners, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted = accept(ground)
    gather(ground, "china-mobile")
    with monkeypatch.context() as patch:
        kill_at(patch, "query.asking.rounds.record_results", 1)
        with pytest.raises(Killed):
            ask(ground, "jd")
    work(ground)
    assert not replies(ground)
    clock.advance(60 * SECOND)
    sweep(ground)
    work(ground)
    assert len(partners.asked("jd")) == 2
    assert len(set(partners.asked("jd"))) == 1, "the partner sees the same question"
    assert one(ground, accepted).outcome == Outcome.ANSWERED


def test_an_identity_wave_whose_worker_died_is_asked_again(
    ground: Ground, partners: Partners, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted = accept(ground)
    with monkeypatch.context() as patch:
        kill_at(patch, "query.asking.gather.owed_items", 1)
        with pytest.raises(Killed):
            gather(ground, "china-mobile")
    sweep(ground)
    work(ground)
    assert not partners.calls, "the lease still runs"
    clock.advance(60 * SECOND)
    sweep(ground)
    assert due_partners(ground) == ["china-mobile"]
    work(ground)
    assert one(ground, accepted).outcome == Outcome.ANSWERED


def test_two_workers_with_the_last_two_answers_make_one_reply(ground: Ground) -> None:
    accept(ground)
    gather(ground, "china-mobile")
    codes = due_partners(ground)
    for code in codes[:-2]:
        ask(ground, code)
    assert at_once(2, lambda place: ask(ground, codes[-2:][place])) == [None, None]
    advance(ground)
    assert list(replies_by_inquiry(ground).values()) == [1]


def test_four_workers_on_everything_at_once_answer_each_inquiry_once(ground: Ground, partners: Partners) -> None:
    accept_many(ground, 30)
    for _ in range(4):
        assert at_once(4, lambda _: work_leniently(ground)) == [None] * 4
    assert len(replies_by_inquiry(ground)) == 30
    assert set(replies_by_inquiry(ground).values()) == {1}
    assert {row.outcome for row in rows(ground)} == {Outcome.ANSWERED}
    for code in ("tencent", "alibaba", "meituan"):
        assert max(Counter(partners.asked(code)).values()) == 1


def work_leniently(ground: Ground) -> None:
    gather(ground, "china-mobile")
    for code in due_partners(ground):
        ask(ground, code)
    advance(ground)


def test_advance_by_six_workers_at_once_settles_each_wave_once(ground: Ground) -> None:
    accept(ground)
    gather(ground, "china-mobile")
    for code in due_partners(ground):
        _, call = call_of(ground, code)
        record(ground, call.lease, dict.fromkeys(call.items, UNAVAILABLE))
    assert at_once(6, lambda _: advance(ground)) == [[]] * 6
    assert list(replies_by_inquiry(ground).values()) == [1]
    assert {row.state for row in rows(ground)} == {State.REPLYING}


def test_a_worker_held_up_past_its_lease_does_not_call(ground: Ground, partners: Partners, clock: FixedClock) -> None:
    accept(ground)
    gather(ground, "china-mobile")
    partner, call = call_of(ground, "jd")
    clock.advance(60 * SECOND)
    assert not call_partner(ground, partner, call).answers
    assert not partners.asked("jd")


def test_a_late_answer_counts_but_takes_nothing_from_the_new_lease(ground: Ground, clock: FixedClock) -> None:
    first, second = accept_many(ground, 2)
    gather(ground, "china-mobile")
    _, old = call_of(ground, "jd")
    clock.advance(60 * SECOND)
    sweep(ground)
    _, new = call_of(ground, "jd")
    early = one(ground, first).id
    record(ground, old.lease, {early: {"jd": 3}})
    (row,) = (row for row in rows(ground, question) if row.partner == "jd")
    assert (row.state, row.tries, row.n) == (QuestionState.LEASED, 2, 1), "the new worker is still asking"
    record(ground, new.lease, {early: {"jd": 7}, one(ground, second).id: {"jd": 1}})
    work(ground)
    assert "京东3个" in replies(ground)[first.reference].text, "the first valid answer counts"
    assert "京东1个" in replies(ground)[second.reference].text


def test_an_answer_for_an_inquiry_that_left_the_wave_changes_nothing(
    ground: Ground, partners: Partners, clock: FixedClock
) -> None:
    first, second = accept_many(ground, 2)
    slow = one(ground, second).id.hex()
    partners.plays["jd"] = lambda item, _: {"error": "retry"} if item["id"] == slow else {"counts": {"jd": 1}}
    gather(ground, "china-mobile")
    _, old = call_of(ground, "meituan")
    clock.advance(60 * SECOND)
    sweep(ground)
    work(ground)
    assert list(replies(ground)) == [first.reference]
    ids = [one(ground, first).id, one(ground, second).id]
    record(ground, old.lease, {number: {"meituan": 9} for number in ids})
    del partners.plays["jd"]
    clock.advance(10 * SECOND)
    work(ground)
    assert "美团9个" not in "".join(sms.text for sms in replies(ground).values())
    assert len(replies(ground)) == 2


def test_a_lost_bell_costs_a_sweep_and_nothing_else(ground: Ground) -> None:
    accept(ground)
    ground.redis.flushall()
    sweep(ground)
    assert ground.redis.keys("ring:gather:")
    gather(ground, "china-mobile")
    ground.redis.flushall()
    sweep(ground)
    assert len(ground.redis.keys("ring:ask:*")) == 8


def test_a_wave_that_cannot_be_opened_does_not_stop_the_others_and_is_rebuilt(ground: Ground) -> None:
    torn = accept(ground, "13800000001")
    gather(ground, "china-mobile")
    sound = accept(ground, "13800000002")
    with begin(ground.engine) as db:
        number = one(ground, torn).wave
        db.execute(wave.update().where(wave.c.id == number).values(phones=b"\x01\x00\x01torn", look=1))
    work_leniently(ground)
    work_leniently(ground)
    assert replies(ground).keys() == {torn.reference, sound.reference}


def test_an_inquiry_whose_number_cannot_be_opened_does_not_stop_its_neighbours(
    ground: Ground, clock: FixedClock
) -> None:
    torn, sound = accept_many(ground, 2)
    with begin(ground.engine) as db:
        number = one(ground, torn).id
        db.execute(inquiry.update().where(inquiry.c.id == number).values(phone=b"\x01\x00\x01torn"))
    work(ground)
    assert list(replies(ground)) == [sound.reference]
    clock.advance(6 * 3600 * SECOND)
    sweep(ground)
    assert (one(ground, torn).state, one(ground, torn).outcome) == (State.CLOSED, Outcome.UNSUCCESSFUL)


def test_a_closed_inquiry_ignores_further_outcomes(ground: Ground) -> None:
    accepted = accept(ground)
    work(ground)
    hand_over(ground)
    hand_over(ground, "failed")
    assert one(ground, accepted).state == State.CLOSED
    assert not [row for row in open_questions(ground) if row.state == QuestionState.DUE]


def test_a_verdict_that_is_settled_after_the_neighbours_time_leaves_no_question_behind(
    ground: Ground, partners: Partners, clock: FixedClock
) -> None:
    matched, silent = accept_many(ground, 2)
    number = one(ground, matched).id
    partners.plays["china-mobile"] = retry
    gather(ground, "china-mobile")
    clock.advance(3 * SECOND)
    _, call = call_of(ground, "china-mobile")
    record(ground, call.lease, {number: "match"})
    clock.advance(6 * 3600 * SECOND)
    advance(ground)
    assert one(ground, silent).outcome == Outcome.UNSUCCESSFUL
    sweep(ground)
    work(ground)
    assert one(ground, matched).outcome == Outcome.ANSWERED
    assert partners.asked("china-mobile").count(number.hex()) == 1
    assert not open_questions(ground)
