"""Companies, carriers and the gateway at their worst: who answers is told in full, who does not is named."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import requests

from config.clock import rfc3339
from config.signature import sign
from tests.faults.checker import check
from tests.faults.outside import Body, drip, duplicates, gigabyte, gzip_bomb, html, partial_items, wrong_ids
from tests.faults.theatre import Citizen, Theatre
from tests.servers import wait_until

People = Callable[[int], list[Citizen]]

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
    wait_until(lambda: {one.partner for one in list(stage.outside.asked)} >= {*PLAYS, "tencent"}, 30)
    stage.outside.plays.clear()
    stage.behaviour.set("tencent", "ok")
    stage.settle(90, step_s=10)
    assert check(stage.ground, stage.outside, citizens) == []
    assert resident(stage) - memory < GROWTH


def test_companies_that_stay_broken_are_named_after_the_services_patience(stage: Theatre, people: People) -> None:
    citizens = people(4)
    stage.outside.plays |= {**PLAYS, "jd": wrong_ids}
    stage.admit(citizens)
    skipped = stage.settle(90, step_s=600, pause_s=0.4)
    assert skipped < 4 * 3_600_000, "two hours of patience, and little more"
    assert check(stage.ground, stage.outside, citizens, floor=0) == []
    texts = [one.text for citizen in citizens for one in stage.outside.sent if one.phone == citizen.phone]
    silent = [one.short_name for one in stage.ground.catalogues.current().enterprises() if one.code in PLAYS]
    assert sum(f"{'、'.join(silent)}未反馈" in text for text in texts) == 4


def resident(stage: Theatre) -> int:
    return max(process.memory_info().rss for process in stage.players("worker"))


def test_an_item_that_is_never_answered_holds_up_nobody_else(stage: Theatre, people: People) -> None:
    citizens = people(12)

    def forget_one(question: Mapping[str, Any], status: int, body: bytes) -> tuple[int, str, Body]:
        forgotten = {item["id"] for item in question["items"] if item.get("phone") == citizens[3].phone}
        told = json.loads(body)
        told["items"] = [item for item in told["items"] if item["id"] not in forgotten]
        return status, "application/json", json.dumps(told).encode()

    stage.outside.plays["jd"] = forget_one
    stage.admit(citizens)
    wait_until(lambda: stage.still_open()[0] == 1, 20)
    others = [citizen for citizen in citizens if citizen is not citizens[3]]
    wait_until(lambda: all(replies(stage, citizen) for citizen in others), 10)
    assert not replies(stage, citizens[3])
    stage.settle(60, step_s=900, pause_s=0.4)
    assert check(stage.ground, stage.outside, citizens, floor=0.9) == []
    assert "京东未反馈" in replies(stage, citizens[3])[0]


def replies(stage: Theatre, citizen: Citizen) -> list[str]:
    return [one.text for one in stage.outside.sent if one.phone == citizen.phone and "验证码" not in one.text]


@pytest.mark.parametrize("mode", ["429", "retry", "garbage", "silent", "no_receipt"])
def test_a_gateway_that_refuses_or_says_nothing_gets_each_message_once(
    stage: Theatre, people: People, mode: str
) -> None:
    citizens = people(3)
    stage.admit(citizens[:2])
    stage.behaviour.set("gateway", mode, 3)
    for citizen in citizens[2:]:
        with pytest.raises(AssertionError) if mode != "no_receipt" else contextlib.nullcontext():
            stage.admit([citizen], 1)
    stage.behaviour.set("gateway", "ok")
    stage.admit(citizens)
    stage.settle(60)
    assert check(stage.ground, stage.outside, citizens) == []


def test_an_answer_that_is_lost_after_acceptance_is_asked_for_and_nothing_is_sent_twice(
    stage: Theatre, people: People
) -> None:
    citizens = people(6)
    stage.admit(citizens[:3])
    stage.outside.plays["gateway"] = lambda *_: (502, "text/html", b"<html>")
    stage.admit(citizens[3:])
    stage.settle(60)
    assert check(stage.ground, stage.outside, citizens) == []


def test_receipts_early_twice_contradictory_and_forged_move_nothing_backwards(stage: Theatre, people: People) -> None:
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
    stage.settle(60)
    stage.behaviour.set("gateway", "ok")
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
