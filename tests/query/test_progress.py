"""Progress is for the session that submitted, for 48 hours, and tells no count and no reason."""

from __future__ import annotations

import pytest

from config.clock import FixedClock
from config.ground import Ground
from query.errors import NotFound
from query.gather import gather
from query.inquiry import HOUR
from query.progress import progress
from query.sweep import sweep
from tests.query.played import OWNER, Partners, accept, hand_over, retry, status, verdict, work


def test_the_owner_sees_how_far_it_is(ground: Ground, partners: Partners, clock: FixedClock) -> None:
    partners.plays["jd"] = retry
    partners.plays["meituan"] = status(500)
    reference = accept(ground).reference
    seen = progress(ground, reference, OWNER)
    assert (seen.status, seen.phone, seen.service) == ("received", "138****8000", "internet-accounts")
    assert (seen.asked, seen.answered, seen.closed_at) == (None, None, None)
    assert seen.reply_by - seen.accepted_at == 48 * HOUR
    gather(ground, "china-mobile")
    seen = progress(ground, reference, OWNER)
    assert (seen.status, seen.asked, seen.answered) == ("asking", 8, 0)
    work(ground)
    seen = progress(ground, reference, OWNER)
    assert (seen.status, seen.asked, seen.answered) == ("asking", 8, 6)
    partners.plays.clear()
    clock.advance(5000)
    work(ground)
    seen = progress(ground, reference, OWNER)
    assert (seen.status, seen.asked, seen.answered) == ("replying", None, None)
    hand_over(ground)
    seen = progress(ground, reference, OWNER)
    assert (seen.status, seen.phone, seen.closed_at) == ("closed", "138****8000", clock.now())


def test_a_mismatch_and_a_silent_carrier_look_the_same(ground: Ground, partners: Partners, clock: FixedClock) -> None:
    ends = []
    for place, play in enumerate([verdict("mismatch"), verdict("inactive"), status(500)]):
        partners.plays["china-mobile"] = play
        reference = accept(ground, f"1380013800{place}").reference
        work(ground)
        clock.advance(6 * HOUR)
        sweep(ground)
        work(ground)
        seen = progress(ground, reference, OWNER)
        ends.append((seen.status, seen.asked, seen.answered, seen.closed_at))
    assert len(set(ends)) == 1


@pytest.mark.parametrize(
    "reference", ["", "1", "123456789012", "12345678901x", "１２３４５６７８９０１２", "0" * 12, "9" * 40]
)
def test_what_does_not_exist_is_not_found(ground: Ground, reference: str) -> None:
    with pytest.raises(NotFound):
        progress(ground, reference, OWNER)


def test_another_session_sees_nothing_and_after_48_hours_nobody_does(ground: Ground, clock: FixedClock) -> None:
    reference = accept(ground).reference
    with pytest.raises(NotFound):
        progress(ground, reference, b"x" * 32)
    clock.advance(48 * HOUR - 1)
    progress(ground, reference, OWNER)
    clock.advance(1)
    with pytest.raises(NotFound):
        progress(ground, reference, OWNER)
