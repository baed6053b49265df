"""Accepting an inquiry: codes, the same submission again, the 24-hour rule; alone and in a race."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event

from config.db.engine import begin
from config.errors import DatabaseUnavailable
from config.ground import Ground
from config.telemetry import metrics
from config.times.clock import FixedClock
from query.errors import (
    CodeExpired,
    CodeInvalid,
    CodeWrong,
    IdempotencyConflict,
    IdNumberInvalid,
    IdTailInvalid,
    NameInvalid,
    PhoneInvalid,
    QueryError,
    ServiceUnknown,
    TooSoon,
    Unavailable,
)
from query.inquiry import DAY, INTERNET_ACCOUNTS, PHONE_CARDS, SECOND, State
from query.intake.codes import CodeSent, request_code
from query.intake.submit import Accepted, submit
from query.models import last_inquiry, verification_code
from tests.query.partner_stub import OTHER, OWNER, PHONE, accept, ask_code, form, one, rows, wrong
from tests.query.race import at_once


def test_a_code_is_sent_and_the_citizen_sees_only_the_masked_number(ground: Ground) -> None:
    sent = request_code(ground, service=INTERNET_ACCOUNTS, phone="138 0013 8000", owner=OWNER)
    assert sent == CodeSent("138****8000", 300, 60)


def test_an_accepted_inquiry_is_stored_sealed(ground: Ground) -> None:
    accepted = accept(ground, phone="＋８６ 138-0013-8000")
    assert len(accepted.reference) == 12
    assert (accepted.phone, accepted.port_number) == ("138****8000", "10699000")
    assert accepted.reply_by - accepted.accepted_at == 48 * 3_600_000
    row = one(ground, accepted)
    assert (row.state, row.waiting_for, row.entrance) == (State.CHECKING, "china-mobile", "web")
    stored = b"".join(value for value in row if isinstance(value, bytes))
    assert b"8000" not in stored
    assert b"12345X" not in stored


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"phone": "010-12345678"}, PhoneInvalid),
        ({"id_tail": "1234567"}, IdTailInvalid),
        ({"id_tail": None}, IdTailInvalid),
        ({"code": "12345"}, CodeInvalid),
        ({"code": "12345a"}, CodeInvalid),
        ({"service": "bank-cards"}, ServiceUnknown),
        ({"service": PHONE_CARDS, "name": ""}, NameInvalid),
        ({"service": PHONE_CARDS, "id_number": "110105194912310021"}, IdNumberInvalid),
    ],
)
def test_a_bad_field_costs_no_try(ground: Ground, change: dict[str, Any], error: type[QueryError]) -> None:
    code = ask_code(ground)
    with pytest.raises(error):
        submit(ground, form(**{"code": code, **change}))
    submit(ground, form(code=code))


def test_the_fifth_wrong_code_is_the_last_even_if_the_right_one_follows(ground: Ground) -> None:
    code = ask_code(ground)
    left = []
    for _ in range(5):
        with pytest.raises(CodeWrong) as refused:
            submit(ground, form(code=wrong(code)))
        left.append(refused.value.tries_left)
    assert left == [4, 3, 2, 1, 0]
    with pytest.raises(CodeExpired) as refused_for_good:
        submit(ground, form(code=code))
    assert refused_for_good.value.extra == {"reason": "tries"}
    assert not rows(ground)


def test_a_code_lives_five_minutes(ground: Ground, clock: FixedClock) -> None:
    code = ask_code(ground)
    clock.advance(300 * SECOND)
    with pytest.raises(CodeExpired) as refused:
        submit(ground, form(code=code))
    assert refused.value.extra == {"reason": "old"}


def test_a_used_code_is_told_from_an_old_one_only_after_the_right_code(ground: Ground) -> None:
    """pages fault A17: a used code in another tab read as expired, though its inquiry runs."""
    code = ask_code(ground)
    submit(ground, form(code=code, idempotency_key="first"))
    for typed, reason in ((code, "used"), (wrong(code), "old")):
        with pytest.raises(CodeExpired) as refused:
            submit(ground, form(code=typed, idempotency_key=f"second {reason}"))
        assert refused.value.extra == {"reason": reason}


@pytest.mark.parametrize("change", [{"owner": OTHER}, {"service": PHONE_CARDS}, {"phone": "13800138001"}])
def test_a_code_is_bound_to_session_service_and_number(ground: Ground, change: dict[str, Any]) -> None:
    code = ask_code(ground)
    with pytest.raises(CodeExpired):
        submit(ground, form(code=code, **change))


def test_a_new_code_replaces_the_old_one(ground: Ground, clock: FixedClock) -> None:
    old = ask_code(ground)
    clock.advance(60 * SECOND)
    new = ask_code(ground)
    assert len(rows(ground, verification_code)) == 1
    if old != new:
        with pytest.raises(CodeWrong):
            submit(ground, form(code=old))
    submit(ground, form(code=new))


def test_a_code_is_used_once(ground: Ground, clock: FixedClock) -> None:
    code = ask_code(ground)
    submit(ground, form(code=code))
    with pytest.raises(CodeExpired):
        submit(ground, form(code=code, id_tail="654321"))


def accepted_inquiries() -> float:
    return metrics.numbers().get_sample_value("onecert_inquiries_accepted_total", {"service": "internet-accounts"}) or 0


def test_the_same_submission_again_gets_the_same_reference(ground: Ground, clock: FixedClock) -> None:
    code, before = ask_code(ground), accepted_inquiries()
    first = submit(ground, form(code=code))
    clock.advance(90 * SECOND)
    assert submit(ground, form(code=code)) == first
    assert submit(ground, form(phone="+86 138 0013 8000", code=code)) == first
    assert len(rows(ground)) == 1
    assert accepted_inquiries() == before + 1, "what is told again is not counted again"


def test_an_idempotency_key_gives_the_same_answer_or_a_conflict(ground: Ground) -> None:
    code = ask_code(ground)
    first = submit(ground, form(code=code, idempotency_key="k1"))
    assert submit(ground, form(code=code, idempotency_key="k1")) == first
    with pytest.raises(IdempotencyConflict):
        submit(ground, form(code=code, idempotency_key="k1", id_tail="654321"))


def test_a_key_belongs_to_its_session(ground: Ground) -> None:
    accept(ground, idempotency_key="k1")
    with pytest.raises(TooSoon):
        accept(ground, owner=OTHER, idempotency_key="k1")


def test_a_wrong_code_may_be_mended_under_the_same_key(ground: Ground) -> None:
    code = ask_code(ground)
    with pytest.raises(CodeWrong):
        submit(ground, form(code=wrong(code), idempotency_key="k1"))
    submit(ground, form(code=code, idempotency_key="k1"))


def test_a_second_inquiry_in_24_hours_is_refused_across_entrances_but_only_after_a_right_code(
    ground: Ground, clock: FixedClock
) -> None:
    accept(ground)
    clock.advance(DAY - 10 * SECOND)
    code = ask_code(ground, owner=OTHER)
    with pytest.raises(CodeWrong):
        submit(ground, form(owner=OTHER, entrance="gxwbwx", code=wrong(code)))
    with pytest.raises(TooSoon) as refused:
        submit(ground, form(owner=OTHER, entrance="gxwbwx", code=code))
    assert refused.value.retry_after == 10
    with pytest.raises(CodeExpired):
        submit(ground, form(owner=OTHER, entrance="gxwbwx", code=code))
    accept(ground, owner=OTHER, service=PHONE_CARDS)
    clock.advance(10 * SECOND)
    accept(ground, owner=OTHER)


def test_a_refused_inquiry_does_not_move_the_24_hours(ground: Ground, clock: FixedClock) -> None:
    accept(ground)
    clock.advance(DAY // 2)
    with pytest.raises(TooSoon):
        accept(ground, owner=OTHER)
    clock.advance(DAY // 2)
    accept(ground, owner=OTHER)


def test_the_24_hours_hold_while_keys_rotate(ground: Ground, clock: FixedClock) -> None:
    accept(ground)
    with begin(ground.engine) as db:
        ground.keys.rotate(db, clock.now())
    clock.advance(120 * SECOND)
    assert len(ground.keys.phone_indexes(PHONE)) == 2
    with pytest.raises(TooSoon):
        accept(ground, owner=OTHER)
    assert len(rows(ground, last_inquiry)) == 1
    clock.advance(DAY)
    accept(ground, owner=OTHER)
    assert len(rows(ground, last_inquiry)) == 2


def test_twenty_double_taps_at_once_make_one_inquiry(ground: Ground) -> None:
    code = ask_code(ground)
    results = at_once(20, lambda _: submit(ground, form(code=code)))
    assert all(isinstance(result, Accepted) for result in results)
    assert len({result.reference for result in results}) == 1
    assert len(rows(ground)) == 1


def test_one_code_raced_by_twenty_submissions_is_used_once(ground: Ground) -> None:
    code = ask_code(ground)
    results = at_once(20, lambda place: submit(ground, form(code=code, idempotency_key=f"k{place}")))
    assert sum(isinstance(result, Accepted) for result in results) == 1
    assert sum(isinstance(result, CodeExpired) for result in results) == 19
    assert len(rows(ground)) == 1


def test_twenty_guesses_at_once_count_as_five_tries(ground: Ground) -> None:
    code = ask_code(ground)
    results = at_once(20, lambda _: submit(ground, form(code=wrong(code))))
    left = sorted(result.tries_left for result in results if isinstance(result, CodeWrong))
    assert left == [0, 1, 2, 3, 4]
    assert sum(isinstance(result, CodeExpired) for result in results) == 15


def test_ten_sessions_with_ten_right_codes_get_one_inquiry(ground: Ground) -> None:
    owners = [bytes([place]) * 32 for place in range(10)]
    codes = [ask_code(ground, owner=owner) for owner in owners]
    results = at_once(10, lambda place: submit(ground, form(owner=owners[place], code=codes[place])))
    assert sum(isinstance(result, Accepted) for result in results) == 1
    assert sum(isinstance(result, TooSoon) for result in results) == 9
    assert len(rows(ground)) == 1


def test_one_key_raced_by_two_numbers_is_one_inquiry_and_one_conflict(ground: Ground) -> None:
    phones = ["13800138001", "13800138002"]
    codes = [ask_code(ground, phone=phone) for phone in phones]
    for _ in range(5):
        results = at_once(
            2, lambda place: submit(ground, form(phone=phones[place], code=codes[place], idempotency_key="k"))
        )
        assert sorted(type(result).__name__ for result in results) == ["Accepted", "IdempotencyConflict"]
    assert len(rows(ground)) == 1


def test_a_reference_that_is_taken_is_drawn_again(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter([123456789012, 123456789012, 210987654321])
    monkeypatch.setattr("query.intake.submit.new_reference", lambda: next(drawn))
    accept(ground)
    assert accept(ground, phone="13800138001").reference == "210987654321"


def test_a_submission_whose_commit_was_not_confirmed_is_safe_again(ground: Ground) -> None:
    code = ask_code(ground)
    lost: list[bool] = []

    def lose(connection: Any) -> None:
        if not lost:
            lost.append(True)
            connection.connection.commit()
            raise DatabaseUnavailable("the answer was lost")

    event.listen(ground.engine, "commit", lose)
    try:
        with pytest.raises(DatabaseUnavailable):
            submit(ground, form(code=code))
    finally:
        event.remove(ground.engine, "commit", lose)
    again = submit(ground, form(code=code))
    assert len(rows(ground)) == 1
    assert one(ground, again).state == State.CHECKING


def test_without_a_carrier_nothing_is_accepted_and_no_code_is_spent(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = ask_code(ground)
    with monkeypatch.context() as patch:
        patch.setattr("config.catalogue.schema.Catalogue.carriers", lambda self: ())
        with pytest.raises(Unavailable):
            submit(ground, form(code=code))
    submit(ground, form(code=code))
