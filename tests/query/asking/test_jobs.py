"""The pipeline as workers run it: rings through Redis, jobs by name, nothing personal on the way."""

from __future__ import annotations

from typing import Any

from config.ground import Ground
from config.queue.worker import make_worker
from config.times.clock import FixedClock
from query.asking.bulkheads import Bulkheads
from query.asking.jobs import make_jobs
from query.inquiry import SECOND, Outcome
from query.upkeep.backlog import Backlog, backlog
from query.upkeep.sweep import sweep
from tests.query.partner_stub import PHONE, Partners, accept, accept_many, one, replies, retry, rows, work
from tests.support.servers import PATIENCE_S


def run_worker(ground: Ground) -> None:
    """Run a worker until the queue is empty. It waits long for every partner, so that nothing goes on after it."""
    make_worker(ground.redis, make_jobs(ground, Bulkheads(patience_s=PATIENCE_S))).work(burst=True)


def test_a_submission_rings_its_way_to_the_reply(ground: Ground, partners: Partners) -> None:
    accepted = accept(ground)
    run_worker(ground)
    assert one(ground, accepted).outcome == Outcome.ANSWERED
    assert len(replies(ground)) == 1
    assert all(len(partners.asked(partner.code)) == 1 for partner in ground.catalogues.current().enterprises())


def test_the_way_goes_on_after_redis_was_emptied(ground: Ground, clock: FixedClock) -> None:
    accept_many(ground, 3)
    ground.redis.flushall()
    run_worker(ground)
    assert not replies(ground)
    sweep(ground)
    run_worker(ground)
    assert {row.outcome for row in rows(ground)} == {Outcome.ANSWERED}


def test_nothing_personal_is_in_redis(ground: Ground) -> None:
    accept(ground)
    kept = []
    for key in ground.redis.keys("*"):
        kind: Any = ground.redis.type(key)
        read = {b"hash": ground.redis.hgetall, b"string": ground.redis.get}.get(kind)
        kept.append((key, read(key) if read else ground.redis.dump(key)))
    assert kept
    for secret in (PHONE, PHONE[3:], "12345X"):
        assert secret not in repr(kept)


def test_the_backlog_is_the_age_of_the_oldest_due_question_and_what_is_open_and_owed(
    ground: Ground, partners: Partners, clock: FixedClock
) -> None:
    assert backlog(ground) == Backlog(0, 0, 0)
    partners.plays["jd"] = retry
    accept(ground)
    work(ground)
    assert backlog(ground) == Backlog(0, 1, 1)  # the code is owed: no gateway runs here
    clock.advance(60 * SECOND)
    waited = backlog(ground)
    assert 57 * SECOND <= waited.oldest_due_ms <= 59 * SECOND
    assert waited.inquiries_open == 1
