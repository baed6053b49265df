"""Owing messages, and sweeping those that stand too long; on both databases."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from config.db.engine import begin, reading
from config.ground import Ground
from config.times.clock import FixedClock
from sms_port.errors import MessageConflict, MessageTooLong
from sms_port.ledger.messages import RESEND_AFTER_MS, Lane, Owed, owe, sweep
from sms_port.links.link import Unknown
from sms_port.models import State, message
from sms_port.sending.claims import claim
from sms_port.sending.results import record
from sms_port.sending.routing import Cooldown, routes_for
from tests.sms_port.messages import (
    CODE_LIFE_MS,
    PHONE,
    REPLY,
    News,
    is_erased,
    make_code,
    make_reply,
    owe_all,
    state_of,
)


def start_sending(ground: Ground, news: News, lane: Lane) -> list[object]:
    routes = routes_for(ground.catalogues.current(), lane, Cooldown(), ground.clock.now())
    return [claimed.attempt for claimed in claim(ground, news, lane, routes, 100)]


def make_doubtful(ground: Ground, news: News, owed: Owed) -> None:
    """Send it, and never hear what became of it."""
    owe_all(ground, owed)
    routes = routes_for(ground.catalogues.current(), owed.lane, Cooldown(), ground.clock.now())
    claims = claim(ground, news, owed.lane, routes, 100)
    results = {claimed.attempt.reference: Unknown("timeout") for claimed in claims}
    record(ground, news, [claimed.attempt for claimed in claims], results, asked=False)
    assert state_of(ground, owed) is State.UNKNOWN


def test_a_message_is_owed_only_if_its_transaction_commits(ground: Ground) -> None:
    owed = make_reply()
    with pytest.raises(RuntimeError), begin(ground.engine) as db:
        owe(db, ground, [owed])
        raise RuntimeError
    with reading(ground.engine) as db:
        assert db.execute(select(message)).all() == []


def test_the_same_message_owed_again_is_one_message(ground: Ground) -> None:
    first, second = make_reply(), make_reply()
    owe_all(ground, first)
    owe_all(ground, second, first, second)
    with reading(ground.engine) as db:
        assert len(db.execute(select(message)).all()) == 2


@pytest.mark.parametrize("change", [{"text": REPLY + "。"}, {"phone": "13900139000"}, {"resend_text": None}])
def test_the_same_id_with_another_message_is_a_conflict(ground: Ground, change: dict[str, Any]) -> None:
    owed = make_reply()
    owe_all(ground, owed)
    with pytest.raises(MessageConflict):
        owe_all(ground, make_reply(), replace(owed, **change))
    with reading(ground.engine) as db:
        assert len(db.execute(select(message)).all()) == 1


def test_a_text_that_no_link_could_send_is_refused_at_once(ground: Ground) -> None:
    with pytest.raises(MessageTooLong):
        owe_all(ground, make_reply(text="字" * 600))


def test_neither_number_nor_text_is_in_the_row_in_clear(ground: Ground) -> None:
    owe_all(ground, make_reply())
    with reading(ground.engine) as db:
        row = b" ".join(value for value in db.execute(select(message)).one() if isinstance(value, bytes))
    assert PHONE.encode() not in row
    assert REPLY.encode() not in row


def test_what_is_owed_shows_neither_number_nor_text() -> None:
    assert PHONE not in repr(make_reply())
    assert REPLY not in repr(make_reply())


def test_a_lease_that_ran_out_leaves_the_message_unknown_and_not_due(
    ground: Ground, clock: FixedClock, news: News
) -> None:
    owed = make_reply()
    owe_all(ground, owed)
    start_sending(ground, news, Lane.REPLY)
    assert sweep(ground, news) == 0
    clock.advance(60_000)
    assert sweep(ground, news) == 1
    assert state_of(ground, owed) is State.UNKNOWN
    assert start_sending(ground, news, Lane.REPLY) == []


def test_an_unknown_reply_is_resent_once_and_then_given_up(ground: Ground, clock: FixedClock, news: News) -> None:
    owed = make_reply()
    make_doubtful(ground, news, owed)
    clock.advance(RESEND_AFTER_MS - 1)
    assert sweep(ground, news) == 0
    clock.advance(1)
    assert sweep(ground, news) == 1
    assert state_of(ground, owed) is State.DUE
    start_sending(ground, news, Lane.REPLY)
    clock.advance(60_000)
    sweep(ground, news)
    clock.advance(RESEND_AFTER_MS)
    sweep(ground, news)
    assert state_of(ground, owed) is State.UNKNOWN_FINAL
    assert is_erased(ground, owed)
    assert news.kinds == ["unknown_final"]


@pytest.mark.parametrize("lane", list(Lane))
def test_what_may_not_be_resent_is_given_up(ground: Ground, clock: FixedClock, news: News, lane: Lane) -> None:
    owed = make_code(ground) if lane is Lane.CODE else make_reply(flagged=None)
    make_doubtful(ground, news, owed)
    clock.advance(RESEND_AFTER_MS)
    sweep(ground, news)
    assert state_of(ground, owed) is State.UNKNOWN_FINAL
    assert news.kinds == ["unknown_final"]


def test_an_unknown_code_is_forgotten_when_it_expires(ground: Ground, clock: FixedClock, news: News) -> None:
    owed = make_code(ground)
    make_doubtful(ground, news, owed)
    clock.advance(CODE_LIFE_MS)
    sweep(ground, news)
    assert is_erased(ground, owed)


def test_a_message_that_was_not_sent_in_time_fails_and_is_erased(ground: Ground, clock: FixedClock, news: News) -> None:
    owed = make_code(ground)
    owe_all(ground, owed)
    clock.advance(CODE_LIFE_MS)
    sweep(ground, news)
    assert state_of(ground, owed) is State.EXPIRED
    assert is_erased(ground, owed)
    assert [(outcome.kind, outcome.code) for outcome in news.told] == [("failed", "expired")]


def test_a_resend_that_comes_too_late_leaves_the_first_sending_unknown(
    ground: Ground, clock: FixedClock, news: News
) -> None:
    owed = replace(make_reply(), expires_at=ground.clock.now() + RESEND_AFTER_MS + 1)
    make_doubtful(ground, news, owed)
    clock.advance(RESEND_AFTER_MS)
    sweep(ground, news)
    assert state_of(ground, owed) is State.DUE
    clock.advance(1)
    sweep(ground, news)
    assert news.kinds == ["unknown_final"]


def test_news_that_cannot_be_recorded_leaves_the_message_as_it_was(
    ground: Ground, clock: FixedClock, news: News
) -> None:
    owed = make_code(ground)
    owe_all(ground, owed)
    clock.advance(CODE_LIFE_MS)

    def refuse(*_: object) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        sweep(ground, refuse)
    assert state_of(ground, owed) is State.DUE
    sweep(ground, news)
    assert news.kinds == ["failed"]
