"""The commands tell where an inquiry stands and never what it found, whose it is, or with which digits."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from config import audit
from config.db.engine import reading
from config.ground import Ground
from query.commands import partner as nudging
from query.commands.db import db_commands
from query.commands.inquiry import inquiry_commands
from query.commands.objection import objection_commands
from query.commands.stats import stats
from query.commands.stats_forms import draw_bars
from tests.query.objections.life import object_to
from tests.query.partner_stub import PHONE, Partners, accept, due_partners, hand_over, retry, work


def run(ground: Ground, *words: str, group: Any = inquiry_commands) -> Result:
    return CliRunner().invoke(group, list(words), obj=ground)


@pytest.mark.parametrize("words", [["list"], ["list", "--json"], ["show", "{}"], ["show", "{}", "--json"]])
def test_no_number_no_digit_and_no_count_is_printed(ground: Ground, words: list[str]) -> None:
    reference = accept(ground).reference
    work(ground)
    hand_over(ground)
    output = run(ground, *(word.format(reference) for word in words))
    assert output.exit_code == 0
    assert reference in output.output
    for secret in (PHONE, "12345X", "微信", "weixin"):
        assert secret not in output.output


def test_a_listing_is_json_with_states_in_words(ground: Ground, partners: Partners) -> None:
    partners.plays["jd"] = retry
    waiting = accept(ground, "13800138001").reference
    work(ground)
    rows = json.loads(run(ground, "list", "--state", "asking", "--json").output)
    assert [(row["reference"], row["state"], row["outcome"]) for row in rows] == [(waiting, "asking", None)]
    (shown,) = json.loads(run(ground, "show", waiting, "--json").output)
    states = {entry["partner"]: entry["state"] for entry in shown["questions"] if entry["kind"] == "count"}
    assert states.pop("jd") == "due"
    assert set(states.values()) == {"over"}


def test_nudge_makes_due_now_what_was_due_later_and_is_audited(ground: Ground, partners: Partners) -> None:
    partners.plays["jd"] = retry
    reference = accept(ground).reference
    work(ground)
    assert "would nudge" in run(ground, "nudge", reference, "--dry-run").output
    assert due_partners(ground) == []
    assert run(ground, "nudge", reference, "--yes").exit_code == 0
    assert due_partners(ground) == ["jd"]
    with reading(ground.engine) as db:
        entry = audit.listing(db, 1)[0]
    assert (entry.action, entry.subject) == ("inquiry.nudge", reference)


@pytest.mark.parametrize("reference", ["123456789012", "x", "-- 1", "9" * 60, "13800138000"])
def test_an_unknown_reference_is_one_line_and_exit_1(ground: Ground, reference: str) -> None:
    for words in (["show", "--", reference], ["nudge", "--yes", "--", reference]):
        output = run(ground, *words)
        assert output.exit_code == 1
        assert output.output == "Error: no inquiry has this reference\n"


def test_upgrade_says_that_there_is_nothing_to_do(ground: Ground) -> None:
    output = run(ground, "upgrade", "--yes", group=db_commands)
    assert output.exit_code == 0
    assert "up to date" in output.output


def find(ground: Ground, *words: str, typed: str = PHONE, group: Any = inquiry_commands) -> Result:
    return CliRunner().invoke(group, ["find", *words], obj=ground, input=f"{typed}\n")


@pytest.mark.parametrize("typed", [PHONE, f"+86 {PHONE[:3]} {PHONE[3:7]} {PHONE[7:]}", f"０{PHONE}"[1:]])
def test_the_inquiries_of_a_number_are_found_and_the_look_up_is_audited(ground: Ground, typed: str) -> None:
    """Support: "482913057716 got no SMS" could not be traced from the number."""
    reference = accept(ground).reference
    accept(ground, "13800138001")
    found = find(ground, "--json", typed=typed)
    assert [row["reference"] for row in json.loads(found.stdout)] == [reference]
    assert PHONE not in found.output
    with reading(ground.engine) as db:
        entry = audit.listing(db, 1)[0]
    assert (entry.action, entry.subject) == ("inquiry.find", f"{PHONE[:3]}****{PHONE[-4:]}")


@pytest.mark.parametrize("typed", ["13900139000", "12", ""])
def test_a_number_without_an_inquiry_is_one_line(ground: Ground, typed: str) -> None:
    found = find(ground, typed=typed)
    assert found.exit_code == 1
    assert found.stderr.splitlines()[-1].startswith("Error: ") and "Traceback" not in found.output


def test_an_inquiry_shows_its_message_and_the_message_its_inquiry(ground: Ground) -> None:
    reference = accept(ground).reference
    work(ground)
    (shown,) = json.loads(run(ground, "show", reference, "--json").output)
    (reply,) = shown["messages"]
    assert (reply["lane"], reply["state"]) == ("reply", "due")
    back = json.loads(find(ground, "--message", reply["message"], "--json").stdout)
    assert [row["reference"] for row in back] == [reference]
    assert find(ground, "--message", "no id").stderr == "Error: a message's id is 32 hexadecimal digits\n"


def test_what_waits_for_a_partner_is_made_due(ground: Ground, partners: Partners) -> None:
    partners.plays["jd"] = retry
    accept(ground)
    work(ground)
    assert run(ground, "nudge", "jd", "--dry-run", group=nudging.COMMANDS[0]).exit_code == 0
    assert due_partners(ground) == []
    told = run(ground, "nudge", "jd", "--yes", group=nudging.COMMANDS[0])
    assert told.stdout == "nudged jd: 1 questions are due now\n"
    assert due_partners(ground) == ["jd"]
    assert "did you mean jd?" in run(ground, "nudge", "jdd", "--yes", group=nudging.COMMANDS[0]).output


def test_the_objections_of_a_number_are_found_and_show_their_messages(ground: Ground) -> None:
    accept(ground)
    work(ground)
    hand_over(ground)
    reference = object_to(ground, "weixin").reference
    (row,) = json.loads(find(ground, "--json", group=objection_commands).stdout)
    assert row["reference"] == reference
    (shown,) = json.loads(run(ground, "show", reference, "--json", group=objection_commands).output)
    assert [one["lane"] for one in shown["messages"]] == ["reply"]
    assert find(ground, typed="13900139000", group=objection_commands).exit_code == 1


def test_figures_come_as_csv_and_as_bars(ground: Ground) -> None:
    for place in range(3):
        accept(ground, f"1380013800{place}")
    csv = CliRunner().invoke(stats, ["--csv", "inquiries"], obj=ground).stdout.splitlines()
    assert csv[0] == "day,service,entrance,state,outcome,inquiries"
    assert sum(int(line.rpartition(",")[2]) for line in csv[1:]) == 3
    plot = CliRunner().invoke(stats, ["--plot"], obj=ground).stdout
    assert len(plot.splitlines()) == 1 and "3 inquiries, 0 partial" in plot
    assert len(CliRunner().invoke(stats, ["--csv", "partners"], obj=ground).stdout.splitlines()) == 13


def test_bars_are_as_long_as_their_days_and_in_order() -> None:
    rows = [
        {"day": "2026-11-30", "inquiries": 100, "outcome": "answered"},
        {"day": "2026-11-29", "inquiries": 25, "outcome": "partial"},
        {"day": "2026-11-30", "inquiries": 100, "outcome": None},
    ]
    first, second = draw_bars(rows)
    assert first.startswith("2026-11-29") and first.count("█") == 6 and "25 inquiries, 25 partial" in first
    assert second.count("█") == 50 and "200 inquiries, 0 partial" in second
    assert draw_bars([]) == []
