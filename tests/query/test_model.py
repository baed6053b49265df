"""The inquiry's life against a small model, by steps that nobody planned: hypothesis chooses them."""

from __future__ import annotations

import itertools
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import redis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from config.ground import Ground, make_ground
from config.times.clock import FixedClock
from enterprises.sandbox.partners import count_of
from query.asking.claims import PartnerCall, claim_call
from query.errors import CodeExpired, CodeWrong, IdempotencyConflict, QueryError, TooSoon
from query.inquiry import DAY, HOUR, INDEX_KEPT, INTERNET_ACCOUNTS, SECOND
from query.intake.codes import request_code
from query.intake.submit import submit
from query.models import verification_code
from query.settling.closing import record_outcome
from query.upkeep.sweep import sweep
from query.waves.questions import StoredAnswer
from query.waves.record import record
from sms_port.ledger.messages import sweep as sweep_messages
from sms_port.ledger.receipts import Receipt, record_receipts
from sms_port.models import ReceiptStatus
from sms_port.sending.gateway import send_due
from tests.conftest import settings_for
from tests.enterprises.server import Switchboard
from tests.faults.checker import check
from tests.faults.external_services import Outside
from tests.faults.failpoints import inquiry_points
from tests.faults.instance import Citizen
from tests.query.crash import killed_at
from tests.query.partner_stub import due_partners, form, rows, work
from tests.query.state_model import ACCEPTED, Model, code_kept_too_long, kept_too_long
from tests.support.factories import LAUNCH_DAY, prepare
from tests.support.servers import serve

PHONES = ["13800138001", "13900139002", "18600186003"]
OWNERS = [b"a" * 32, b"b" * 32]
LONGEST = 60 * DAY
SUBMITTING = [name for name in inquiry_points() if name.startswith(("submit.", "bell."))]
people, sessions = st.sampled_from(PHONES), st.sampled_from(OWNERS)


class Life(RuleBasedStateMachine):
    """Actions of citizens, and faults. The model: codes, the day each number used, the promises."""

    template: ClassVar[Path]
    url: ClassVar[str]
    switchboard: ClassVar[Switchboard]
    redis_url: ClassVar[str]
    places: ClassVar[Any] = itertools.count()

    def __init__(self) -> None:
        super().__init__()
        folder = self.template.parent / f"life-{next(self.places)}"
        folder.mkdir()
        shutil.copy(self.template, folder / "onecert.db")
        self.clock = FixedClock(LAUNCH_DAY)
        found = settings_for(f"sqlite:///{folder / 'onecert.db'}", self.redis_url, folder)
        self.ground: Ground = make_ground(found, clock=self.clock)
        redis.Redis.flushall(self.ground.redis)
        self.outside = Outside(self.ground)
        self.switchboard.app = self.outside
        prepare(self.ground, self.url)
        self.citizens = {phone: Citizen(phone) for phone in PHONES}
        self.model = Model()
        self.held: list[PartnerCall] = []
        self.states: dict[int, tuple[int, int | None]] = {}

    # Citizens

    @rule(phone=people, owner=sessions)
    def ask_for_a_code(self, phone: str, owner: bytes) -> None:
        request_code(self.ground, service=INTERNET_ACCOUNTS, phone=phone, owner=owner)
        self.send()
        found = [
            one for item in self.outside.sent if item.phone == phone for one in re.findall(r"验证码(\d{6})", item.text)
        ]
        self.model.issue(phone, owner, found[-1], self.clock.now())

    @precondition(lambda self: self.model.codes)
    @rule(data=st.data(), right=st.booleans(), times=st.integers(1, 2))
    def submit(self, data: st.DataObject, right: bool, times: int) -> None:
        phone, owner = data.draw(st.sampled_from(sorted(self.model.codes)))
        code = self.model.codes[phone, owner].code
        code = code if right else f"{(int(code) + 1) % 1_000_000:06}"
        for _ in range(times):
            expected = self.expected(phone, owner, code)
            outcome = self.outcome_of(phone, owner, code)
            assert outcome == expected or (expected == ACCEPTED and outcome.isdigit()), (outcome, expected)

    @precondition(lambda self: self.model.codes)
    @rule(data=st.data())
    def everybody_who_has_a_code_submits_at_once(self, data: st.DataObject) -> None:
        phone, _ = data.draw(st.sampled_from(sorted(self.model.codes)))
        codes = {owner: known.code for (number, owner), known in self.model.codes.items() if number == phone}
        expected = {owner: self.expected(phone, owner, code) for owner, code in codes.items()}
        with ThreadPoolExecutor(2 * len(codes)) as pool:
            seen = list(pool.map(lambda owner: (owner, self.submitted(phone, owner, codes[owner])), [*codes, *codes]))
        fresh = {one for owner, one in seen if expected[owner] == ACCEPTED and one.isdigit()}
        assert len(fresh) == (ACCEPTED in expected.values()), "of all of them one is accepted"
        for owner, one in seen:
            self.note(phone, owner, codes[owner], one)
            spent = {TooSoon.code, CodeExpired.code}
            others = {ACCEPTED: fresh | spent, TooSoon.code: spent}.get(expected[owner], {expected[owner]})
            assert one in others, (one, expected[owner])

    @precondition(lambda self: self.model.codes)
    @rule(data=st.data(), point=st.sampled_from(SUBMITTING))
    def the_web_process_is_killed_and_the_citizen_repeats(self, data: st.DataObject, point: str) -> None:
        phone, owner = data.draw(st.sampled_from(sorted(self.model.codes)))
        code = self.model.codes[phone, owner].code
        expected = self.expected(phone, owner, code)
        with killed_at(point):
            self.submitted(phone, owner, code)
        outcome = self.outcome_of(phone, owner, code)
        spent = expected == TooSoon.code and outcome == CodeExpired.code  # the refusal was committed, and not told
        assert spent or outcome == expected or (expected == ACCEPTED and outcome.isdigit()), (outcome, expected)

    def expected(self, phone: str, owner: bytes, code: str) -> str:
        """Return the outcome that the model expects, and change the model."""
        return self.model.expected(phone, owner, code, self.clock.now())

    def outcome_of(self, phone: str, owner: bytes, code: str, **others: Any) -> str:
        """Submit, and take note of a promise."""
        outcome = self.submitted(phone, owner, code, **others)
        self.note(phone, owner, code, outcome)
        return outcome

    def submitted(self, phone: str, owner: bytes, code: str, **others: Any) -> str:
        """The reference, or the code of the refusal."""
        try:
            return submit(self.ground, form(phone, owner, code, **others)).reference
        except QueryError as refusal:
            return refusal.code

    def note(self, phone: str, owner: bytes, code: str, outcome: str) -> None:
        """A reference is a promise."""
        if outcome.isdigit():
            self.model.promise(phone, owner, code, outcome, self.clock.now())
            self.citizens[phone].promised.append({"reference": outcome})

    @precondition(lambda self: self.model.accepted)
    @rule(data=st.data())
    def submit_under_the_same_key_what_is_something_else(self, data: st.DataObject) -> None:
        phone, owner, code = data.draw(st.sampled_from(sorted(self.model.accepted)))
        first = self.submitted(phone, owner, code, idempotency_key="k")
        assert first in (CodeExpired.code, CodeWrong.code, IdempotencyConflict.code), first
        self.model.codes[phone, owner].tries += first == CodeWrong.code

    # The machinery

    @rule()
    def everybody_works(self) -> None:
        work(self.ground)
        self.send()

    @rule(point=st.sampled_from(inquiry_points()), passage=st.integers(1, 3))
    def somebody_is_killed(self, point: str, passage: int) -> None:
        for turn in (lambda: work(self.ground), self.send, lambda: self.pass_time(60 * SECOND)):
            with killed_at(point, passage):
                turn()

    @rule(minutes=st.sampled_from([1, 6, 31, 61, 125, 25 * 60]))
    def time_passes(self, minutes: int) -> None:
        if self.clock.now() - LAUNCH_DAY < LONGEST:
            self.pass_time(minutes * 60 * SECOND)

    @rule()
    def a_month_passes(self) -> None:
        if self.clock.now() - LAUNCH_DAY < LONGEST:
            self.pass_time(2 * DAY)  # now all is decided, and time may run
            self.pass_time(INDEX_KEPT, step=5 * DAY)  # retention looks at dates, so few sweeps find what many do

    def pass_time(self, ms: int, step: int = 3 * HOUR) -> None:
        """In steps, since the processes do not sleep."""
        while ms > 0:
            self.clock.advance(min(ms, step))
            ms -= step
            sweep(self.ground)
            sweep_messages(self.ground, partial(record_outcome, self.ground))
            work(self.ground)
            self.send()

    @rule()
    def redis_is_emptied(self) -> None:
        self.ground.redis.flushall()

    def send(self) -> None:
        """The gateway's turn."""
        send_due(self.ground, partial(record_outcome, self.ground))

    # The outside

    @rule(
        side=st.sampled_from(["china-mobile", "tencent", "jd"]), mode=st.sampled_from(["ok", "500", "retry", "garbage"])
    )
    def a_partner_changes(self, side: str, mode: str) -> None:
        self.outside.behaviour.set(side, mode)

    @rule()
    def a_worker_is_held_up(self) -> None:
        for code in due_partners(self.ground):
            partner = self.ground.catalogues.current().partner(code)
            if partner is not None and (call := claim_call(self.ground, partner)) is not None:
                self.held.append(call)
                return

    @precondition(lambda self: self.held)
    @rule(again=st.booleans(), wrong=st.booleans())
    def an_answer_comes_late(self, again: bool, wrong: bool) -> None:
        call = self.held[0] if again else self.held.pop(0)
        late: dict[bytes, StoredAnswer] = {item: None if wrong else self.fact(call, item) for item in call.items}
        late[b"\xff" * 16] = {"jd": 999}
        record(self.ground, call.lease, late)

    def fact(self, call: PartnerCall, item: bytes) -> StoredAnswer:
        """Return the answer that the partner of a held call would have given."""
        if call.lease.kind == "identity":
            return "match"
        partner = self.ground.catalogues.current().partner(call.lease.partner)
        assert partner is not None
        phone = call.items[item].phone or ""
        return {one.code: count_of(one.code, phone) for one in partner.counted}

    @precondition(lambda self: self.outside.sent)
    @rule(data=st.data(), word=st.sampled_from(list(ReceiptStatus)), times=st.integers(1, 2))
    def a_receipt_comes(self, data: st.DataObject, word: ReceiptStatus, times: int) -> None:
        item = data.draw(st.sampled_from([one.reference for one in self.outside.sent] + ["f" * 32 + "-1", "nobody"]))
        for _ in range(times):
            outcomes = [Receipt("main", item, part, word, "X", self.clock.now()) for part in (1, 2)]
            record_receipts(self.ground, partial(record_outcome, self.ground), outcomes)

    # What must always hold

    @invariant()
    def nothing_goes_backwards_and_nothing_is_invented(self) -> None:
        found = rows(self.ground)
        assert {str(row.reference) for row in found} == self.model.references()
        for row in found:
            state, outcome = self.states.get(row.reference, (0, None))
            assert row.state >= state
            assert outcome is None or row.outcome == outcome
            self.states[row.reference] = (row.state, row.outcome)
            assert kept_too_long(row, self.clock.now()) == []
            age = self.clock.now() - row.accepted_at
            assert age < 7 * HOUR or row.identity is None or row.state == 0 and age < 10 * HOUR

        assert not any(code_kept_too_long(row, self.clock.now()) for row in rows(self.ground, verification_code))

    def teardown(self) -> None:
        """All is well again, and in the end every promise was kept."""
        for side in ("china-mobile", "tencent", "jd"):
            self.outside.behaviour.set(side, "ok")
        try:
            for _ in range(4):
                self.pass_time(HOUR)
            assert check(self.ground, self.outside, list(self.citizens.values()), floor=0) == []
        finally:
            self.outside.close()
            self.ground.redis.close()
            self.ground.engine.dispose()


def test_every_life_of_an_inquiry_is_as_the_model_says(sqlite_schema: Path, redis_url: str, tmp_path: Path) -> None:
    Life.template, Life.redis_url, Life.switchboard = tmp_path / "template.db", redis_url, Switchboard()
    shutil.copy(sqlite_schema, Life.template)
    chosen = settings(max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck))
    with serve(Life.switchboard) as Life.url:
        run_state_machine_as_test(Life, settings=chosen)
