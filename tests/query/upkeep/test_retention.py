"""Retention: data is kept as long as stated, and erased then."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select, update

from config.db.engine import begin
from config.ground import Ground
from config.times.clock import FixedClock
from query.inquiry import DAY, HOUR, INDEX_KEPT, MASKED_KEPT, PHONE_KEPT, ROWS_KEPT, SECOND, State
from query.models import inquiry, last_inquiry, question, verification_code, wave
from query.upkeep.retention import BATCH_SIZE, columns_to_erase, erase
from query.upkeep.sweep import sweep
from tests.bench.history import analyze, store_finished
from tests.query.partner_stub import Partners, accept, ask_code, hand_over, one, rows, status, work

PERSONAL = ("phone_index", "phone", "masked", "contact", "identity", "owner", "submission", "fingerprint")


@pytest.mark.parametrize(
    ("age", "gone", "again"),
    [
        (0, 0, MASKED_KEPT),
        (MASKED_KEPT, 2, PHONE_KEPT),
        (PHONE_KEPT, 4, INDEX_KEPT),
        (INDEX_KEPT, 8, None),
        (INDEX_KEPT * 10, 8, None),
    ],
)
def test_each_age_has_its_erasure(age: int, gone: int, again: int | None) -> None:
    columns, look_again = columns_to_erase(age)
    assert (len(columns), look_again) == (gone, again)


def test_after_thirty_days_nothing_personal_is_left_of_an_inquiry(ground: Ground, clock: FixedClock) -> None:
    accepted = accept(ground)
    work(ground)
    hand_over(ground)
    clock.advance(MASKED_KEPT)
    sweep(ground)
    assert one(ground, accepted).masked is None
    assert one(ground, accepted).phone_index is not None
    clock.advance(INDEX_KEPT)
    sweep(ground)
    row = one(ground, accepted)
    assert [getattr(row, name) for name in PERSONAL] == [None] * len(PERSONAL)
    assert row.erase_at is None
    assert not rows(ground, last_inquiry)
    assert not rows(ground, wave)
    assert not rows(ground, question)


def test_a_system_that_slept_for_a_month_erases_everything_at_once(ground: Ground, clock: FixedClock) -> None:
    accepted = accept(ground)
    work(ground)
    clock.advance(40 * DAY)
    sweep(ground)
    row = one(ground, accepted)
    assert [getattr(row, name) for name in PERSONAL] == [None] * len(PERSONAL)


def test_codes_are_gone_an_hour_after_they_ended(ground: Ground, clock: FixedClock) -> None:
    ask_code(ground)
    clock.advance(HOUR)
    sweep(ground)
    assert rows(ground, verification_code)
    clock.advance(300 * SECOND)
    sweep(ground)
    assert not rows(ground, verification_code)


def test_id_digits_do_not_outlive_their_time_even_in_a_wave_that_cannot_be_settled(
    ground: Ground, partners: Partners, clock: FixedClock
) -> None:
    partners.plays["china-mobile"] = status(500)
    accepted = accept(ground)
    work(ground)
    with begin(ground.engine) as db:
        db.execute(update(wave).values(phones=b"\x01\x00\x01torn"))
    clock.advance(6 * HOUR + 11 * 60 * SECOND)
    sweep(ground)
    row = one(ground, accepted)
    assert (row.state, row.identity) == (State.CHECKING, None)
    assert [entry.identities for entry in rows(ground, wave)] == [None]


def test_erasing_is_bounded_and_goes_on_where_it_stopped(
    ground: Ground, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("query.upkeep.retention.BATCH_SIZE", 2)
    for place in range(5):
        accept(ground, f"1380013800{place}")
    clock.advance(MASKED_KEPT)
    left = []
    for _ in range(3):
        erase(ground, 0)
        left.append(sum(row.masked is not None for row in rows(ground, inquiry)))
    assert left == [3, 1, 0]


def test_erasing_goes_on_until_nothing_is_left(
    ground: Ground, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Operations: 250 rows a second were erased, 500 a sweep, and 347 a second fell due."""
    monkeypatch.setattr("query.upkeep.retention.BATCH_SIZE", 2)
    for place in range(5):
        accept(ground, f"1380013800{place}")
    clock.advance(MASKED_KEPT)
    erase(ground, 60)
    assert [row.masked for row in rows(ground, inquiry)] == [None] * 5


def finish(ground: Ground, clock: FixedClock, number: int) -> None:
    """Have so many inquiries closed and all that is personal erased; then ROWS_KEPT is over."""
    for place in range(number):
        accept(ground, f"1380013800{place}")
    work(ground)
    hand_over(ground)
    for age in (MASKED_KEPT, INDEX_KEPT):
        clock.advance(age)
        erase(ground, 60)
    clock.advance(ROWS_KEPT)


def test_the_row_of_a_closed_inquiry_goes_when_its_time_is_over(
    ground: Ground, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("query.upkeep.retention.BATCH_SIZE", 2)
    finish(ground, clock, 5)
    assert len(rows(ground, inquiry)) == 5
    fresh = accept(ground, "13900139000")
    erase(ground, 60)
    assert [row.reference for row in rows(ground, inquiry)] == [one(ground, fresh).reference]


@pytest.mark.parametrize("database_url", ["mariadb"], indirect=True)
def test_a_row_that_somebody_holds_is_passed_over_and_nobody_waits(ground: Ground, clock: FixedClock) -> None:
    store_finished(ground, 1, 5_000)
    analyze(ground)
    clock.advance(ROWS_KEPT)
    with begin(ground.engine) as db:
        db.execute(update(inquiry).values(erase_at=None))
        held = db.execute(select(func.min(inquiry.c.id))).scalar_one()
    with begin(ground.engine) as db:
        db.execute(select(inquiry.c.id).where(inquiry.c.id == held).with_for_update())
        erase(ground, 0)
        accept(ground, "13900139000")
    kept = {row.id for row in rows(ground, inquiry)}
    assert held in kept and len(kept) == 5_000 - BATCH_SIZE + 1
    erase(ground, 60)
    assert len(rows(ground, inquiry)) == 1
