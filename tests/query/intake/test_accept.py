"""Submissions that share a transaction: everyone is told what they would be told alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from sqlalchemy import event, select

from config import failpoints
from config.db.engine import begin, transact
from config.ground import Ground
from config.times.clock import FixedClock
from query.errors import CodeExpired, CodeWrong, IdempotencyConflict, TooSoon
from query.inquiry import DAY, SECOND
from query.intake.accept import Admission, Candidate, accept_batch
from query.intake.submit import _GROUP_COMMIT, Accepted, make_candidate, submit
from query.models import inquiry, last_inquiry, verification_code
from tests.query.partner_stub import OTHER, OWNER, accept, ask_code, form, rows, wrong
from tests.query.race import at_once
from tests.support.servers import PATIENCE_S, wait_until

PHONES = [f"138{place:08d}" for place in range(1, 31)]


def candidate(ground: Ground, phone: str, code: str | None = None, **others: Any) -> Candidate:
    """A submission as it waits for its round; with its own code, unless one is given."""
    code = ask_code(ground, phone, others.get("owner", OWNER)) if code is None else code
    return make_candidate(ground, form(phone=phone, code=code, **others), ground.clock.now())


def decide(ground: Ground, *candidates: Candidate) -> list[Admission | None]:
    return list(transact(ground.engine, partial(accept_batch, ground=ground, candidates=candidates)))


def reference(one: Candidate) -> tuple[int, int]:
    return one.row["reference"], one.row["accepted_at"]


@pytest.fixture
def commits(ground: Ground) -> Iterator[list[None]]:
    """One item for each commit."""
    counted: list[None] = []

    def count(_connection: Any) -> None:
        counted.append(None)

    event.listen(ground.engine, "commit", count)
    yield counted
    event.remove(ground.engine, "commit", count)


def test_citizens_who_submit_while_another_is_served_share_one_commit(ground: Ground, commits: list[None]) -> None:
    codes = [ask_code(ground, phone) for phone in PHONES]
    held, before, waiting = threading.Event(), len(commits), _GROUP_COMMIT._waiters

    def hold_the_first(point: str) -> None:
        if point == "submit.before_commit" and not held.is_set():
            held.set()
            wait_until(lambda: len(waiting[ground.engine]) == len(PHONES) - 1)

    def come(place: int) -> Accepted:
        assert held.wait(PATIENCE_S)
        return submit(ground, form(phone=PHONES[place], code=codes[place]))

    failpoints.arm(hold_the_first)
    try:
        with ThreadPoolExecutor(len(PHONES)) as threads:
            first = threads.submit(submit, ground, form(phone=PHONES[0], code=codes[0]))
            others = list(threads.map(come, range(1, len(PHONES))))
    finally:
        failpoints.arm(None)
    assert len({first.result().reference, *(one.reference for one in others)}) == len(PHONES)
    assert len(rows(ground)) == len(PHONES)
    assert len(commits) - before == 2


def test_a_round_of_many_takes_as_many_statements_as_one_citizen(ground: Ground) -> None:
    round_ = [candidate(ground, phone) for phone in PHONES]
    statements: list[str] = []

    def note(_db: Any, _cursor: Any, statement: str, _parameters: Any, _context: Any, _many: bool) -> None:
        statements.append(statement.split()[0])

    event.listen(ground.engine, "before_cursor_execute", note)
    try:
        assert decide(ground, *round_) == [reference(one) for one in round_]
    finally:
        event.remove(ground.engine, "before_cursor_execute", note)
    # Codes locked, used up; days taken; inquiries stored.
    assert [word for word in statements if word != "BEGIN"] == ["SELECT", "UPDATE", "INSERT", "INSERT"]


def test_a_code_of_the_number_that_another_session_has_is_left_alone(ground: Ground) -> None:
    ask_code(ground, PHONES[1], OTHER)
    pair = [candidate(ground, PHONES[0], owner=OTHER), candidate(ground, PHONES[1])]
    assert decide(ground, *pair) == [reference(one) for one in pair]
    unused = [row for row in rows(ground, verification_code) if row.used_at is None]
    assert [(row.phone_index, row.owner) for row in unused] == [(pair[1].holder.indexes[0], OTHER)]


def test_a_day_that_is_over_is_taken_beside_one_that_was_never_taken(ground: Ground, clock: FixedClock) -> None:
    accept(ground, PHONES[0])
    clock.advance(DAY)
    accept(ground, PHONES[1], owner=OTHER)
    round_ = [candidate(ground, phone) for phone in PHONES[:3]]
    admissions = decide(ground, *round_)
    assert [admissions[0], admissions[2]] == [reference(round_[0]), reference(round_[2])]
    assert isinstance(admissions[1], TooSoon)
    days = {row.inquiry for row in rows(ground, last_inquiry)}
    assert {round_[0].row["id"], round_[2].row["id"]} < days
    assert len(days) == 3


def test_everybody_in_a_batch_gets_their_own_decision(ground: Ground, clock: FixedClock) -> None:
    accept(ground, PHONES[2], owner=OTHER)
    used = ask_code(ground, PHONES[3])
    accepted = submit(ground, form(phone=PHONES[3], code=used))
    clock.advance(SECOND)
    guess = wrong(ask_code(ground, PHONES[1]))
    round_ = [
        candidate(ground, PHONES[0]),
        candidate(ground, PHONES[1], guess),
        candidate(ground, PHONES[2]),
        candidate(ground, PHONES[3], used),
        candidate(ground, PHONES[3], used, id_tail="654321"),
        candidate(ground, PHONES[4]),
    ]
    admissions = decide(ground, *round_)
    assert (admissions[0], admissions[5]) == (reference(round_[0]), reference(round_[5]))
    assert isinstance(admissions[1], CodeWrong)
    assert admissions[1].tries_left == 4
    assert isinstance(admissions[2], TooSoon)
    assert admissions[3] == (int(accepted.reference), accepted.accepted_at)
    assert admissions[4] is None, "the second of one number in a round is decided alone"
    assert len(rows(ground)) == 4
    assert {code.tries for code in rows(ground, verification_code)} == {0, 1}
    assert len(rows(ground, last_inquiry)) == 4


def test_a_refusal_in_a_round_costs_its_own_code_and_no_other(ground: Ground) -> None:
    accept(ground, PHONES[0], owner=OTHER)
    decide(ground, candidate(ground, PHONES[0]), candidate(ground, PHONES[1]))
    mine = [row for row in rows(ground, verification_code) if row.owner == OWNER]
    assert [row.used_at is not None for row in mine] == [True, True]
    with pytest.raises(CodeExpired):
        submit(ground, form(phone=PHONES[0], code="000000"))


def test_one_key_of_two_numbers_in_a_round_is_decided_apart(ground: Ground) -> None:
    pair = [candidate(ground, phone, idempotency_key="k") for phone in PHONES[:2]]
    assert decide(ground, *pair) == [reference(pair[0]), None]
    (second,) = decide(ground, candidate(ground, PHONES[2]))
    assert isinstance(second, tuple)
    with pytest.raises(IdempotencyConflict):
        accept(ground, PHONES[1], idempotency_key="k")


@pytest.mark.parametrize("right", [True, False], ids=["right", "wrong"])
def test_a_used_key_is_a_conflict_before_any_code_is_looked_at(ground: Ground, right: bool) -> None:
    """security fault S4: no try is free, and a right guess takes the same statements as a wrong one."""
    accept(ground, PHONES[0], idempotency_key="k")
    code = ask_code(ground, PHONES[1])
    before = rows(ground, verification_code)
    typed = form(phone=PHONES[1], code=code if right else wrong(code), idempotency_key="k")
    statements: list[str] = []

    def note(_db: Any, _cursor: Any, statement: str, _parameters: Any, _context: Any, _many: bool) -> None:
        statements.append(statement.split()[0])

    event.listen(ground.engine, "before_cursor_execute", note)
    try:
        with pytest.raises(IdempotencyConflict):
            submit(ground, typed)
    finally:
        event.remove(ground.engine, "before_cursor_execute", note)
    assert [word for word in statements if word != "BEGIN"] == ["SELECT", "SELECT"]
    assert rows(ground, verification_code) == before


def test_twenty_guesses_with_one_key_leave_five_tries(ground: Ground) -> None:
    """A variant of S4: a key that nobody has used yet; each wrong try counts until none is left."""
    code = ask_code(ground, PHONES[0])
    admissions = []
    for _ in range(20):
        with pytest.raises((CodeWrong, CodeExpired)) as refused:
            submit(ground, form(phone=PHONES[0], code=wrong(code), idempotency_key="fresh"))
        admissions.append(refused.type)
    assert admissions == [CodeWrong] * 5 + [CodeExpired] * 15
    with pytest.raises(CodeExpired):
        submit(ground, form(phone=PHONES[0], code=code, idempotency_key="fresh"))


def test_a_used_key_in_a_round_is_a_conflict_and_spoils_no_neighbour(ground: Ground) -> None:
    """A variant of S4: the INSERT that a right code would fail with undid the whole round."""
    accept(ground, PHONES[0], idempotency_key="k")
    guess, other = candidate(ground, PHONES[1], idempotency_key="k"), candidate(ground, PHONES[2])
    admissions = decide(ground, guess, other)
    assert isinstance(admissions[0], IdempotencyConflict)
    assert admissions[1] == reference(other)


def test_a_number_that_is_taken_spoils_no_neighbour(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    codes = [ask_code(ground, phone) for phone in PHONES[:8]]
    lock, drawn = threading.Lock(), iter([1, 1, 1, 1, 1, 1, 1, 1, *range(2, 100)])

    def draw() -> int:
        with lock:
            return 100_000_000_000 + next(drawn)

    monkeypatch.setattr("query.intake.submit.new_reference", draw)
    results = at_once(8, lambda place: submit(ground, form(phone=PHONES[place], code=codes[place])))
    assert all(isinstance(result, Accepted) for result in results), results
    assert len({result.reference for result in results}) == 8


@pytest.mark.parametrize("database_url", ["mariadb"], indirect=True)  # SQLite has no lock of a single row
def test_a_code_that_another_transaction_holds_keeps_no_neighbour_waiting(ground: Ground) -> None:
    pair = [candidate(ground, phone) for phone in PHONES[:2]]
    with begin(ground.engine) as db:
        index = pair[0].holder.indexes[0]
        db.execute(select(verification_code).where(verification_code.c.phone_index == index).with_for_update())
        assert decide(ground, *pair) == [None, reference(pair[1])]
    assert decide(ground, pair[0]) == [reference(pair[0])]


def test_numbers_of_two_keys_are_taken_under_both_in_a_round(ground: Ground, clock: FixedClock) -> None:
    accept(ground, PHONES[0])
    with begin(ground.engine) as db:
        ground.keys.rotate(db, clock.now())
    clock.advance(120 * SECOND)
    admissions = decide(ground, *(candidate(ground, phone, owner=OTHER) for phone in PHONES[:3]))
    assert [type(one) for one in admissions] == [TooSoon, tuple, tuple]
    assert len(rows(ground, last_inquiry)) == 1 + 2 * 2
    assert len(rows(ground, inquiry)) == 3
