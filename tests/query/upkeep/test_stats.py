"""Totals for operators: right, by Shanghai's days, and without anything of anybody."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner
from prometheus_client import values

from config.ground import Ground
from config.telemetry import metrics
from config.times.clock import FixedClock
from query.commands.stats import stats
from query.inquiry import DAY, PHONE_CARDS
from query.upkeep.sweep import sweep
from tests.query.partner_stub import ID_NUMBER, PHONE, Partners, accept, hand_over, retry, verdict, work


@pytest.fixture(autouse=True)
def shared_meters(monkeypatch: pytest.MonkeyPatch, ground: Ground) -> Iterator[None]:
    """Count as a worker of this deployment does."""
    monkeypatch.setattr(values, "ValueClass", values.ValueClass)
    monkeypatch.setattr(metrics.Metrics, "shared", None)
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")
    metrics.use_directory(ground.settings.data)
    yield
    metrics._meters.cache_clear()


def shown(ground: Ground, *words: str) -> dict[str, Any]:
    report = CliRunner().invoke(stats, [*words, "--json"], obj=ground)
    assert report.exit_code == 0, report.output
    found: dict[str, Any] = json.loads(report.output)
    return found


def by_name(found: dict[str, Any], code: str) -> dict[str, Any]:
    return next(row for row in found["partners"] if row["partner"] == code)


def test_inquiries_are_counted_by_day_service_entrance_state_and_outcome(
    ground: Ground, partners: Partners, clock: FixedClock
) -> None:
    accept(ground, "13800138001")
    work(ground)
    hand_over(ground)
    clock.advance(DAY)
    accept(ground, "13800138002")
    accept(ground, "13800138003", entrance="wechat-applet")
    partners.plays["china-mobile"] = verdict("mismatch")
    accept(ground, "13800138004", service=PHONE_CARDS)
    work(ground)
    accept(ground, "13800138005")
    found = [tuple(group.values()) for group in shown(ground)["inquiries"]]
    assert found == [
        ("2026-11-23", "internet-accounts", "web", "checking", None, 1),
        ("2026-11-23", "internet-accounts", "web", "replying", "unsuccessful", 1),
        ("2026-11-23", "internet-accounts", "wechat-applet", "replying", "unsuccessful", 1),
        ("2026-11-23", "phone-cards", "web", "replying", "unsuccessful", 1),
        ("2026-11-22", "internet-accounts", "web", "closed", "answered", 1),
    ]


def test_the_shares_of_outcomes_are_those_of_the_decided(ground: Ground, partners: Partners, clock: FixedClock) -> None:
    for place in range(3):
        accept(ground, f"1380013800{place}")
        work(ground)
    partners.plays["jd"] = retry
    accept(ground, "13800138005")
    work(ground)
    assert [(row["outcome"], row["share"]) for row in shown(ground)["outcomes"]] == [("answered", 1.0)]
    clock.advance(3 * 3_600_000)
    waiting = shown(ground)["waiting"]
    assert (waiting["inquiries_open"], waiting["oldest_due_question_s"] > 3_600) == (4, True)
    sweep(ground)
    work(ground)
    assert [(row["outcome"], row["inquiries"], row["share"]) for row in shown(ground)["outcomes"]] == [
        ("answered", 3, 0.75),
        ("partial", 1, 0.25),
    ]


def test_a_partner_that_is_silent_is_seen_waiting_and_then_unavailable(
    ground: Ground, partners: Partners, clock: FixedClock
) -> None:
    partners.plays["jd"] = retry
    accept(ground)
    work(ground)
    jd, tencent = (by_name(shown(ground), code) for code in ("jd", "tencent"))
    assert (jd["questions"], jd["items"], tencent["questions"]) == (1, 1, 0)
    assert tencent["calls"] == 1
    assert tencent["mean_ms"] is not None
    clock.advance(3 * 3_600_000)
    assert by_name(shown(ground), "jd")["oldest_due_s"] > 3_600
    sweep(ground)
    work(ground)
    found = shown(ground)
    assert [(row["outcome"], row["share"]) for row in found["outcomes"]] == [("partial", 1.0)]
    assert (by_name(found, "jd")["answered"], by_name(found, "jd")["unavailable"]) == (0, 1)
    assert (by_name(found, "tencent")["answered"], by_name(found, "tencent")["unavailable"]) == (1, 0)


def test_messages_are_counted_by_link_lane_and_state(ground: Ground, clock: FixedClock) -> None:
    accept(ground)
    work(ground)
    clock.advance(5_000)
    found = shown(ground)
    assert [(row["link"], row["lane"], row["state"], row["messages"]) for row in found["messages"]] == [
        (None, "code", "due", 1),
        (None, "reply", "due", 1),
    ]
    assert (found["waiting"]["messages_owed"], found["waiting"]["oldest_owed_message_s"]) == (2, 5)


def test_only_the_days_that_were_asked_for_are_counted(ground: Ground, clock: FixedClock) -> None:
    accept(ground, "13800138001")
    clock.advance(DAY)
    accept(ground, "13800138002")
    assert [len(shown(ground, "--days", days)["inquiries"]) for days in ("1", "2")] == [1, 2]
    assert len(shown(ground, "--days", "1")["messages"]) == 1


def test_nothing_of_anybody_is_printed(ground: Ground) -> None:
    reference = accept(ground).reference
    work(ground)
    hand_over(ground)
    report = CliRunner().invoke(stats, obj=ground)
    assert report.exit_code == 0
    assert [line for line in report.output.splitlines() if line.endswith(":")] == [
        *("inquiries:", "outcomes:", "waiting:", "partners:", "messages:", "objections:")
    ]
    for text in (report.output, json.dumps(shown(ground))):
        for secret in (PHONE, PHONE[-4:], ID_NUMBER, "12345X", reference, "weixin", "微信"):
            assert secret not in text


def test_no_days_are_wrong_usage() -> None:
    assert CliRunner().invoke(stats, ["--days", "0"]).exit_code == 2
