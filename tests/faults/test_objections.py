"""Objections and alerts over real processes: the whole way on both databases, and a death at every point of it."""

from __future__ import annotations

import itertools
import time
import uuid
from collections.abc import Iterator

import pytest
from sqlalchemy import select

from config.db.engine import reading
from config.times.formats import rfc3339
from query.requests.models import request
from query.requests.store import RequestState
from query.watches.models import watch
from query.watches.watch import State
from tests.faults.checker import check
from tests.faults.deployment import theatre
from tests.faults.failpoints import points_after_the_count
from tests.faults.instance import Citizen, Theatre
from tests.faults.objection_checker import check_objections
from tests.faults.objectors import answers, call, closed, let_object, report, skip_to_due, taken, write

LONGEST_S = 240
MISMATCH = "000000"
REOPENED, LATE, LAST = "已请企业重新处理", "有新结果", "已重新处理"

numbers = itertools.count(13_900_700_000)


@pytest.fixture(params=["mariadb", "sqlite"])
def either(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Theatre]:
    """The stage on each database; MariaDB's is shared with the other fault runs."""
    if request.param == "mariadb":
        yield request.getfixturevalue("stage")
        return
    with theatre(tmp_path_factory.mktemp("sqlite"), sqlite=True) as stage:
        yield stage


def some(count: int, id_tail: str = "12345X") -> list[Citizen]:
    return [Citizen(str(next(numbers)), id_tail) for _ in range(count)]


def test_the_whole_way_from_the_count_to_the_overdue_company_and_the_reopening(either: Theatre) -> None:
    counted = some(1)
    either.admit(counted)
    either.settle()
    assert check(either.ground, either.outside, counted) == []
    either.forget()
    prompt, slow, stranger = [Citizen(counted[0].phone)], some(1), some(1, MISMATCH)
    everybody = [*prompt, *slow, *stranger]
    live(either, prompt, slow, stranger)
    assert [answers(either, one, "受理编号") for one in everybody] == [2, 2, 1]  # at acceptance and reopening
    assert [answers(either, one, "微信、京东已解绑") for one in everybody] == [1, 0, 0]
    assert [answers(either, one, "京东未答复") for one in everybody] == [0, 1, 0]
    assert [answers(either, one, LATE) for one in everybody] == [0, 1, 0]
    assert [answers(either, one, f"{LAST}：") for one in everybody] == [1, 1, 0]
    assert [answers(either, one, "未能办理") for one in everybody] == [0, 0, 1]
    assert check_objections(either.ground, either.outside, everybody) == []
    asked = [one for one in either.outside.requested if one.item["phone"] == slow[0].phone]
    assert sum(one.partner == "jd" for one in asked) == 3  # relayed, reminded when it was due, and reopened
    watch_and_alert(either, prompt[0])


def test_a_process_killed_at_any_point_loses_and_doubles_no_objection_and_no_alert(stage: Theatre) -> None:
    stage.trigger.arm(points_after_the_count(), 2)
    everybody: list[Citizen] = []
    until = time.monotonic() + LONGEST_S
    while not everybody or (stage.trigger.waiting() and time.monotonic() < until):
        prompt, slow, stranger = some(2), some(2), some(1, MISMATCH)
        live(stage, prompt, slow, stranger)
        watch_and_alert(stage, slow[0])
        everybody += [*prompt, *slow, *stranger]
    assert stage.trigger.waiting() == [], "never reached"
    assert check_objections(stage.ground, stage.outside, everybody) == []


def live(stage: Theatre, prompt: list[Citizen], slow: list[Citizen], stranger: list[Citizen]) -> None:
    """One life each: a company that reports in time, one that is overdue and tells later, a number that is another's.

    Everybody whom a company has heard of then answers 未解决.
    """
    stage.behaviour.set_requests("jd", "silent")
    heard = [*prompt, *slow]
    let_object(stage, [*heard, *stranger])
    stage.pass_time(lambda: taken(stage, heard))
    report(stage, "jd", prompt, "done")
    stage.pass_time(lambda: closed(stage, prompt))
    skip_to_due(stage, slow)
    stage.pass_time(lambda: closed(stage, [*slow, *stranger]))
    report(stage, "jd", slow, "done")
    stage.pass_time(lambda: all(answers(stage, one, LATE) for one in slow) and closed(stage, slow))
    for one in heard:
        write(stage, one, "没解决", REOPENED)
    stage.pass_time(lambda: taken(stage, heard))
    report(stage, "jd", heard, "none")
    stage.pass_time(lambda: closed(stage, heard))
    stage.settle()


def watch_and_alert(stage: Theatre, citizen: Citizen) -> None:
    """Alerts on by text, an event that the company tells twice, and off again: one SMS tells of it."""
    before = answers(stage, citizen, "新关联")
    write(stage, citizen, "提醒", "已开启新账号提醒")
    stage.pass_time(lambda: watched(stage) is not None)
    told = {"event": str(uuid.uuid4()), "id": watched(stage), "application": "weixin", "change": 1}
    event = {"items": [{**told, "at": rfc3339(stage.ground.clock.now())}]}
    call(stage, "tencent", "events", event)
    call(stage, "tencent", "events", event)
    stage.pass_time(lambda: answers(stage, citizen, "新关联") > before)
    write(stage, citizen, "TX", "已停止新账号提醒")
    stage.settle()
    assert answers(stage, citizen, "新关联") == before + 1


def watched(stage: Theatre) -> str | None:
    """The id that the company has of the watch that is on, once it has taken it."""
    mine = (request.c.kind == "watch", request.c.application == "weixin", request.c.state == RequestState.DONE)
    wanted = select(request.c.id).join(watch, watch.c.id == request.c.owner).where(*mine, watch.c.state == State.ON)
    with reading(stage.ground.engine) as db:
        number = db.execute(wanted).scalar()
    return number.hex() if number is not None else None
