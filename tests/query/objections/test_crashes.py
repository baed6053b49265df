"""The kill matrix of objections and watches in one process: a death at any point loses nothing and doubles nothing.

On SQLite; tests/faults/test_objections.py kills real processes at the same points on MariaDB.
"""

from __future__ import annotations

import contextlib
import itertools
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from config import failpoints
from config.ground import Ground
from config.times.clock import FixedClock
from enterprises.request_protocol import Event
from query.objections.models import objection
from query.objections.rules.objection import State
from query.requests.models import request
from query.upkeep.sweep import sweep
from query.watches.alerts import record_events
from query.watches.models import watch_event
from tests.conftest import on_sqlite
from tests.faults.failpoints import points_after_the_count
from tests.query.crash import Killed
from tests.query.objections.life import hand_over, object_to, one, report, sent, work, write
from tests.query.partner_stub import Partners, ask_code, rows, state, verdict

POINTS = points_after_the_count()
OF_WATCHES = ("event.", "watch.")
LEASE_MS = 120_000


def test_every_point_is_passed(ground: Ground, partners: Partners, clock: FixedClock) -> None:
    passed: set[str] = set()
    failpoints.arm(passed.add)
    try:
        live(ground, partners, clock)
        watch_and_alert(ground, clock)
        partners.plays["china-mobile"] = verdict("mismatch")
        object_to(ground, "qq")
        drive(ground, clock)
        clock.advance(48 * 3_600_000)
        drive(ground, clock)
    finally:
        failpoints.arm(None)
    assert [name for name in POINTS if name not in passed] == []
    assert len(POINTS) >= 20


def again(step: Callable[[], object], until: Callable[[], bool], clock: FixedClock) -> None:
    """Do a step as often as somebody would who got no answer, and let leases run out in between."""
    for _ in range(4):
        with contextlib.suppress(Killed):
            step()
        if until():
            return
        clock.advance(LEASE_MS)
    raise AssertionError("it never came through")


def drive(ground: Ground, clock: FixedClock) -> None:
    """The workers and the clock, started anew when they die."""
    for _ in range(4):
        try:
            sweep(ground)
            work(ground)
        except Killed:
            pass
        else:
            return
        clock.advance(LEASE_MS)
    raise AssertionError("they never came through")


def live(ground: Ground, partners: Partners, clock: FixedClock) -> list[str]:
    """A dispute with a late company, reopened; returns every SMS, in order."""
    told: list[str] = []
    code = ask_code(ground, service="objection")
    accepted: list[object] = []

    def submit() -> None:
        accepted.append(object_to(ground, "weixin", "jd", code=code, idempotency_key="k"))

    def deliver() -> None:
        texts = sent(ground)
        hand_over(ground)
        told.extend(texts)

    def delivered() -> bool:
        return sent(ground) == []

    again(submit, lambda: bool(accepted), clock)
    partners.request_plays["jd"] = state("accepted")
    drive(ground, clock)
    again(deliver, delivered, clock)
    clock.ms = max(clock.ms, one(ground).due_at)
    drive(ground, clock)
    again(deliver, delivered, clock)
    ended: list[int] = []
    again(lambda: ended.append(report(ground, "jd", "done")), lambda: bool(ended), clock)
    drive(ground, clock)
    again(deliver, delivered, clock)
    partners.request_plays["jd"] = state("none")
    answers: list[object] = []
    again(lambda: answers.append(write(ground, "2")), lambda: bool(answers), clock)
    told.append(str(answers[0]))
    drive(ground, clock)
    again(deliver, delivered, clock)
    return told


@on_sqlite
@pytest.mark.parametrize("passage", [1, 2])
@pytest.mark.parametrize("point", [name for name in POINTS if not name.startswith(OF_WATCHES)])
def test_an_objection_lives_through_a_death_at_any_point(
    ground: Ground, partners: Partners, clock: FixedClock, point: str, passage: int
) -> None:
    with armed(point, passage):
        told = live(ground, partners, clock)
    kinds = Counter(text[:30].partition("，")[0][7:11] for text in told)
    assert len(told) == 5, kinds
    for words in ("已受理您", "京东未答复", "有新结果", "已请企业重新处理", "已重新处理："):
        assert sum(words in text for text in told) == 1, told
    row = one(ground)
    assert (State(row.state), row.phone, row.identity, row.open_index) == (State.CLOSED, None, None, None)
    assert len(rows(ground, objection)) == 1
    # Sent again, a request has its id: a company sees each application of a round once.
    items = {(item["id"], item["application"]) for _, item in partners.requested()}
    assert Counter(application for _, application in items) == {"weixin": 2, "jd": 2}
    assert all(one.finding is None for one in rows(ground, request) if one.kind == "dispute")


def watch_and_alert(ground: Ground, clock: FixedClock) -> None:
    """A watch by text, an event that comes twice, and its end by TX."""
    answers: list[object] = []
    again(lambda: answers.append(write(ground, "提醒")), lambda: bool(answers), clock)
    drive(ground, clock)
    watched = next(row for row in rows(ground, request) if row.kind == "watch" and row.application == "weixin")
    event = Event("7f6c1d3e-0c55-4b54-9a3a-1d0a7f3e9b11", watched.id.hex(), "weixin", 1, clock.now())
    acknowledged: list[int] = []
    again(lambda: acknowledged.append(record_events(ground, "tencent", [event])), lambda: bool(acknowledged), clock)
    record_events(ground, "tencent", [event])
    off: list[object] = []
    again(lambda: off.append(write(ground, "TX")), lambda: bool(off), clock)
    drive(ground, clock)


@pytest.mark.parametrize("point", ["objection.unmatched", "objection.before_unmatched", "objection.after_step"])
def test_an_unmatched_objection_is_told_once(ground: Ground, partners: Partners, clock: FixedClock, point: str) -> None:
    partners.plays["china-mobile"] = verdict("mismatch")
    object_to(ground, "weixin")
    with armed(point, 1):
        drive(ground, clock)
        clock.advance(48 * 3_600_000)
        drive(ground, clock)
    assert sum("未能办理" in text for text in sent(ground)) == 1
    assert partners.requested() == []


@on_sqlite
@pytest.mark.parametrize("passage", [1, 2])
@pytest.mark.parametrize("point", [name for name in POINTS if name.startswith((*OF_WATCHES, "relay."))])
def test_a_watch_and_its_alert_live_through_a_death_at_any_point(
    ground: Ground, partners: Partners, clock: FixedClock, point: str, passage: int
) -> None:
    with armed(point, passage):
        watch_and_alert(ground, clock)
    assert sum("新关联了1个账号" in text for text in sent(ground)) == 1
    assert len(rows(ground, watch_event)) == 1
    kinds = Counter(row.kind for row in rows(ground, request))
    assert kinds == {"watch": 11, "unwatch": 11}


@contextlib.contextmanager
def armed(point: str, passage: int) -> Iterator[None]:
    """Have whoever passes the point for the n-th time die; the block goes on, as other processes do."""
    passed = itertools.count(1)

    def act(name: str) -> None:
        if name == point and next(passed) == passage:
            raise Killed

    failpoints.arm(act)
    try:
        yield
    finally:
        failpoints.arm(None)
