"""A partner's breaker and turns, as all workers see them."""

from __future__ import annotations

import pytest
import redis

from config.catalogue.schema import Partner
from config.ground import Ground
from config.times.clock import FixedClock
from enterprises.circuit_breaker import acquire, partner_health, record_result, release

pytestmark = pytest.mark.usefixtures("logged")


@pytest.fixture
def tencent(ground: Ground) -> Partner:
    found = ground.catalogues.current().partner("tencent")
    assert found
    return found.model_copy(update={"breaker_failures": 3, "breaker_s": 30.0, "concurrency": 2})


def fail(ground: Ground, partner: Partner, times: int, code: str = "no_answer") -> None:
    for _ in range(times):
        record_result(ground, partner, code)


def test_the_breaker_opens_after_failures_in_a_row_and_tries_one_call_later(
    ground: Ground, clock: FixedClock, tencent: Partner
) -> None:
    fail(ground, tencent, 2)
    record_result(ground, tencent)
    fail(ground, tencent, 2)
    assert partner_health(ground, tencent).breaker == "closed"
    fail(ground, tencent, 1)
    assert acquire(ground, tencent).until == clock.now() + 30_000
    clock.advance(30_000)
    assert partner_health(ground, tencent).breaker == "half-open"
    first, second = acquire(ground, tencent), acquire(ground, tencent)
    assert (first.granted, second.granted) == (True, False)
    record_result(ground, tencent)
    release(ground, tencent, first)
    assert partner_health(ground, tencent).breaker == "closed"
    assert partner_health(ground, tencent).errors == 5


def test_a_breaker_that_opens_again_stays_open_longer_up_to_five_minutes(
    ground: Ground, clock: FixedClock, tencent: Partner
) -> None:
    fail(ground, tencent, 3)
    pauses = []
    for _ in range(6):
        open_until = partner_health(ground, tencent).open_until
        assert open_until
        pauses.append((open_until - clock.now()) // 1000)
        clock.ms = open_until
        fail(ground, tencent, 1)
    assert pauses == [30, 60, 120, 240, 300, 300]


@pytest.mark.parametrize("code", ["slow_down", "question_refused"])
def test_a_partner_that_is_there_does_not_open_its_breaker(ground: Ground, tencent: Partner, code: str) -> None:
    fail(ground, tencent, 10, code)
    assert partner_health(ground, tencent).breaker == "closed"
    assert partner_health(ground, tencent).errors == 10


def test_a_faulty_answer_is_an_error_and_shows_that_the_partner_is_there(ground: Ground, tencent: Partner) -> None:
    fail(ground, tencent, 2)
    record_result(ground, tencent, "answer_faulty")
    fail(ground, tencent, 2)
    standing = partner_health(ground, tencent)
    assert (standing.breaker, standing.errors, standing.calls) == ("closed", 5, 5)


def test_somebody_elses_bad_callbacks_cannot_open_it(ground: Ground, tencent: Partner) -> None:
    for _ in range(10):
        record_result(ground, tencent, "callback_signature_invalid", called_back=True)
    standing = partner_health(ground, tencent)
    assert (standing.breaker, standing.errors, standing.last_error) == ("closed", 10, "callback_signature_invalid")


def test_no_more_calls_at_once_than_agreed(ground: Ground, tencent: Partner) -> None:
    permits = [acquire(ground, tencent) for _ in range(3)]
    assert [permit.granted for permit in permits] == [True, True, False]
    release(ground, tencent, permits[0])
    assert acquire(ground, tencent).granted


def test_no_more_calls_a_second_than_agreed_and_an_unused_turn_is_none(ground: Ground, tencent: Partner) -> None:
    tencent = tencent.model_copy(update={"calls_per_s": 0.02, "concurrency": 9})  # Redis goes by the time of day
    first, second = acquire(ground, tencent), acquire(ground, tencent)
    assert first.granted
    assert second.wait_s is not None and 0 < second.wait_s <= 50
    release(ground, tencent, first, used=False)
    assert acquire(ground, tencent).granted


def test_partners_do_not_share_a_breaker(ground: Ground, tencent: Partner) -> None:
    alibaba = ground.catalogues.current().partner("alibaba")
    assert alibaba
    fail(ground, tencent, 3)
    assert acquire(ground, alibaba).granted


def test_what_redis_forgets_is_tried_anew(ground: Ground, tencent: Partner) -> None:
    fail(ground, tencent, 3)
    redis.Redis.flushall(ground.redis)
    assert acquire(ground, tencent).granted
    assert partner_health(ground, tencent).calls == 0
