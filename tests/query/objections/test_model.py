"""Both lives step by step, against a model: inquiries and objections of the same numbers, in any order, with deaths."""

from __future__ import annotations

import contextlib
import itertools
import shutil
from collections import Counter
from pathlib import Path
from typing import Any, ClassVar

import hypothesis.strategies as st
import redis
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from config.ground import Ground, make_ground
from config.times.clock import FixedClock
from query.errors import QueryError
from query.inquiry import DAY, HOUR
from query.objections.models import objection
from query.objections.rules.objection import MOVES, OPEN, State
from query.requests.models import request
from query.requests.store import RequestState
from query.upkeep.sweep import sweep
from tests.conftest import settings_for
from tests.faults.failpoints import points_after_the_count
from tests.query import partner_stub
from tests.query.crash import killed_at
from tests.query.objections.life import hand_over, object_to, report, sent, work, write
from tests.query.partner_stub import Partners, rows, state, status, verdict
from tests.support.factories import LAUNCH_DAY, prepare

PHONES = ["13800138000", "13900139002"]
APPLICATIONS = ["weixin", "jd", "taobao"]
COMPANIES = {"weixin": "tencent", "jd": "jd", "taobao": "alibaba"}
CARRIERS = ["china-mobile", "china-unicom", "china-telecom", "china-broadnet"]
POINTS = points_after_the_count()
PLAYS = {
    "done": state("done"),
    "none": state("none"),
    "refused": state("refused", "minor"),
    "accepted": state("accepted"),
    "later": status(202),
    "broken": status(503),
}
FORWARD = MOVES | {(one, one) for one in State}


class BothLives(RuleBasedStateMachine):
    """The model: which objections are open, and how often each kind of SMS may have gone out."""

    template: ClassVar[Path]
    redis_url: ClassVar[str]
    url: ClassVar[str]
    partners: ClassVar[Partners]
    places: ClassVar[Any] = itertools.count()

    def __init__(self) -> None:
        super().__init__()
        folder = self.template.parent / f"both-{next(self.places)}"
        folder.mkdir()
        shutil.copy(self.template, folder / "onecert.db")
        self.clock = FixedClock(LAUNCH_DAY)
        found = settings_for(f"sqlite:///{folder / 'onecert.db'}", self.redis_url, folder)
        self.ground: Ground = make_ground(found, clock=self.clock)
        redis.Redis.flushall(self.ground.redis)
        prepare(self.ground, self.url)
        self.partners.reset()
        self.partners.ground = self.ground
        self.told: Counter[tuple[str, str]] = Counter()
        self.seen: dict[bytes, State] = {}
        self.matched = True

    @rule(phone=st.sampled_from(PHONES), applications=st.sets(st.sampled_from(APPLICATIONS), min_size=1))
    def objects(self, phone: str, applications: set[str]) -> None:
        is_open = any(State(row.state) in OPEN for row in rows(self.ground, objection) if self.is_of(row, phone))
        try:
            object_to(self.ground, *sorted(applications), phone=phone)
        except QueryError as error:
            assert error.code in ("objection_open", "too_soon", "objections_used_up"), error.code
            assert is_open == (error.code == "objection_open")
        else:
            assert not is_open

    @rule(phone=st.sampled_from(PHONES))
    def inquires(self, phone: str) -> None:
        with contextlib.suppress(QueryError):
            partner_stub.accept(self.ground, phone)
        partner_stub.work(self.ground)

    @rule(matched=st.booleans())
    def carriers_change_their_word(self, matched: bool) -> None:
        for carrier in CARRIERS:
            self.partners.plays.pop(carrier, None)
            if not matched:
                self.partners.plays[carrier] = verdict("mismatch")

    @rule(application=st.sampled_from(APPLICATIONS), play=st.sampled_from(sorted(PLAYS)))
    def a_company_changes_its_way(self, application: str, play: str) -> None:
        self.partners.request_plays[COMPANIES[application]] = PLAYS[play]

    @rule(application=st.sampled_from(APPLICATIONS), word=st.sampled_from(["done", "none", "yours", "accepted"]))
    def a_company_reports(self, application: str, word: str) -> None:
        report(self.ground, COMPANIES[application], word, application=application)

    @rule(phone=st.sampled_from(PHONES), text=st.sampled_from(["1", "2", "2A", "1B", "没解决", "解绑"]))
    def writes(self, phone: str, text: str) -> None:
        write(self.ground, text, phone)

    @rule()
    def workers_work(self) -> None:
        work(self.ground)

    @rule(point=st.sampled_from(POINTS), passage=st.integers(1, 3))
    def a_worker_dies(self, point: str, passage: int) -> None:
        with killed_at(point, passage):
            work(self.ground)

    @rule()
    def the_clock_sweeps(self) -> None:
        sweep(self.ground)

    @rule(span=st.sampled_from([60_000, HOUR, 25 * HOUR, 3 * DAY, 15 * DAY, 31 * DAY]))
    def time_goes_by(self, span: int) -> None:
        if span > HOUR:  # a gateway does not wait until the keys of its messages have died
            self.the_gateway_sends("accepted")
        self.clock.advance(span)

    @rule(kind=st.sampled_from(["accepted", "accepted", "failed"]))
    def the_gateway_sends(self, kind: str) -> None:
        for phone in PHONES:
            for text in sent(self.ground, phone):
                self.told[phone, text] += 1
        hand_over(self.ground, kind)

    def is_of(self, row: Any, phone: str) -> bool:
        return row.phone_index in self.ground.keys.phone_indexes(phone)

    @invariant()
    def states_move_by_the_table_alone(self) -> None:
        """Several moves of one step are followed by the sum of them: CLOSED is left only by a reopening."""
        for row in rows(self.ground, objection):
            old, new = self.seen.get(row.id, State.RECEIVED), State(row.state)
            if new < old:
                assert new is State.RELAYED
                assert row.round == 1
            self.seen[row.id] = new

    @invariant()
    def nothing_goes_to_a_company_without_a_match(self) -> None:
        asked = {one.owner for one in rows(self.ground, request) if one.kind in ("unbind", "dispute")}
        for row in rows(self.ground, objection):
            if row.id in asked:
                assert row.kind is not None
                assert row.identity is None

    @invariant()
    def what_is_closed_is_erased_unless_news_may_come(self) -> None:
        told = {one.owner for one in rows(self.ground, request) if one.state == RequestState.TOLD and one.finding}
        for row in rows(self.ground, objection):
            if State(row.state) is State.CLOSED and row.look_at is None and row.message is None:
                assert row.phone is None
            if State(row.state) is State.CLOSED and row.message is None:
                assert row.id not in told

    @invariant()
    def a_number_has_one_open_objection_but_for_reopenings(self) -> None:
        for phone in PHONES:
            mine = [row for row in rows(self.ground, objection) if self.is_of(row, phone)]
            assert sum(State(row.state) in OPEN and not row.round for row in mine) <= 1

    def teardown(self) -> None:
        """Check that everything ends, and that no SMS of an objection went out twice."""
        self.the_gateway_sends("accepted")
        for _ in range(3):
            self.clock.advance(40 * DAY)
            sweep(self.ground)
            work(self.ground)
            self.the_gateway_sends("accepted")
        for row in rows(self.ground, objection):
            assert State(row.state) is State.CLOSED
            assert (row.phone, row.identity) == (None, None)
        mine = {told: times for told, times in self.told.items() if "申请" in told[1] and "没有等待" not in told[1]}
        assert {told: times for told, times in mine.items() if "受理编号" in told[1] and times > 1} == {}
        self.ground.redis.close()
        self.ground.engine.dispose()


def test_both_lives(sqlite_schema: Path, redis_url: str, stage: tuple[Partners, str]) -> None:
    BothLives.template, BothLives.redis_url = sqlite_schema, redis_url
    BothLives.partners, BothLives.url = stage
    run_state_machine_as_test(
        BothLives,
        settings=settings(max_examples=12, stateful_step_count=25),
    )
