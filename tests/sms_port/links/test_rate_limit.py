"""The token bucket: never more parts in a second than the contract allows."""

from __future__ import annotations

from bisect import bisect_left

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sms_port.links.rate_limit import RateLimiter, paced


def run(limiter: RateLimiter, seconds: float, start: float = 100.0) -> list[float]:
    """Send parts one by one as fast as it allows; when each went."""
    now, sent = start, []
    while now < start + seconds:
        wait = limiter.acquire(1, now)
        if wait:
            now += wait + 1e-9
        else:
            sent.append(now)
    return sent


@settings(deadline=None, max_examples=50)  # machines differ
@given(limit=st.integers(1, 500))
def test_no_second_ever_holds_more_than_the_limit(limit: int) -> None:
    sent = run(RateLimiter(limit), 3)
    for start, moment in enumerate(sent):
        assert bisect_left(sent, moment + 1) - start <= limit


@pytest.mark.parametrize("limit", [1, 10, 100, 1000])
def test_the_limit_is_nearly_reached(limit: int) -> None:
    assert len(run(RateLimiter(limit), 5)) >= limit * 5 * 0.9


def test_too_fast_pauses_a_second_halves_and_recovers() -> None:
    limiter = RateLimiter(100)
    assert limiter.acquire(1, 100.0) == 0
    limiter.back_off(100.0)
    limiter.back_off(100.1)  # the rest of the same window says so too
    assert limiter.acquire(1, 100.5) == pytest.approx(0.5)
    assert limiter.rate(101.0) == 50
    assert limiter.rate(103.0) == pytest.approx(70)
    assert limiter.rate(110.0) == 100
    assert len(run(limiter, 1, 101.0)) <= 60


def test_a_pace_that_is_halved_again_and_again_never_stops() -> None:
    limiter = RateLimiter(100)
    for second in range(20):
        limiter.back_off(100.0 + second * 1.01)
    assert 1 <= limiter.rate(121.0) <= 30
    assert run(limiter, 30, 121.0)


def test_a_message_longer_than_the_bucket_goes_and_is_paid_for() -> None:
    limiter = RateLimiter(10)
    assert limiter.acquire(8, 100.0) == 0
    assert limiter.acquire(1, 100.0) > 0.5


def test_a_batch_goes_in_pieces_that_keep_their_order() -> None:
    pieces = list(paced(RateLimiter(400), [3] * 20, lambda parts: parts))
    assert [part for piece in pieces for part in piece] == [3] * 20
    assert all(sum(piece) <= 20 for piece in pieces)
