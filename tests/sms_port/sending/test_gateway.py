"""The gateway against the sandbox's, over loopback, on both databases: once, whatever happens."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import select, update

from config import failpoints
from config.db.engine import begin, reading
from config.ground import Ground
from config.times.clock import FixedClock
from sms_port.ledger.messages import Lane, sweep
from sms_port.models import AttemptResult, State, attempt, message
from sms_port.sending.claims import claim
from sms_port.sending.gateway import send_due
from sms_port.sending.routing import Cooldown, routes_for
from tests.sms_port.messages import (
    CODE,
    CODE_LIFE_MS,
    MINUTE_MS,
    REPLY,
    News,
    Sandbox,
    attempts_of,
    change_catalogue,
    is_erased,
    make_code,
    make_reply,
    owe_all,
    received,
    state_of,
)

NOWHERE = "http://127.0.0.1:9"


def test_messages_arrive_and_are_erased(ground: Ground, sandbox: Sandbox, news: News) -> None:
    code, reply = make_code(ground), make_reply()
    owe_all(ground, reply, code)
    send_due(ground, news)
    assert received(sandbox) == [CODE, REPLY]
    assert {state_of(ground, owed) for owed in (code, reply)} == {State.ACCEPTED}
    assert is_erased(ground, code)
    assert is_erased(ground, reply)
    assert news.kinds == ["accepted", "accepted"]


def test_a_settled_message_owed_again_is_not_sent_again(ground: Ground, sandbox: Sandbox, news: News) -> None:
    owed = make_reply()
    owe_all(ground, owed)
    send_due(ground, news)
    owe_all(ground, owed)
    assert send_due(ground, news) == 0
    with reading(ground.engine) as db:
        assert db.scalars(select(message.c.fingerprint)).one() == bytes(32)


def test_a_second_pass_sends_nothing(ground: Ground, sandbox: Sandbox, news: News) -> None:
    owe_all(ground, make_reply())
    send_due(ground, news)
    assert send_due(ground, news) == 0
    assert len(received(sandbox)) == 1


def test_more_messages_than_a_batch_holds_all_arrive(ground: Ground, sandbox: Sandbox, news: News) -> None:
    owe_all(ground, *(make_reply() for _ in range(230)))
    send_due(ground, news)
    assert len(received(sandbox)) == 230
    assert news.kinds == ["accepted"] * 230


def test_a_long_message_is_one_message_on_the_phone(ground: Ground, sandbox: Sandbox, news: News) -> None:
    owe_all(ground, make_reply(text="长" * 66 + "😀" * 30))
    send_due(ground, news)
    assert received(sandbox) == ["【一证通查】" + "长" * 66 + "😀" * 30]


def test_a_gateway_that_signs_gets_no_signature_from_us(ground: Ground, sandbox: Sandbox, news: News) -> None:
    change_catalogue(ground, ('signature_mode = "ours"', 'signature_mode = "gateway"'))
    owe_all(ground, make_reply())
    send_due(ground, news)
    assert received(sandbox) == [REPLY.removeprefix("【一证通查】")]


def test_the_attempt_is_written_down_before_the_call(ground: Ground, sandbox: Sandbox, news: News) -> None:
    owe_all(ground, make_reply())
    routes = routes_for(ground.catalogues.current(), Lane.REPLY, Cooldown(), ground.clock.now())
    claim(ground, news, Lane.REPLY, routes, 10)
    with reading(ground.engine) as db:
        row = db.execute(select(attempt)).one()
    assert (row.number, row.link, row.result) == (1, "main", None)
    assert received(sandbox) == []


def test_nothing_is_sent_when_the_link_cannot_be_reached(
    ground: Ground, sandbox: Sandbox, clock: FixedClock, news: News
) -> None:
    change_catalogue(ground, (sandbox.url, NOWHERE))
    owed = make_reply()
    owe_all(ground, owed)
    send_due(ground, news)
    assert state_of(ground, owed) is State.DUE
    assert not is_erased(ground, owed)
    change_catalogue(ground, (NOWHERE, sandbox.url))
    assert send_due(ground, news) == 0
    clock.advance(1_000)
    send_due(ground, news)
    assert received(sandbox) == [REPLY]
    assert attempts_of(ground, owed) == 2


def test_a_rejected_message_fails_for_good(ground: Ground, sandbox: Sandbox, news: News) -> None:
    sandbox.behaviour.set("gateway", "reject")
    owed = make_reply()
    owe_all(ground, owed)
    send_due(ground, news)
    assert state_of(ground, owed) is State.FAILED
    assert is_erased(ground, owed)
    assert [(outcome.kind, outcome.code) for outcome in news.told] == [("failed", "barred")]


@pytest.mark.parametrize("mode", ["retry", "429"])
def test_a_gateway_that_says_not_now_is_tried_later(
    ground: Ground, sandbox: Sandbox, clock: FixedClock, news: News, mode: str
) -> None:
    sandbox.behaviour.set("gateway", mode)
    owed = make_code(ground)
    owe_all(ground, owed)
    send_due(ground, news)
    assert state_of(ground, owed) is State.DUE
    sandbox.behaviour.set("gateway", "ok")
    clock.advance(1_000)
    send_due(ground, news)
    assert received(sandbox) == [CODE]


def test_a_code_is_never_sent_after_it_expired(ground: Ground, sandbox: Sandbox, clock: FixedClock, news: News) -> None:
    owed = make_code(ground)
    owe_all(ground, owed)
    clock.advance(CODE_LIFE_MS)
    send_due(ground, news)
    assert received(sandbox) == []
    assert state_of(ground, owed) is State.EXPIRED


def test_one_message_that_cannot_be_opened_does_not_hold_up_the_others(
    ground: Ground, sandbox: Sandbox, news: News
) -> None:
    broken, good = make_reply(), make_reply()
    owe_all(ground, broken, good)
    with begin(ground.engine) as db:
        db.execute(update(message).where(message.c.id == broken.id).values(sealed=b"broken"))
    send_due(ground, news)
    assert received(sandbox) == [REPLY]
    assert state_of(ground, broken) is State.FAILED


def test_a_message_too_long_for_every_link_fails(ground: Ground, sandbox: Sandbox, news: News) -> None:
    change_catalogue(ground, ("max_parts = 8", "max_parts = 3"))
    owe_all(ground, make_reply(text="长" * 300))
    send_due(ground, news)
    assert [(outcome.kind, outcome.code) for outcome in news.told] == [("failed", "too_long")]


def test_two_gateways_at_once_send_each_message_once(ground: Ground, sandbox: Sandbox, news: News) -> None:
    owe_all(ground, *(make_reply() for _ in range(300)))
    both = [threading.Thread(target=send_due, args=(ground, news)) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert len(received(sandbox)) == 300
    assert news.kinds == ["accepted"] * 300


def test_how_an_attempt_ended_is_kept(ground: Ground, sandbox: Sandbox, news: News) -> None:
    sandbox.behaviour.set("gateway", "reject")
    owe_all(ground, make_reply())
    send_due(ground, news)
    with reading(ground.engine) as db:
        row = db.execute(select(attempt)).one()
    assert (row.result, row.code, row.ended_at) == (AttemptResult.REJECTED, "barred", ground.clock.now())


def test_a_gateway_held_up_past_its_lease_sends_nothing(
    ground: Ground, sandbox: Sandbox, news: News, clock: FixedClock
) -> None:
    owed = make_reply()
    owe_all(ground, owed)
    failpoints.arm(lambda name: clock.advance(31 * MINUTE_MS) if name == "send.after_claim" else None)
    try:
        assert send_due(ground, news) == 1
    finally:
        failpoints.arm(None)
    assert received(sandbox) == []
    assert state_of(ground, owed) == State.SENDING
    sweep(ground, news)
    clock.advance(1)
    send_due(ground, news)
    clock.advance(MINUTE_MS)
    send_due(ground, news)
    assert received(sandbox) == [REPLY]
