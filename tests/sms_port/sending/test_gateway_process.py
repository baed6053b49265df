"""The sending process: it is woken, it looks by itself, codes overtake, and it ends in order."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from sqlalchemy import select

from config.db.engine import reading
from config.ground import Ground
from sms_port.models import State, attempt
from sms_port.sending.gateway import run
from tests.sms_port.messages import CODE, News, Sandbox, make_code, make_reply, owe_all, received, state_of
from tests.support.servers import wait_until


@dataclass
class Held:
    """One call: that it is under way, and that it may go on."""

    under_way: threading.Event = field(default_factory=threading.Event)
    let_go: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def running(ground: Ground, sandbox: Sandbox, news: News) -> Iterator[threading.Thread]:
    stop = threading.Event()
    thread = threading.Thread(target=run, args=(ground, news, stop))
    thread.start()
    yield thread
    stop.set()
    ground.bell.notify_gateway()
    thread.join(60)
    assert not thread.is_alive()


@pytest.fixture
def held(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    """The first call to the sandbox's gateway is under way until it is let go."""
    held, real = Held(), sandbox.behaviour.mode

    def mode(side: str) -> tuple[str, float | None]:
        if not held.under_way.is_set():
            held.under_way.set()
            held.let_go.wait(60)
        return real(side)

    monkeypatch.setattr(sandbox.behaviour, "mode", mode)
    yield held
    held.let_go.set()


def test_the_process_is_woken_by_the_bell(
    ground: Ground, sandbox: Sandbox, running: threading.Thread, monkeypatch: pytest.MonkeyPatch
) -> None:
    owe_all(ground, make_reply())  # opens connections
    wait_until(lambda: len(received(sandbox)) == 1)
    monkeypatch.setattr("sms_port.sending.gateway.WAIT_S", 3600.0)  # by itself it looks no more
    for count in range(2, 12):
        owe_all(ground, make_reply())
        ground.bell.notify_gateway()
        wait_until(lambda count=count: len(received(sandbox)) == count)


def test_the_process_finds_messages_without_a_bell(ground: Ground, sandbox: Sandbox, running: threading.Thread) -> None:
    owe_all(ground, make_reply(), make_code(ground))
    wait_until(lambda: len(received(sandbox)) == 2)


def test_a_code_overtakes_a_slow_batch_of_replies(
    ground: Ground, sandbox: Sandbox, running: threading.Thread, held: Held
) -> None:
    owe_all(ground, *(make_reply("13900139000") for _ in range(5)))
    ground.bell.notify_gateway()
    assert held.under_way.wait(60)
    # What is under way is written down: all five, or those that another lane's claim had not locked in passing.
    assert 1 <= attempts_of_all(ground) <= 5
    owe_all(ground, make_code(ground))
    ground.bell.notify_gateway()
    wait_until(lambda: received(sandbox) == [CODE])
    assert received(sandbox, "13900139000") == []


def test_a_stopped_process_finishes_the_call_under_way(
    ground: Ground, sandbox: Sandbox, held: Held, news: News
) -> None:
    owed, stop = make_reply(), threading.Event()
    owe_all(ground, owed)
    thread = threading.Thread(target=run, args=(ground, news, stop))
    thread.start()
    assert held.under_way.wait(60)
    stop.set()
    held.let_go.set()
    thread.join(60)
    assert not thread.is_alive()
    assert state_of(ground, owed) is State.ACCEPTED


def attempts_of_all(ground: Ground) -> int:
    with reading(ground.engine) as db:
        return len(db.execute(select(attempt)).all())
