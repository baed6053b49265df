"""Requests on their way to partners: what a busy, closed, broken or picky partner is sent, and when."""

from __future__ import annotations

from typing import Any

import pytest

from config.ground import Ground
from config.times.clock import FixedClock
from enterprises.request_protocol import Finding
from query.inquiry import MINUTE, SECOND
from query.objections.jobs import record_reports
from query.requests.models import request
from query.requests.relay import REFUSED_ALONE_AFTER
from query.requests.store import ALONE_AFTER, RequestState
from tests.query.objections.life import object_to, report, sent, work
from tests.query.partner_stub import PHONE, Partners, agree, rows, state, status

PHONES = [f"1380013800{place}" for place in range(8)]


def calls(partners: Partners, code: str) -> list[list[str]]:
    """The phones of each call to a partner."""
    return [[item["phone"] for item in asked["items"]] for who, asked in partners.requests if who == code]


def open_to(ground: Ground, partner: str) -> list[Any]:
    return [row for row in rows(ground, request) if row.partner == partner and row.state != RequestState.TOLD]


@pytest.mark.parametrize("number", [429, 503])
def test_a_partner_that_asks_to_wait_is_sent_nothing_until_then(
    ground: Ground, partners: Partners, clock: FixedClock, number: int
) -> None:
    partners.request_plays["tencent"] = status(number)
    partners.headers = {"Retry-After": "600"}
    object_to(ground, "weixin")
    work(ground)
    assert calls(partners, "tencent") == [[PHONE]]
    clock.advance(599 * SECOND)
    work(ground)
    assert len(calls(partners, "tencent")) == 1
    del partners.request_plays["tencent"]
    clock.advance(2 * SECOND)
    work(ground)
    assert len(calls(partners, "tencent")) == 2
    assert "微信已解绑" in sent(ground)[-1]


def test_a_partner_is_sent_nothing_in_its_closed_hours(ground: Ground, partners: Partners, clock: FixedClock) -> None:
    agree(ground, "tencent", 'closed = ["14:00-15:00"]')  # it is 14:05
    object_to(ground, "weixin", "jd")
    work(ground)
    assert calls(partners, "tencent") == []
    assert calls(partners, "jd") == [[PHONE]]
    clock.advance(56 * MINUTE)
    work(ground)
    assert calls(partners, "tencent") == [[PHONE]]


def test_a_partner_whose_breaker_is_open_is_sent_nothing_until_it_may_be_tried(
    ground: Ground, partners: Partners, clock: FixedClock
) -> None:
    partners.request_plays["tencent"] = status(500)
    for phone in PHONES:
        object_to(ground, "weixin", phone=phone)
        work(ground)
    assert len(calls(partners, "tencent")) == 5
    del partners.request_plays["tencent"]
    for _ in range(8):
        clock.advance(MINUTE)
        work(ground)
    assert open_to(ground, "tencent") == []


def test_requests_of_many_travel_together_and_each_gets_its_own_answer(ground: Ground, partners: Partners) -> None:
    partners.request_plays["tencent"] = lambda item, asked: {"state": "none" if item["phone"] == PHONES[0] else "done"}
    for phone in PHONES:
        object_to(ground, "weixin", phone=phone)
    work(ground)
    assert [sorted(each) for each in calls(partners, "tencent")] == [PHONES]
    assert ["微信未查到" in sent(ground, phone)[-1] for phone in PHONES] == [True] + 7 * [False]


def test_one_request_that_spoils_every_call_travels_alone_and_is_set_aside(
    ground: Ground, partners: Partners, clock: FixedClock
) -> None:
    bad = PHONES[3]
    partners.request_plays["tencent"] = lambda item, asked: 400 if item["phone"] == bad else {"state": "done"}
    for phone in PHONES:
        object_to(ground, "weixin", phone=phone)
    for _ in range(48):
        work(ground)
        if not open_to(ground, "tencent"):
            break
        clock.advance(30 * MINUTE)
    assert open_to(ground, "tencent") == []
    assert "微信已解绑" in sent(ground, PHONES[0])[-1]
    assert "微信已解绑" not in sent(ground, bad)[-1]
    spoiled = [each for each in calls(partners, "tencent") if bad in each]
    assert len([each for each in spoiled if len(each) > 1]) <= ALONE_AFTER
    assert len(spoiled) <= ALONE_AFTER + REFUSED_ALONE_AFTER


def test_an_item_that_the_answer_leaves_out_is_sent_again_under_its_id(
    ground: Ground, partners: Partners, clock: FixedClock
) -> None:
    partners.request_plays["tencent"] = lambda item, asked: None
    object_to(ground, "weixin")
    work(ground)
    del partners.request_plays["tencent"]
    clock.advance(30 * MINUTE)
    work(ground)
    first, second = (item["id"] for who, item in partners.requested() if who == "tencent")
    assert first == second
    assert "微信已解绑" in sent(ground)[-1]


def test_a_batch_taken_with_202_is_not_sent_again_and_its_reports_count(
    ground: Ground, partners: Partners, clock: FixedClock
) -> None:
    partners.request_plays["tencent"] = status(202)
    object_to(ground, "weixin")
    work(ground)
    clock.advance(60 * MINUTE)
    work(ground)
    assert calls(partners, "tencent") == [[PHONE]]
    assert report(ground, "tencent", "done") == 1
    assert report(ground, "tencent", "none") == 0
    work(ground)
    assert "微信已解绑" in sent(ground)[-1]


def test_a_report_of_another_partner_about_the_request_changes_nothing(ground: Ground, partners: Partners) -> None:
    partners.request_plays["tencent"] = state("accepted")
    object_to(ground, "weixin")
    work(ground)
    (row,) = open_to(ground, "tencent")
    assert record_reports(ground, "jd", {row.id: Finding("done", None)}) == 0
    assert open_to(ground, "tencent")[0].state == RequestState.ACCEPTED
