"""The memory of answers, on a real Redis."""

from __future__ import annotations

import pytest

from config.ground import Ground
from tests.conftest import on_sqlite
from tests.wechat.pushes import make_push
from wechat.webhook.answer_memory import AnswerMemory
from wechat.webhook.message import Push
from wechat.webhook.push import NOTHING

pytestmark = on_sqlite

TAP = make_push(kind="event", event="click", event_key="ONECERT")


def ask(ground: Ground, push: Push, answer: bytes, app_id: str = "wx1") -> bytes:
    """Another process's memory, asked about a push."""
    return AnswerMemory(ground).once(app_id, push, lambda: answer)


def test_another_process_gives_the_first_ones_answer(ground: Ground) -> None:
    assert ask(ground, TAP, b"first") == b"first"
    assert ask(ground, TAP, b"second") == b"first"


def test_a_try_while_the_first_is_in_flight_gets_success(ground: Ground) -> None:
    during: list[bytes] = []

    def compose() -> bytes:
        during.append(ask(ground, TAP, b"second"))
        return b"first"

    assert AnswerMemory(ground).once("wx1", TAP, compose) == b"first"
    assert during == [NOTHING]


def test_when_composing_fails_the_next_try_composes(ground: Ground) -> None:
    def fail() -> bytes:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        AnswerMemory(ground).once("wx1", TAP, fail)
    assert ask(ground, TAP, b"second") == b"second"


@pytest.mark.parametrize(
    "other",
    [
        make_push(kind="event", event="view", event_key="ONECERT"),
        make_push(kind="event", event="click", event_key="OTHER"),
        make_push(kind="event", event="click", event_key="ONECERT", created="1795327501"),
        make_push(kind="event", event="click", event_key="ONECERT", sender="oAnother"),
        make_push(kind="event", event="clickONE", event_key="CERT"),
    ],
)
def test_pushes_that_differ_have_answers_of_their_own(ground: Ground, other: Push) -> None:
    assert ask(ground, TAP, b"first") == b"first"
    assert ask(ground, other, b"second") == b"second"


def test_accounts_have_answers_of_their_own(ground: Ground) -> None:
    assert ask(ground, TAP, b"first") == b"first"
    assert ask(ground, TAP, b"second", app_id="wx2") == b"second"


def test_a_message_is_one_by_its_number(ground: Ground) -> None:
    assert ask(ground, make_push(message_id="7", text="查询"), b"first") == b"first"
    assert ask(ground, make_push(message_id="7", text="查询", created="1795327509"), b"second") == b"first"
    assert ask(ground, make_push(message_id="8", text="查询"), b"third") == b"third"


def test_an_emptied_or_spoilt_memory_answers_anew(ground: Ground) -> None:
    assert ask(ground, TAP, b"first") == b"first"
    (key,) = ground.redis.keys("wechat:push:*")
    ground.redis.set(key, b"spoilt")
    assert ask(ground, TAP, b"second") == b"second"
    ground.redis.flushall()
    assert ask(ground, TAP, b"third") == b"third"
