"""Waves and answers that somebody with write access to the database, but without keys, has altered (S2).

The right outcome is that nothing of a citizen leaves to another number, and that no inquiry is lost.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import update

from config.db.engine import begin
from config.ground import Ground
from config.times.clock import FixedClock
from query.inquiry import PHONE_CARDS, SECOND, Outcome, State
from query.intake.submit import Accepted
from query.models import inquiry, question, wave
from query.upkeep.sweep import sweep
from tests.query.partner_stub import (
    OTHER,
    Partners,
    accept,
    one,
    open_waves,
    replies,
    retry,
    rows,
    status,
    verdict,
    work,
)

ATTACKER, VICTIM = "13800000101", "13800000202"


def alter(ground: Ground, table: Any, **values: Any) -> None:
    with begin(ground.engine) as db:
        db.execute(update(table).values(**values))


def mismatch_for(phone: str) -> Callable[[Any, Any], Any]:
    return lambda item, asked: {"verdict": "mismatch" if item["phone"] == phone else "match"}


def finish(ground: Ground, partners: Partners, clock: FixedClock) -> None:
    """Have everybody answer, and everything settled that is due."""
    partners.plays.clear()
    for _ in range(3):
        clock.advance(700 * SECOND)
        sweep(ground)
        work(ground)


def texts(ground: Ground, phone: str) -> list[str]:
    return [sms.text for sms in replies(ground).values() if sms.phone == phone]


def accept_both(ground: Ground, clock: FixedClock) -> tuple[Accepted, Accepted]:
    """The attacker's inquiry and the victim's, in this order: members are ordered by id, and ids by time."""
    theirs = accept(ground, ATTACKER, OTHER)
    clock.advance(1)
    return theirs, accept(ground, VICTIM)


def shared_wave(ground: Ground, partners: Partners, clock: FixedClock) -> tuple[Any, Any, Any]:
    """Attacker and victim in one identity wave, the attacker's ID wrong, jd still silent: (attacker, victim, old wave).

    The attacker's inquiry has ended, and the wave has shrunk to the victim under the same id.
    """
    partners.plays["china-mobile"] = status(202)
    theirs, hers = accept_both(ground, clock)
    work(ground)
    (old,) = open_waves(ground)
    partners.plays["china-mobile"], partners.plays["jd"] = mismatch_for(ATTACKER), retry
    return theirs, hers, old


def test_an_old_list_of_numbers_written_back_sends_nobodys_counts_to_another(
    ground: Ground, partners: Partners, clock: FixedClock
) -> None:
    """security fault S2."""
    theirs, hers, old = shared_wave(ground, partners, clock)
    clock.advance(1000 * SECOND)
    work(ground)
    (now,) = open_waves(ground)
    assert (now.id, now.n, one(ground, theirs).outcome) == (old.id, 1, Outcome.UNSUCCESSFUL)
    alter(ground, wave, phones=old.phones)
    finish(ground, partners, clock)
    (counts,) = texts(ground, VICTIM)
    assert "淘宝" in counts
    assert all("淘宝" not in text for text in texts(ground, ATTACKER))
    assert one(ground, hers).outcome == Outcome.ANSWERED


@pytest.mark.parametrize("also", [{}, {"n": 2}], ids=["members", "number"])
def test_old_members_beside_old_numbers_move_nothing_to_another(
    ground: Ground, partners: Partners, clock: FixedClock, also: dict[str, int]
) -> None:
    """A variant of S2: the whole old list, members in clear and all."""
    _, hers, old = shared_wave(ground, partners, clock)
    clock.advance(1000 * SECOND)
    work(ground)
    alter(ground, wave, phones=old.phones, members=old.members, **also)
    finish(ground, partners, clock)
    assert len(texts(ground, VICTIM)) == 1
    assert all("淘宝" not in text for text in texts(ground, ATTACKER))
    assert one(ground, hers).state == State.REPLYING


def test_a_whole_row_written_back_sends_nothing_to_another(
    ground: Ground, partners: Partners, clock: FixedClock
) -> None:
    """A variant of S2: with its stage the old row opens, but its inquiries have gone further."""
    shared_wave(ground, partners, clock)
    old = open_waves(ground)[0]
    clock.advance(1000 * SECOND)
    work(ground)
    alter(ground, wave, **{**old._mapping, "look": 1})
    finish(ground, partners, clock)
    assert all("淘宝" not in text for text in texts(ground, ATTACKER))


def test_members_put_in_another_order_get_their_own_counts(
    ground: Ground, partners: Partners, clock: FixedClock
) -> None:
    """A variant of S2: ids are in clear, and the order says whose number and whose answers are whose."""
    partners.plays["jd"] = retry
    accept_both(ground, clock)
    work(ground)
    (row,) = open_waves(ground)
    alter(ground, wave, members=row.members[16:] + row.members[:16])
    finish(ground, partners, clock)
    expected = {phone: partners.facts("jd", {"phone": phone}, "count")["counts"]["jd"] for phone in (ATTACKER, VICTIM)}
    for phone, count in expected.items():
        (text,) = texts(ground, phone)
        assert f"京东{count}个" in text or f"京东 {count} 个" in text


def test_answers_about_other_members_are_not_taken_for_these(
    ground: Ground, partners: Partners, clock: FixedClock
) -> None:
    """A variant of S2: an older `question.answers` of the same row, from when the wave was larger."""
    partners.plays["jd"] = retry
    accept_both(ground, clock)
    work(ground)
    old = {row.partner: row.answers for row in rows(ground, question) if row.kind == "count" and row.answers}
    partners.plays["jd"] = lambda item, asked: (
        {"counts": {"jd": 1}} if item["phone"] == ATTACKER else retry(item, asked)
    )
    clock.advance(1000 * SECOND)
    work(ground)
    assert [row.n for row in open_waves(ground)] == [1]
    with begin(ground.engine) as db:
        for partner, answers in old.items():
            db.execute(update(question).where(question.c.partner == partner).values(answers=answers))
    finish(ground, partners, clock)
    taobao = partners.facts("alibaba", {"phone": VICTIM}, "count")["counts"]["taobao"]
    assert f"淘宝{taobao}个" in texts(ground, VICTIM)[0]


@pytest.mark.parametrize("column", ["phones", "members"])
@pytest.mark.parametrize("service", ["internet-accounts", PHONE_CARDS])
def test_a_damaged_wave_loses_no_inquiry(
    ground: Ground, partners: Partners, clock: FixedClock, column: str, service: str
) -> None:
    """A wave that does not open is rebuilt from the inquiries' own rows, in either stage."""
    partners.plays["china-mobile"] = status(202)
    accepted = accept(ground, VICTIM, service=service)
    work(ground)
    (row,) = open_waves(ground)
    alter(ground, wave, **{column: bytes(len(getattr(row, column)))})
    finish(ground, partners, clock)
    assert one(ground, accepted).outcome == Outcome.ANSWERED
    assert len(replies(ground)) == 1


def test_a_wave_whose_inquiry_has_another_number_is_rebuilt(
    ground: Ground, partners: Partners, clock: FixedClock
) -> None:
    """The number of a reply is the one in the inquiry's own row: without it nothing is sent at all."""
    partners.plays["jd"] = retry
    theirs, hers = accept_both(ground, clock)
    work(ground)
    with begin(ground.engine) as db:
        mine = one(ground, theirs)
        db.execute(update(inquiry).where(inquiry.c.id == one(ground, hers).id).values(phone=mine.phone))
    finish(ground, partners, clock)
    assert [sms.phone for sms in replies(ground).values()] == [ATTACKER]
    assert (one(ground, hers).state, one(ground, hers).closed_at) == (State.CLOSED, None)


@pytest.mark.parametrize("play", [verdict("match"), verdict("mismatch")], ids=["match", "mismatch"])
def test_a_verdict_whose_wave_was_altered_is_asked_for_again(
    ground: Ground, partners: Partners, clock: FixedClock, play: Any
) -> None:
    partners.plays["china-mobile"] = status(202)
    accepted = accept(ground, VICTIM)
    work(ground)
    alter(ground, question, answers=b"x" * 60)
    partners.plays["china-mobile"] = play
    clock.advance(1000 * SECOND)
    sweep(ground)
    work(ground)
    clock.advance(100 * SECOND)
    sweep(ground)
    work(ground)
    assert one(ground, accepted).state == State.REPLYING
    assert [sms.phone for sms in replies(ground).values()] == [VICTIM]
