"""`onecert objection` and `onecert watch`: states and times, never a number, an ID digit or a finding."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from config.audit import audit
from config.ground import Ground
from config.times.clock import FixedClock
from query.commands.objection import objection_commands, watch_commands
from query.commands.stats import figures
from query.inquiry import HOUR
from query.objections.rules.objection import State
from tests.query.objections.life import hand_over, object_to, one, sent, work, write
from tests.query.partner_stub import PHONE, Partners, rows, state


def run(ground: Ground, group: Any, *words: str) -> Result:
    result = CliRunner().invoke(group, list(words), obj=ground)
    assert PHONE not in result.output
    assert "12345X" not in result.output
    return result


def listed(ground: Ground, *words: str) -> list[str]:
    told = json.loads(run(ground, objection_commands, "list", "--json", *words).stdout)
    return [row["applications"] for row in told]


def test_overdue_ones_are_found_by_partner_and_reminded(ground: Ground, partners: Partners, clock: FixedClock) -> None:
    partners.request_plays["jd"] = state("accepted")
    accepted = object_to(ground, "weixin", "jd")
    work(ground)
    assert (listed(ground), listed(ground, "--overdue"), listed(ground, "--partner", "jd")) == (
        ["weixin jd"],
        [],
        ["weixin jd"],
    )
    clock.ms = one(ground).due_at
    assert listed(ground, "--overdue", "--partner", "jd") == ["weixin jd"]
    assert listed(ground, "--overdue", "--partner", "tencent") == []
    assert "would remind" in run(ground, objection_commands, "remind", accepted.reference, "--dry-run").stdout
    told = run(ground, objection_commands, "remind", accepted.reference, "--yes")
    assert told.stdout == f"reminded {accepted.reference}: jd\n"
    work(ground)
    assert len([code for code, _ in partners.requested("dispute") if code == "jd"]) >= 2
    assert [row.action for row in rows(ground, audit)][-1] == "objection.remind"


@pytest.mark.parametrize("finding", ["done", "none", "yours"])
def test_what_is_shown_is_the_same_for_every_finding(ground: Ground, partners: Partners, finding: str) -> None:
    partners.request_plays["tencent"] = state(finding)
    accepted = object_to(ground, "weixin")
    work(ground)
    shown = json.loads(run(ground, objection_commands, "show", accepted.reference, "--json").stdout)[0]
    assert [(one["kind"], one["state"]) for one in shown["requests"]] == [("identity", "over"), ("dispute", "over")]
    assert finding not in json.dumps(shown)
    assert shown["phone"] == "138****8000"


def test_an_operator_closes_an_open_one_and_the_citizen_is_told(ground: Ground, partners: Partners) -> None:
    partners.request_plays["jd"] = state("accepted")
    accepted = object_to(ground, "jd")
    work(ground)
    hand_over(ground)
    words = ("close", accepted.reference, "--reason", "the company left", "--yes")
    assert run(ground, objection_commands, *words).stdout == f"closed {accepted.reference}\n"
    assert "京东到期未答复" in sent(ground)[-1]
    assert run(ground, objection_commands, *words).stdout == f"{accepted.reference} is not open\n"
    assert rows(ground, audit)[-1].action == "objection.close"


def test_one_that_no_carrier_confirmed_is_closed_no_sooner_than_after_24_h(ground: Ground, clock: FixedClock) -> None:
    accepted = object_to(ground, "jd")
    hand_over(ground)
    run(ground, objection_commands, "close", accepted.reference, "--reason", "asked to", "--yes")
    work(ground)
    assert sent(ground) == []
    clock.advance(48 * HOUR)
    work(ground)
    assert "未能办理" in sent(ground)[-1]
    assert State(one(ground).state) is State.SETTLED


def test_figures_by_partner(ground: Ground, partners: Partners, clock: FixedClock) -> None:
    partners.request_plays["jd"] = state("accepted")
    object_to(ground, "weixin", "jd")
    work(ground)
    clock.ms = one(ground).due_at
    work(ground)
    told = {row["partner"]: row for row in figures(ground, 30)["objections"]}
    assert told["jd"] == {"partner": "jd", "open": 1, "overdue": 1, "median_days": None, "endings": "silent 1"}
    assert told["tencent"]["endings"] == "done 1"
    assert told["tencent"]["median_days"] == 10


def test_watches_are_listed_without_a_number(ground: Ground) -> None:
    write(ground, "提醒")
    work(ground)
    (row,) = json.loads(run(ground, watch_commands, "list", "--json").stdout)
    assert (row["state"], row["until"], row["companies"]) == ("on", "2027-11-22", 8)


def test_an_unknown_reference_is_one_line(ground: Ground) -> None:
    result = run(ground, objection_commands, "show", "1")
    assert result.exit_code == 1
