"""The times of an objection: too new a number, the hour in which a mismatch is told, the kind that is relayed. Pure."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.times.formats import SHANGHAI, shanghai
from query.inquiry import DAY, HOUR
from query.objections.rules.objection import (
    FIRST_HOUR,
    LAST_HOUR,
    MOVES,
    OPEN,
    State,
    Wish,
    is_too_new,
    kind_relayed,
    not_before,
    tell_unmatched_at,
)

MOMENTS = st.integers(1_767_225_600_000, 1_830_297_600_000)


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).timestamp() * 1000)


@pytest.mark.parametrize(
    ("held", "accepted", "too_new"),
    [
        ("2026-11", "2026-11-09T12:00", True),  # at most 8 days
        ("2026-11", "2026-11-10T23:59", True),
        ("2026-11", "2026-11-11T00:00", False),  # it may be the first of the month: 10 days
        ("2026-12", "2026-11-30T12:00", True),  # the carrier's clock is ahead
        ("2026-10", "2026-11-01T00:00", False),
        ("2025-03", "2026-11-09T12:00", False),
        ("2025-12", "2026-01-05T12:00", False),
        ("2026-01", "2026-01-05T12:00", True),
    ],
)
def test_a_number_is_too_new_when_it_cannot_have_been_held_for_ten_days(
    held: str, accepted: str, too_new: bool
) -> None:
    assert is_too_new(held, at(accepted)) == too_new
    assert not_before(at(accepted)) == at(accepted) + 10 * DAY


@given(MOMENTS)
def test_a_mismatch_is_told_after_24_h_by_day_and_within_38_h(accepted: int) -> None:
    told = tell_unmatched_at(accepted)
    assert 24 * HOUR <= told - accepted <= 24 * HOUR + (24 - LAST_HOUR + FIRST_HOUR) * HOUR
    assert FIRST_HOUR <= shanghai(told).hour < LAST_HOUR


@pytest.mark.parametrize(
    ("wish", "held", "kind"),
    [
        (Wish.UNBIND, "2025-03", Wish.UNBIND),
        (Wish.UNBIND, None, Wish.DISPUTE),
        (Wish.UNBIND, "", Wish.DISPUTE),
        (Wish.DISPUTE, None, Wish.DISPUTE),
    ],
)
def test_without_the_carriers_month_a_dispute_is_relayed(wish: Wish, held: str | None, kind: Wish) -> None:
    assert kind_relayed(wish, held) is kind


def test_no_move_leads_back_but_for_the_reopening() -> None:
    back = {(old, new) for old, new in MOVES if new < old}
    assert back == {(State.SETTLED, State.RELAYED), (State.CLOSED, State.RELAYED)}
    assert {old for old, new in MOVES if new is State.CLOSED} == {State.SETTLED}
    assert all((old, State.SETTLED) in MOVES for old in OPEN)
