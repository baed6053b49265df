"""A message of which nobody knows whether it was sent: asked about, and never sent twice unflagged."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from config.db.engine import reading
from config.ground import Ground
from config.times.clock import FixedClock
from sms_port.ledger.messages import Lane, Owed, sweep
from sms_port.models import State, attempt
from sms_port.sending.gateway import send_due
from tests.sms_port.messages import (
    FLAGGED,
    MINUTE_MS,
    REPLY,
    News,
    Sandbox,
    attempts_of,
    change_catalogue,
    make_code,
    make_reply,
    owe_all,
    received,
    state_of,
)


@pytest.fixture
def impatient(ground: Ground, sandbox: Sandbox) -> Sandbox:
    """A sandbox whose gateway is waited for one second only."""
    change_catalogue(
        ground,
        (
            "preference = 0\nconnect_s = 3\nread_s = 10\ntotal_s = 15",
            "preference = 0\nconnect_s = 1\nread_s = 1\ntotal_s = 1",
        ),
    )
    return sandbox


def send_into_doubt(ground: Ground, sandbox: Sandbox, news: News) -> Owed:
    """Send a reply to a gateway that neither takes it nor can be asked about it."""
    sandbox.behaviour.set("gateway", "500")
    owed = make_reply()
    owe_all(ground, owed)
    send_due(ground, news)
    assert state_of(ground, owed) is State.UNKNOWN
    return owed


@pytest.mark.parametrize("lane", list(Lane))
def test_an_answer_that_was_lost_is_asked_for_and_nothing_is_sent_twice(
    ground: Ground, impatient: Sandbox, news: News, lane: Lane
) -> None:
    impatient.behaviour.set("gateway", "timeout_after_accept", 60.0)
    owed = make_code(ground) if lane is Lane.CODE else make_reply()
    owe_all(ground, owed)
    send_due(ground, news)
    assert state_of(ground, owed) is State.ACCEPTED
    assert len(received(impatient)) == 1
    assert news.kinds == ["accepted"]


def test_a_reply_the_gateway_never_saw_is_offered_again_unflagged(
    ground: Ground, impatient: Sandbox, clock: FixedClock, news: News
) -> None:
    owed = send_into_doubt(ground, impatient, news)
    impatient.behaviour.set("gateway", "ok")
    clock.advance(2_000)
    send_due(ground, news)
    assert state_of(ground, owed) is State.DUE
    clock.advance(2_000)
    send_due(ground, news)
    assert received(impatient) == [REPLY]


@pytest.mark.parametrize("mode", ["500", "garbage", "silent"])
def test_a_code_that_may_have_been_sent_is_never_sent_again(
    ground: Ground, impatient: Sandbox, clock: FixedClock, news: News, mode: str
) -> None:
    impatient.behaviour.set("gateway", mode, 60.0)
    owed = make_code(ground)
    owe_all(ground, owed)
    send_due(ground, news)
    impatient.behaviour.set("gateway", "ok")
    for _ in range(5):
        clock.advance(10_000)
        send_due(ground, news)
        sweep(ground, news)
    assert received(impatient) == []
    assert attempts_of(ground, owed) == 1
    assert news.kinds == ["unknown_final"]


def test_a_gateway_that_cannot_be_asked_for_30_minutes_leads_to_one_flagged_resend(
    ground: Ground, impatient: Sandbox, clock: FixedClock, news: News
) -> None:
    owed = send_into_doubt(ground, impatient, news)
    clock.advance(30 * MINUTE_MS)
    send_due(ground, news)
    sweep(ground, news)
    impatient.behaviour.set("gateway", "ok")
    send_due(ground, news)
    assert received(impatient) == [FLAGGED]
    assert state_of(ground, owed) is State.ACCEPTED


def test_a_doubt_does_not_move_to_another_link(
    ground: Ground, impatient: Sandbox, clock: FixedClock, news: News
) -> None:
    document = ground.catalogues.document()
    entry = document[document.index("[[links]]") : document.index("# To send over CMPP")]
    spare = (
        entry.replace('"main"', '"spare"')
        .replace("onecert-main", "onecert-spare")
        .replace("preference = 0", "preference = 1")
    )
    change_catalogue(ground, (entry, entry + spare))
    impatient.behaviour.set("gateway", "silent", 60.0)
    owed = make_reply()
    owe_all(ground, owed)
    send_due(ground, news)
    clock.advance(MINUTE_MS)
    send_due(ground, news)
    with reading(ground.engine) as db:
        assert db.scalars(select(attempt.c.link)).all() == ["main"]
    assert state_of(ground, owed) is State.UNKNOWN


def test_a_gateway_killed_after_the_call_finds_out_and_sends_nothing_twice(
    ground: Ground, sandbox: Sandbox, clock: FixedClock, news: News
) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    owed = make_reply()
    owe_all(ground, owed)
    with pytest.raises(KeyboardInterrupt):
        send_due(ground, die)
    assert state_of(ground, owed) is State.SENDING
    clock.advance(MINUTE_MS)
    sweep(ground, news)
    send_due(ground, news)
    assert received(sandbox) == [REPLY]
    assert state_of(ground, owed) is State.ACCEPTED
