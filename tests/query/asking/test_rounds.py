"""Rounds: a wave that matches is put to everyone side by side by the worker that checked it, and nobody else."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any
from unittest.mock import patch

import pytest

from config.db.engine import begin
from config.ground import Ground
from config.times.clock import FixedClock
from enterprises.circuit_breaker import acquire, release
from query.asking.bulkheads import CALLS_EACH, Bulkheads
from query.asking.gather_delay import GatherDelay
from query.asking.jobs import gather
from query.asking.rounds import LocalAsker
from query.inquiry import HOUR, PHONE_CARDS, SECOND, Outcome
from query.models import question
from query.upkeep.sweep import sweep
from query.waves.record import record_all
from tests.query.crash import Killed
from tests.query.partner_stub import (
    Body,
    Partners,
    accept,
    accept_many,
    agree,
    due_partners,
    one,
    open_questions,
    replies,
    retry,
    rows,
    status,
    work,
)
from tests.support.servers import PATIENCE_S, wait_until

CARRIER = "china-mobile"


def check_and_ask(ground: Ground, bulkheads: Bulkheads | None = None) -> None:
    """Run a worker's job `gather`."""
    gather(ground, LocalAsker(ground, bulkheads or Bulkheads(patience_s=PATIENCE_S)), GatherDelay())


def allow_a_minute(ground: Ground) -> None:
    """Apply the catalogue with calls that may take as long as a test may wait, and longer."""
    document = ground.catalogues.document().replace("read_s = 10\ntotal_s = 15", "read_s = 90\ntotal_s = 90")
    with begin(ground.engine) as db:
        ground.catalogues.apply(db, document, "a minute", "test", ground.clock.now())
    ground.catalogues.forget()


def test_a_wave_is_checked_asked_and_replied_to_in_one_job(ground: Ground, partners: Partners) -> None:
    accepted = accept_many(ground, 5)
    check_and_ask(ground)
    assert {one(ground, entry).outcome for entry in accepted} == {Outcome.ANSWERED}
    assert len(replies(ground)) == 5
    calls = Counter(code for code, asked_body in partners.calls if asked_body["kind"] == "count")
    assert calls == {partner.code: 1 for partner in ground.catalogues.current().enterprises()}


def test_a_wave_that_keeps_identities_is_asked_in_the_same_job(ground: Ground, partners: Partners) -> None:
    """pages fault A1: phone cards, whose waves keep names and ID numbers, broke the job instead."""
    entry = accept(ground, service=PHONE_CARDS)
    check_and_ask(ground)
    assert one(ground, entry).outcome == Outcome.ANSWERED


def test_a_wave_that_knows_since_when_a_number_is_held_is_asked_in_the_same_job(
    ground: Ground, partners: Partners
) -> None:
    """The same mistake for internet accounts, as soon as a carrier tells since when."""
    partners.plays[CARRIER] = lambda item, asked: {"verdict": "match", "active_since": "2024-05"}
    entry = accept(ground)
    check_and_ask(ground)
    assert one(ground, entry).outcome == Outcome.ANSWERED


def test_what_comes_at_once_is_recorded_in_one_transaction(ground: Ground) -> None:
    accept(ground)
    with patch("query.asking.results.record_all", wraps=record_all) as recorded:
        check_and_ask(ground)
    assert [len(call.args[1]) for call in recorded.call_args_list] == [1, 8]


def test_a_slow_partner_is_recorded_by_itself_when_it_answers(ground: Ground, partners: Partners) -> None:
    goes_on = threading.Event()

    def slow(item: Body, asked: Body) -> Body:
        goes_on.wait(PATIENCE_S)
        return {"counts": {"jd": 1}}

    partners.plays["jd"] = slow
    allow_a_minute(ground)
    accepted, bulkheads = accept(ground), Bulkheads(patience_s=0.5)
    check_and_ask(ground, bulkheads)
    wait_until(lambda: [row.partner for row in open_questions(ground)] == ["jd"])
    bulkheads._patience_s = 2 * PATIENCE_S  # a worker that waited for it now would do so until it has answered
    later = accept(ground, "13800138001")
    check_and_ask(ground, bulkheads)
    wait_until(lambda: [row.partner for row in open_questions(ground)] == ["jd", "jd"])
    goes_on.set()
    wait_until(lambda: {one(ground, entry).outcome for entry in (accepted, later)} == {Outcome.ANSWERED})


@pytest.mark.parametrize("play", [retry, status(500), status(429)])
def test_a_partner_that_fails_costs_the_others_nothing_and_is_asked_again(
    ground: Ground, partners: Partners, clock: FixedClock, play: Any
) -> None:
    partners.plays["jd"] = play
    accepted = accept(ground)
    check_and_ask(ground)
    assert [row.partner for row in open_questions(ground)] == ["jd"]
    partners.reset()
    clock.advance(60 * SECOND)
    sweep(ground)
    work(ground)
    assert partners.asked("jd") == partners.asked("jd")[:1]
    assert one(ground, accepted).outcome == Outcome.ANSWERED


def test_a_partner_in_its_hours_is_not_asked_before_they_are_over(
    ground: Ground, partners: Partners, clock: FixedClock
) -> None:
    agree(ground, "jd", 'closed = ["14:00-15:00"]')  # it is 14:05
    accepted = accept(ground)
    check_and_ask(ground)
    assert [row.partner for row in open_questions(ground)] == ["jd"]
    assert partners.asked("jd") == []
    clock.advance(HOUR)
    sweep(ground)
    work(ground)
    assert one(ground, accepted).outcome == Outcome.ANSWERED


def test_a_partner_whose_breaker_is_open_is_left_alone_until_it_may_be_tried(
    ground: Ground, partners: Partners, clock: FixedClock
) -> None:
    partners.plays["jd"] = status(500)
    accepted = []
    for place in range(8):
        accepted.append(accept(ground, f"1380013800{place}"))
        check_and_ask(ground)
    assert len(partners.asked("jd")) == 5
    assert due_partners(ground) == []
    del partners.plays["jd"]
    clock.advance(60 * SECOND)
    for _ in range(2):
        sweep(ground)
        work(ground)
    assert {one(ground, entry).outcome for entry in accepted} == {Outcome.ANSWERED}


def test_a_partner_whose_share_of_threads_is_used_up_is_left_to_another_worker(
    ground: Ground, partners: Partners
) -> None:
    bulkheads, goes_on = Bulkheads(patience_s=PATIENCE_S), threading.Event()
    jd = ground.catalogues.current().partner("jd")
    assert jd is not None
    for _ in range(CALLS_EACH):
        assert bulkheads.submit(jd, 0, lambda: goes_on.wait(PATIENCE_S)) is not None
    accept(ground)
    check_and_ask(ground, bulkheads)
    goes_on.set()
    assert [row.partner for row in open_questions(ground)] == ["jd"]
    assert due_partners(ground) == ["jd"]
    assert [row.tries for row in rows(ground, question) if row.partner == "jd"] == [0]


def test_no_more_calls_at_once_than_agreed_and_the_question_is_due_again(ground: Ground, partners: Partners) -> None:
    agree(ground, "jd", "concurrency = 1")
    jd = ground.catalogues.current().partner("jd")
    assert jd is not None
    permit = acquire(ground, jd)
    accepted = accept(ground)
    check_and_ask(ground)
    assert partners.asked("jd") == []
    assert due_partners(ground) == ["jd"]
    release(ground, jd, permit)
    work(ground)
    assert one(ground, accepted).outcome == Outcome.ANSWERED


def test_a_round_that_comes_too_soon_for_the_agreed_pace_leaves_the_pace_as_it_is(
    ground: Ground, partners: Partners
) -> None:
    agree(ground, "jd", "calls_per_s = 0.1")
    jd = ground.catalogues.current().partner("jd")
    assert jd is not None
    for place in range(2):
        accept(ground, f"1380013800{place}")
        check_and_ask(ground)
    assert len(partners.asked("jd")) == 1
    assert due_partners(ground) == ["jd"]
    assert (acquire(ground, jd).wait_s or 0) > 5


def test_a_worker_killed_before_its_round_leaves_questions_that_are_asked_later(
    ground: Ground, partners: Partners, clock: FixedClock
) -> None:
    accepted = accept(ground)
    with patch("query.asking.rounds.LocalAsker._count_calls", side_effect=Killed), pytest.raises(Killed):
        check_and_ask(ground)
    sweep(ground)
    work(ground)
    assert [code for code, asked_body in partners.calls if asked_body["kind"] == "count"] == [], "the leases still run"
    clock.advance(60 * SECOND)
    sweep(ground)
    work(ground)
    assert one(ground, accepted).outcome == Outcome.ANSWERED
    assert len(partners.asked("jd")) == 1


def test_a_worker_held_up_past_its_lease_asks_nobody(ground: Ground, partners: Partners, clock: FixedClock) -> None:
    accept(ground)
    permitted = LocalAsker._permitted

    def held_up(asker: LocalAsker, calls: Any) -> Any:
        clock.advance(60 * SECOND)
        return permitted(asker, calls)

    with patch.object(LocalAsker, "_permitted", held_up):
        check_and_ask(ground)
    assert [code for code, asked_body in partners.calls if asked_body["kind"] == "count"] == []
