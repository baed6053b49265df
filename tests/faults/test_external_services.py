"""Companies, carriers and the gateway at their worst: who answers is told in full, who does not is named."""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
import requests

from config.crypto.http_signatures import sign
from config.db.engine import begin
from config.times.formats import rfc3339
from tests.faults.checker import NEXT_DAY, check
from tests.faults.external_services import Body, drip, duplicates, gigabyte, gzip_bomb, html, partial_items, wrong_ids
from tests.faults.instance import Citizen, Theatre
from tests.faults.load import assemble

People = Callable[[int], list[Citizen]]

HOUR_S = 3600
FULL_WAVE = 500
CALL_S, SILENCE_S = 2.5, 1.6
"""Longer than a call may take, here and with a catalogue that is as patient as can be."""
GROWTH = 60 * 1024 * 1024
PLAYS = {
    "alibaba": drip,
    "alipay": html,
    "baidu": gzip_bomb,
    "kuaishou": gigabyte,
    "douyin": wrong_ids,
    "jd": partial_items,
}


def test_companies_that_recover_are_told_in_full(stage: Theatre, people: People) -> None:
    citizens = people(6)
    memory = resident(stage)
    stage.outside.plays |= {**PLAYS, "meituan": duplicates}
    stage.behaviour.set("tencent", "500")
    stage.behaviour.set("china-mobile", "garbage")
    stage.admit(citizens)
    time.sleep(1.5)
    stage.behaviour.set("china-mobile", "ok")
    stage.pass_time(lambda: {one.partner for one in list(stage.outside.asked)} >= {*PLAYS, "tencent"}, step_s=2)
    stage.outside.plays.clear()
    stage.behaviour.set("tencent", "ok")
    stage.settle(step_s=10)
    assert check(stage.ground, stage.outside, citizens) == []
    assert resident(stage) - memory < GROWTH


def test_companies_that_stay_broken_are_named_after_the_services_patience(stage: Theatre, people: People) -> None:
    citizens = people(4)
    stage.outside.plays |= {**PLAYS, "jd": wrong_ids}
    stage.admit(citizens)
    skipped = stage.settle(step_s=1800, pause_s=CALL_S)
    assert skipped < 4 * 3_600_000, "two hours of patience, and little more"
    assert check(stage.ground, stage.outside, citizens, floor=0) == []
    texts = [one.text for citizen in citizens for one in stage.outside.sent if one.phone == citizen.phone]
    silent = [one.short_name for one in stage.ground.catalogues.current().enterprises() if one.code in PLAYS]
    assert sum(f"{'、'.join(silent)}暂未反馈" in text for text in texts) == 4


def resident(stage: Theatre) -> int:
    return max(process.memory_info().rss for process in stage.players("worker"))


def test_one_item_of_a_full_wave_that_is_never_answered_holds_up_none_of_its_499_neighbours(
    stage: Theatre, people: People
) -> None:
    citizens = people(FULL_WAVE)
    forgotten, sizes = citizens[FULL_WAVE // 2], list[int]()

    def forget_one(question: Mapping[str, Any], status: int, body: bytes) -> tuple[int, str, Body]:
        told = json.loads(body)
        sizes.append(len(question["items"]))
        ids = {item["id"] for item in question["items"] if item.get("phone") == forgotten.phone}
        told["items"] = [item for item in told["items"] if item["id"] not in ids]
        return status, "application/json", json.dumps(told).encode()

    stage.outside.plays["jd"] = forget_one
    assemble(stage, citizens)
    stage.pass_time(lambda: stage.still_open()[0] == 1, pause_s=CALL_S)
    assert sizes[0] == FULL_WAVE
    assert not replies(stage, forgotten)
    stage.settle(step_s=1800, pause_s=CALL_S)
    assert check(stage.ground, stage.outside, citizens) == []
    assert "京东暂未反馈" in replies(stage, forgotten)[0]


def test_a_company_silent_for_all_the_44_hours_is_named_when_they_are_over(stage: Theatre, people: People) -> None:
    citizens = people(4)
    with catalogue(stage, as_patient_as_can_be):
        stage.behaviour.set("tencent", "silent")
        stage.admit(citizens)
        skipped = stage.settle(step_s=4 * HOUR_S, pause_s=SILENCE_S)
    assert 43 * HOUR_S < skipped / 1000 < 48 * HOUR_S
    assert check(stage.ground, stage.outside, citizens, floor=0) == []
    assert all("腾讯暂未反馈" in text for citizen in citizens for text in replies(stage, citizen))


def as_patient_as_can_be(document: str) -> str:
    """Patience for 18 open hours, of which Tencent has six a day: the 44 hours are over first. Calls soon give up."""
    document = re.sub(r"(?m)^patience_s = \d+", f"patience_s = {18 * HOUR_S}", document)
    document = re.sub(r"(?m)^retry_s = .*", f"retry_s = [10, {HOUR_S}]", document)
    document = re.sub(r'(?m)^(code = "tencent")$', r'\1\nclosed = ["00:00-18:00"]', document, count=1)
    return re.sub(r"(?m)^read_s = 1.5\ntotal_s = 2", "read_s = 0.5\ntotal_s = 1", document)


@contextlib.contextmanager
def catalogue(stage: Theatre, change: Callable[[str], str]) -> Iterator[None]:
    """In the block a changed catalogue is in force, and known to all."""
    ground = stage.ground
    with begin(ground.engine) as db:
        number = ground.catalogues.apply(db, change(ground.catalogues.document()), "", "test", ground.clock.now())
    stage.skip(10)
    try:
        yield
    finally:
        with begin(ground.engine) as db:
            earlier = ground.catalogues.document(number - 1, db)
            ground.catalogues.apply(db, earlier, "", "test", ground.clock.now())
        stage.skip(10)


def replies(stage: Theatre, citizen: Citizen) -> list[str]:
    """Neither codes nor the SMS of the next day."""
    texts = [one.text for one in stage.outside.sent if one.phone == citizen.phone]
    return [text for text in texts if "验证码" not in text and not NEXT_DAY.search(text)]


@pytest.mark.parametrize(
    "mode", ["429", "500", "retry", "reject", "garbage", "silent", "timeout_after_accept", "no_receipt"]
)
def test_a_gateway_that_refuses_or_says_nothing_gets_each_message_once(
    stage: Theatre, people: People, mode: str
) -> None:
    citizens = people(3)
    stage.admit(citizens[:2])
    if mode == "reject":
        stage.settle()  # what a gateway refuses for good is given up, and that is not asked for here
    stage.behaviour.set("gateway", mode, 3)
    with contextlib.suppress(AssertionError):
        stage.admit(citizens[2:], 1)
    stage.behaviour.set("gateway", "ok")
    stage.admit(citizens)
    stage.settle()
    assert check(stage.ground, stage.outside, citizens) == []


def test_an_answer_that_is_lost_after_acceptance_is_asked_for_and_nothing_is_sent_twice(
    stage: Theatre, people: People
) -> None:
    citizens = people(6)
    stage.admit(citizens[:3])
    lost = itertools.cycle([True, False])

    def lose(_question: Any, status: int, body: bytes) -> tuple[int, str, Body]:
        return (502, "text/html", b"<html>") if next(lost) else (status, "application/json", body)

    stage.outside.plays["gateway"] = lose
    stage.admit(citizens[3:])
    stage.settle()
    assert check(stage.ground, stage.outside, citizens) == []


def test_receipts_early_twice_contradictory_forged_and_three_days_late_move_nothing_backwards(
    stage: Theatre, people: People
) -> None:
    citizens = people(4)
    stage.behaviour.set("gateway", "no_receipt")

    def tell_early(question: Mapping[str, Any], status: int, body: bytes) -> tuple[int, str, Body]:
        for message in question["messages"]:
            parts = range(1, len(message["parts"]) + 1)
            for words in (["delivered"], ["delivered", "failed"], ["failed"], ["unclear"]):
                tell(stage, [(message["id"], part, word) for part in parts for word in words])
            tell(stage, [("f" * 32 + "-1", 1, "failed"), ("not-ours", 1, "delivered")])
        return status, "application/json", body

    stage.outside.plays["gateway"] = tell_early
    stage.admit(citizens)
    stage.settle()
    assert check(stage.ground, stage.outside, citizens) == []
    stage.skip(73 * HOUR_S)
    time.sleep(1)
    tell(stage, [(one.reference, 1, word) for one in stage.outside.sent for word in ("failed", "delivered")])
    assert check(stage.ground, stage.outside, citizens) == []


def tell(stage: Theatre, words: list[tuple[str, int, str]]) -> None:
    """Deliver receipts as the gateway does."""
    ground, url = stage.ground, f"{stage.ground.settings.public_url}/sms/main/receipts"
    link = ground.catalogues.current().link("main")
    assert link is not None
    done = rfc3339(ground.clock.now())
    told = [{"id": one, "part": part, "status": word, "code": "X", "done_at": done} for one, part, word in words]
    body = json.dumps({"receipts": told}).encode()
    signed = sign(
        "POST",
        url,
        body,
        content_type="application/json",
        key_id=link.key_id,
        secret=ground.secrets.get("main.key"),
        algorithm=link.algorithm,
        now=ground.clock.now(),
    )
    requests.post(url, body, headers=signed, timeout=10).raise_for_status()
