"""Access and erasure: what is kept about a number is shown without its secrets, and goes (PIPL articles 45 and 47)."""

from __future__ import annotations

import json

from click.testing import CliRunner, Result

from config import audit
from config.db.engine import begin, reading
from config.ground import Ground
from config.times.clock import FixedClock
from query.commands.person import person_commands
from query.inquiry import DAY, HOUR, Outcome, State
from query.models import inquiry, last_inquiry, notice, verification_code
from query.notices import owe_notice
from query.objections.models import objection, objection_quota
from query.requests.models import request
from query.upkeep.retention import erase
from query.watches.models import watch
from sms_port.ledger.inbound import add_opt_out, is_opted_out
from tests.query.objections.life import object_to, write
from tests.query.objections.life import work as work_on_objections
from tests.query.partner_stub import OTHER, PHONE, Partners, accept, hand_over, one, replies, rows, work

SOMEBODY = "13900139000"


def run(ground: Ground, *words: str, typed: str = PHONE) -> Result:
    return CliRunner().invoke(person_commands, list(words), obj=ground, input=f"{typed}\n", catch_exceptions=False)


def shown(ground: Ground, typed: str = PHONE) -> dict[str, list[str]]:
    records = json.loads(run(ground, "show", "--json", typed=typed).stdout)
    return {kind: [one["holds"] for one in records if one["kind"] == kind] for kind in {one["kind"] for one in records}}


def live_everything(ground: Ground, clock: FixedClock) -> str:
    """A number with an inquiry that was answered, an objection, alerts and a stop; returns the inquiry's reference."""
    accepted = accept(ground)
    owe_notice(ground, entrance="gxwbwx", openid="oCitizen", reference=accepted.reference)
    work(ground)
    hand_over(ground)
    clock.advance(HOUR)
    write(ground, "提醒")
    object_to(ground, "weixin")
    with begin(ground.engine) as db:
        add_opt_out(db, ground, PHONE, "main")
    return accepted.reference


def test_everything_is_shown_and_no_secret_is(ground: Ground, partners: Partners, clock: FixedClock) -> None:
    reference = live_everything(ground, clock)
    found = shown(ground)
    kinds = {"inquiry (internet-accounts)", "objection", "alerts", "codes stopped", "code", "code sent", "notice"}
    assert kinds | {"rule of 24 hours", "objections of the year"} == set(found)
    printed = run(ground, "show").stdout
    assert reference in printed
    for secret in (PHONE, "12345X", "oCitizen", "微信", "weixin"):
        assert secret not in printed
    with reading(ground.engine) as db:
        entry = audit.listing(db, 1)[0]
    assert (entry.action, entry.subject) == ("person.show", "138****8000")


def test_nothing_is_shown_of_somebody_else(ground: Ground, partners: Partners, clock: FixedClock) -> None:
    live_everything(ground, clock)
    assert shown(ground, SOMEBODY) == {}
    assert run(ground, "show", typed="1380013800").exit_code == 1


def test_erasing_leaves_what_the_citizen_wants_and_the_limits(
    ground: Ground, partners: Partners, clock: FixedClock
) -> None:
    live_everything(ground, clock)
    accept(ground, SOMEBODY, OTHER)
    assert run(ground, "erase", "--dry-run").stdout == "would erase what is kept about 138****8000\n"
    told = run(ground, "erase", "--yes").stdout
    assert told.startswith("erased 1 inquiries, 0 objections, 1 alerts\n") and "is open" in told
    (mine, other) = sorted(rows(ground), key=lambda row: row.phone_index is not None)
    for column in ("phone", "masked", "contact", "identity", "owner", "phone_index", "submission", "fingerprint"):
        assert getattr(mine, column) is None, column
    assert other.phone_index is not None and other.phone is not None
    assert rows(ground, notice) == []
    assert len(rows(ground, verification_code)) == 1
    assert len(rows(ground, last_inquiry)) == 2, "the rule of 24 hours stays"
    (alerts,) = rows(ground, watch)
    assert (alerts.live_index, alerts.phone_index, alerts.owner) == (None, None, None)
    with reading(ground.engine) as db:
        assert is_opted_out(db, ground, PHONE)
        entry = audit.listing(db, 1)[0]
    assert (entry.action, entry.subject) == ("person.erase", "138****8000")
    assert PHONE not in run(ground, "show").stdout


def test_a_closed_objection_goes_with_its_requests(ground: Ground, partners: Partners, clock: FixedClock) -> None:
    object_to(ground, "weixin")
    work_on_objections(ground)
    with begin(ground.engine) as db:
        db.execute(objection.update().values(state=4))
    assert "1 objections" in run(ground, "erase", "--yes").stdout
    (row,) = rows(ground, objection)
    for column in ("phone", "masked", "identity", "held", "owner", "phone_index", "open_index", "submission"):
        assert getattr(row, column) is None, column
    assert rows(ground, request) == []
    assert len(rows(ground, objection_quota)) == 1


def test_a_running_inquiry_ends_without_a_reply_and_its_wave_goes_on(
    ground: Ground, partners: Partners, clock: FixedClock
) -> None:
    partners.plays["jd"] = lambda item, question: {"id": item["id"], "error": "retry"}
    mine, other = accept(ground), accept(ground, SOMEBODY, OTHER)
    work(ground)
    assert one(ground, mine).state == one(ground, other).state == State.ASKING
    run(ground, "erase", "--yes")
    row = next(row for row in rows(ground, inquiry) if row.reference == int(mine.reference))
    assert (row.state, row.outcome, row.phone, row.closed_at) == (State.CLOSED, Outcome.WITHDRAWN, None, None)
    work(ground)
    partners.plays.clear()
    clock.advance(HOUR)
    work(ground)
    assert list(replies(ground)) == [other.reference]


def test_later_sweeps_find_nothing_to_break(ground: Ground, partners: Partners, clock: FixedClock) -> None:
    live_everything(ground, clock)
    run(ground, "erase", "--yes")
    clock.advance(31 * DAY)
    erase(ground)
    run(ground, "erase", "--yes")
