"""The words of partners about requests, read as if they meant harm: the bad input of the sketches, row by row."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from enterprises.errors import AnswerInvalid
from enterprises.protocol import Pending
from enterprises.request_protocol import Accepted, Finding, parse_events, parse_reports, parse_requests

TODAY = date(2026, 11, 30)
NOW = 1_796_000_000_000  # 2026-11-30T01:33:20Z
EVENT = {
    "event": "7f6c1d3e-0c55-4b54-9a3a-1d0a7f3e9b11",
    "id": "00" * 16,
    "application": "weixin",
    "change": 1,
    "at": "2026-11-30T00:00:00Z",
}


def report(**item: Any) -> tuple[Any, list[str]]:
    told = parse_reports(json.dumps({"items": [{"id": "a", **item}]}).encode(), TODAY)
    return told.findings.get("a"), told.faults


def answer(kind: str, **item: Any) -> Any:
    body = json.dumps({"batch": "b", "items": [{"id": "a", **item}]}).encode()
    return parse_requests(body, batch="b", sent=["a"], kind=kind, today=TODAY).answers["a"]


@pytest.mark.parametrize("due", ["2026-11-29", "2020-01-01", "2027-01-30", "9999-12-31", "7.12.2026", 20261207, "", []])
def test_a_due_date_that_is_past_too_far_or_none_is_not_taken(due: Any) -> None:
    told, faults = report(state="accepted", due=due)
    assert told == Accepted(None)
    assert len(faults) == 1


@pytest.mark.parametrize("due", ["2026-11-30", "2026-12-07", "2027-01-29"])
def test_a_due_date_from_today_to_60_days_ahead_is_taken(due: str) -> None:
    assert report(state="accepted", due=due) == (Accepted(date.fromisoformat(due)), [])


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ("refused", None),
        ("refused", "because"),
        ("refused", "face"),
        ("refused", ["minor"]),
        ("needs_holder", None),
        ("needs_holder", "legal_hold"),
        ("needs_holder", "http://evil.example"),
        ("needs_holder", 1),
    ],
)
def test_a_reason_outside_the_list_of_its_state_ends_nothing(state: str, reason: Any) -> None:
    more = {} if reason is None else {"reason": reason}
    told, faults = report(state=state, **more)
    assert (told, len(faults)) == (None, 1)
    assert answer("dispute", state=state, **more) == Pending("missing")


@pytest.mark.parametrize("reason", ["请加我微信退款", "face"])
def test_a_reason_that_no_state_takes_is_dropped(reason: str) -> None:
    assert report(state="done", reason=reason)[0] == Finding("done")


@pytest.mark.parametrize(
    ("kind", "state"),
    [("unbind", "yours"), ("unbind", "solved"), ("watch", "none"), ("unwatch", "yours"), ("dispute", "DONE")],
)
def test_a_state_of_another_kind_is_no_answer(kind: str, state: str) -> None:
    assert answer(kind, state=state) == Pending("missing")


@pytest.mark.parametrize("state", [None, "", 1, True, ["done"], {"done": 1}, "dоne"])  # the last has a Cyrillic о
def test_a_state_that_is_none_ends_nothing(state: Any) -> None:
    assert report(state=state)[0] is None


def test_of_two_finals_in_one_report_the_first_counts() -> None:
    items = [{"id": "a", "state": "done"}, {"id": "a", "state": "none"}, {"id": "a", "state": "accepted"}]
    told = parse_reports(json.dumps({"items": items}).encode(), TODAY)
    assert told.findings == {"a": Finding("done")}
    assert len(told.faults) == 2


@pytest.mark.parametrize("change", [0, -1, 100, 10**9, 1.0, True, "1", None, 10**30])
def test_a_change_that_cannot_be_is_no_event(change: Any) -> None:
    told = parse_events(json.dumps({"items": [{**EVENT, "change": change}]}).encode(), NOW)
    assert (told.events, len(told.faults)) == ([], 1)


@pytest.mark.parametrize(
    "at", ["2026-11-30T03:00:00Z", "2026-11-30T00:00:00", "yesterday", None, 1, "0001-01-01T00:00:00Z"]
)
def test_a_time_in_the_future_without_a_zone_or_none_is_no_event(at: Any) -> None:
    told = parse_events(json.dumps({"items": [{**EVENT, "at": at}]}).encode(), NOW)
    assert [one for one in told.events if one.at > NOW] == []
    assert at == "0001-01-01T00:00:00Z" or told.events == []


@pytest.mark.parametrize("event", [EVENT["event"].upper(), EVENT["event"]])  # type: ignore[attr-defined]
def test_the_same_event_twice_in_one_call_is_one(event: str) -> None:
    told = parse_events(json.dumps({"items": [EVENT, {**EVENT, "event": event, "change": 2}]}).encode(), NOW)
    assert [(one.event, one.change) for one in told.events] == [(EVENT["event"], 1)]


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"items": {}}', b'{"items": null}', b'{"items": 1}', b"\xff"])
def test_a_body_without_a_list_is_refused_as_a_whole(body: bytes) -> None:
    with pytest.raises(AnswerInvalid):
        parse_reports(body, TODAY)
    with pytest.raises(AnswerInvalid):
        parse_events(body, NOW)
