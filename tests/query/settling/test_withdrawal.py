"""Withdrawal: a citizen takes a running inquiry back, and learns nothing by it (PIPL article 15)."""

from __future__ import annotations

import pytest

from config.ground import Ground
from config.times.clock import FixedClock
from query.errors import NotFound, TooSoon
from query.inquiry import HOUR, Outcome, State
from query.models import wave
from query.progress import progress
from query.settling.withdrawal import withdraw
from query.upkeep.sweep import sweep
from tests.query.partner_stub import (
    OTHER,
    OWNER,
    PHONE,
    Partners,
    accept,
    hand_over,
    one,
    open_waves,
    replies,
    retry,
    rows,
    verdict,
    waited_for,
    work,
)

GONE = ("phone", "masked", "contact", "identity", "owner")


def erased(ground: Ground, row: object) -> bool:
    return all(getattr(row, column) is None for column in GONE)


def test_before_anybody_is_asked_nobody_is(ground: Ground, partners: Partners) -> None:
    mine = accept(ground)
    withdraw(ground, mine.reference, OWNER)
    row = one(ground, mine)
    assert (row.state, row.outcome, row.closed_at, erased(ground, row)) == (
        State.CLOSED,
        Outcome.WITHDRAWN,
        None,
        True,
    )
    assert waited_for(ground) == []
    work(ground)
    assert (partners.asked("identity"), replies(ground)) == ([], {})


@pytest.mark.parametrize("step", ["identity", "count"])
def test_of_a_wave_only_this_one_goes_with_its_number_and_digits(
    ground: Ground, partners: Partners, clock: FixedClock, step: str
) -> None:
    for carrier in ("china-mobile", "china-unicom", "china-telecom", "china-broadnet"):
        if step == "identity":
            partners.plays[carrier] = retry
    partners.plays["jd"] = retry
    mine, other = accept(ground), accept(ground, "13800138001", OTHER)
    work(ground)
    before = {row.id: row.n for row in open_waves(ground)}
    withdraw(ground, mine.reference, OWNER)
    work(ground)
    assert sum(row.n for row in open_waves(ground)) == sum(before.values()) - 1
    assert erased(ground, one(ground, mine))
    partners.plays.clear()
    clock.advance(HOUR)
    work(ground)
    assert list(replies(ground)) == [other.reference]
    assert all(row.phones is None for row in rows(ground, wave))


def test_a_reply_that_is_owed_still_comes_and_erases_the_number(ground: Ground, partners: Partners) -> None:
    """The answer does not tell them apart: a mismatch is owed its SMS at once, a match is still being asked about."""
    partners.plays["china-mobile"] = verdict("mismatch")
    mine = accept(ground)
    work(ground)
    assert one(ground, mine).state == State.REPLYING
    withdraw(ground, mine.reference, OWNER)
    with pytest.raises(NotFound):
        progress(ground, mine.reference, OWNER)
    assert one(ground, mine).phone is not None
    assert hand_over(ground) == 1
    assert (one(ground, mine).state, one(ground, mine).phone) == (State.CLOSED, None)


def test_the_rule_of_24_hours_stays(ground: Ground, partners: Partners) -> None:
    """Else a withdrawal would be a second guess at the ID digits."""
    withdraw(ground, accept(ground).reference, OWNER)
    with pytest.raises(TooSoon):
        accept(ground)


def test_nobody_else_withdraws_and_nothing_twice(ground: Ground, partners: Partners, clock: FixedClock) -> None:
    mine = accept(ground)
    for reference, owner in ((mine.reference, OTHER), ("100000000000", OWNER), ("x", OWNER), (PHONE, OWNER)):
        with pytest.raises(NotFound):
            withdraw(ground, reference, owner)
    assert one(ground, mine).state == State.CHECKING
    withdraw(ground, mine.reference, OWNER)
    with pytest.raises(NotFound):
        withdraw(ground, mine.reference, OWNER)
    late = accept(ground, "13800138002")
    clock.advance(49 * HOUR)
    with pytest.raises(NotFound):
        withdraw(ground, late.reference, OWNER)


def test_a_death_between_the_commits_leaves_the_wave_to_its_settling(
    ground: Ground, partners: Partners, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    partners.plays["jd"] = retry
    mine, other = accept(ground), accept(ground, "13800138001", OTHER)
    work(ground)
    monkeypatch.setattr("query.settling.withdrawal.settle_without", lambda ground, wave_id: None)
    withdraw(ground, mine.reference, OWNER)
    partners.plays.clear()
    clock.advance(HOUR)
    sweep(ground)
    work(ground)
    assert list(replies(ground)) == [other.reference]
    assert open_waves(ground) == []
