"""The checker finds what is wrong: each promise is broken once, and it says so."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, update

from config.db.engine import begin
from config.ground import Ground, make_ground
from query.models import inquiry, question
from query.settling.closing import record_outcome
from sms_port.models import message
from sms_port.sending.gateway import send_due
from tests.conftest import settings_for
from tests.faults.checker import HOUR, check
from tests.faults.external_services import Outside
from tests.faults.instance import Citizen
from tests.query.partner_stub import accept, work
from tests.support.factories import prepare
from tests.support.servers import serve

Break = Callable[[Ground, Outside, list[Citizen]], None]


@pytest.fixture
def finished(
    sqlite_schema: Path, redis_url: str, tmp_path: Path, clock: Any
) -> Iterator[tuple[Ground, Outside, list[Citizen]]]:
    """Three inquiries that ended as they should."""
    path = tmp_path / "onecert.db"
    path.write_bytes(sqlite_schema.read_bytes())
    ground = make_ground(settings_for(f"sqlite:///{path}", redis_url, tmp_path), clock=clock)
    with contextlib.closing(Outside(ground)) as outside, serve(outside) as url:
        outside.behaviour.set("gateway", "no_receipt")
        prepare(ground, url)
        citizens = [Citizen(f"1380013800{place}") for place in range(3)]
        for citizen in citizens:
            citizen.promised.append({"reference": accept(ground, citizen.phone).reference})
        work(ground)
        send_due(ground, partial(record_outcome, ground))
        yield ground, outside, citizens
    ground.redis.close()
    ground.engine.dispose()


def write(ground: Ground, statement: Any) -> None:
    with begin(ground.engine) as db:
        db.execute(statement)


def reply_of(outside: Outside) -> Any:
    return next(one for one in outside.sent if "验证码" not in one.text)


def swap(outside: Outside, **values: Any) -> None:
    place = outside.sent.index(reply_of(outside))
    outside.sent[place] = replace(outside.sent[place], **values)


BREAKS: list[tuple[str, Break]] = [
    ("lost", lambda ground, outside, citizens: citizens[0].promised.append({"reference": "100000000000"})),
    ("lost", lambda ground, outside, citizens: outside.sent.remove(reply_of(outside))),
    ("lost", lambda ground, outside, citizens: write(ground, update(inquiry).values(state=1))),
    ("phantom", lambda ground, outside, citizens: (citizens.pop(), None)[1]),
    (
        "doubled",
        lambda ground, outside, citizens: outside.sent.append(
            replace(reply_of(outside), reference=reply_of(outside).reference[:-1] + "2")
        ),
    ),
    (
        "late",
        lambda ground, outside, citizens: write(
            ground, update(inquiry).values(decided_at=inquiry.c.accepted_at + 45 * HOUR)
        ),
    ),
    ("handed over after", lambda ground, outside, citizens: swap(outside, at=reply_of(outside).at + 49 * HOUR)),
    ("wrong number", lambda ground, outside, citizens: swap(outside, phone="13800138009")),
    (
        "wrong counts",
        lambda ground, outside, citizens: swap(outside, text=reply_of(outside).text.replace("个", "7个", 1)),
    ),
    ("hides it", lambda ground, outside, citizens: write(ground, update(inquiry).values(outcome=1))),
    ("words and outcome", lambda ground, outside, citizens: write(ground, update(inquiry).values(outcome=2))),
    ("before the carrier", lambda ground, outside, citizens: outside.asked.reverse() or renumber(outside)),
    (
        "after the decision",
        lambda ground, outside, citizens: outside.asked.append(
            replace(outside.asked[-1], at=outside.asked[-1].at + HOUR, order=99_999)
        ),
    ),
    (
        "was told something else",
        lambda ground, outside, citizens: outside.asked.append(
            replace(outside.asked[-1], item={"phone": "13800138000", "id_tail": "12345X"}, order=99_999)
        ),
    ),
    ("more than 20 times", lambda ground, outside, citizens: outside.asked.extend([outside.asked[-1]] * 20)),
    ("no reply is owed", lambda ground, outside, citizens: write(ground, delete(message).where(message.c.lane == 1))),
    ("not erased", lambda ground, outside, citizens: write(ground, update(inquiry).values(phone=b"x"))),
    ("not erased", lambda ground, outside, citizens: write(ground, update(question).values(answers=b"x"))),
    ("backlog", lambda ground, outside, citizens: write(ground, update(question).values(state=0))),
    ("answered in full", lambda ground, outside, citizens: write(ground, update(inquiry).values(outcome=1))),
]


def renumber(outside: Outside) -> None:
    outside.asked[:] = [replace(one, order=place) for place, one in enumerate(outside.asked)]


def test_what_is_as_it_should_be_has_no_findings(finished: tuple[Ground, Outside, list[Citizen]]) -> None:
    assert check(*finished) == []


@pytest.mark.parametrize(("word", "spoil"), BREAKS, ids=[f"{place}-{word}" for place, (word, _) in enumerate(BREAKS)])
def test_a_broken_promise_is_found(finished: tuple[Ground, Outside, list[Citizen]], word: str, spoil: Break) -> None:
    spoil(*finished)
    assert any(word in finding for finding in check(*finished))
