"""Each partner is asked by its own terms: hours, breaker, refused batches, dates that matter, being switched off."""

from __future__ import annotations

from typing import Any

import pytest

from config.ground import Ground
from config.times.clock import FixedClock
from query.inquiry import HOUR, SECOND, Outcome
from query.models import wave
from query.upkeep.sweep import sweep
from tests.query.partner_stub import (
    Partners,
    accept,
    accept_many,
    agree,
    due_partners,
    gather,
    one,
    open_questions,
    open_waves,
    replies,
    retry,
    rows,
    status,
    work,
)

# --- hours -----------------------------------------------------------------------------------------------------------


def test_a_window_is_waited_out_and_patience_does_not_run_in_it(
    ground: Ground, partners: Partners, clock: FixedClock
) -> None:
    agree(ground, "jd", 'closed = ["14:00-20:00"]')  # it is 14:05
    accepted = accept(ground)
    work(ground)
    assert partners.asked("jd") == []
    clock.advance(3 * HOUR)  # past the patience of two hours
    sweep(ground)
    work(ground)
    assert (partners.asked("jd"), replies(ground)) == ([], {})
    clock.advance(3 * HOUR)  # 20:05
    sweep(ground)
    work(ground)
    assert len(partners.asked("jd")) == 1
    assert one(ground, accepted).outcome == Outcome.ANSWERED


def test_a_silent_partner_without_a_window_is_not_waited_for_longer(
    ground: Ground, partners: Partners, clock: FixedClock
) -> None:
    agree(ground, "jd", 'closed = ["14:30-20:00"]')
    partners.plays["meituan"] = status(500)
    accepted = accept(ground)
    work(ground)
    clock.advance(2 * HOUR)
    sweep(ground)
    work(ground)
    assert "美团暂未反馈" in replies(ground)[accepted.reference].text


def test_a_carrier_in_its_window_keeps_its_inquiries_waiting(
    ground: Ground, partners: Partners, clock: FixedClock
) -> None:
    agree(ground, "china-mobile", 'closed = ["14:00-15:00"]')
    accepted = accept(ground)
    gather(ground, "china-mobile")
    assert partners.calls == []
    clock.advance(HOUR)
    work(ground)
    assert one(ground, accepted).outcome == Outcome.ANSWERED


# --- the breaker -----------------------------------------------------------------------------------------------------


def test_a_dead_partner_is_called_a_few_times_and_then_left_alone(
    ground: Ground, partners: Partners, clock: FixedClock
) -> None:
    partners.plays["jd"] = status(500)
    for number in range(12):
        accept(ground, f"138000010{number:02}")
        work(ground)
    assert len(partners.asked("jd")) == 5
    assert len(partners.asked("tencent")) == 12
    clock.advance(31 * SECOND)
    work(ground)
    calls = [asked_body for code, asked_body in partners.calls if code == "jd"]
    assert len(calls) == 6, "one tries again"
    del partners.plays["jd"]
    clock.advance(70 * SECOND)
    for _ in range(3):
        sweep(ground)
        work(ground)
    assert len(replies(ground)) == 12


# --- refused batches -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("refusal", [400, 413, 422])
def test_one_item_that_a_partner_refuses_costs_the_others_nothing(
    ground: Ground, partners: Partners, refusal: int
) -> None:
    accepted = accept_many(ground, 40)
    poison = one(ground, accepted[17]).id.hex()
    partners.plays["jd"] = lambda item, asked: refusal if item["id"] == poison else {"counts": {"jd": 1}}
    work(ground)
    texts = replies(ground)
    assert len(texts) == 40
    assert "京东暂未反馈" in texts.pop(accepted[17].reference).text
    assert all("京东1个" in sms.text for sms in texts.values())
    assert len([code for code, _ in partners.calls if code == "jd"]) < 15


def test_a_partner_that_refuses_everything_is_not_stormed_and_nobody_is_given_up(
    ground: Ground, partners: Partners, clock: FixedClock
) -> None:
    partners.plays["jd"] = status(400)
    accept_many(ground, 40)
    work(ground)
    assert len([code for code, _ in partners.calls if code == "jd"]) <= 12
    assert replies(ground) == {}
    del partners.plays["jd"]
    clock.advance(5 * SECOND)
    work(ground)
    assert len(replies(ground)) == 40
    assert all("未反馈" not in sms.text for sms in replies(ground).values())


def test_a_single_item_refused_three_times_is_refused(ground: Ground, partners: Partners, clock: FixedClock) -> None:
    partners.plays["jd"] = status(422)
    accept(ground)
    for tries in (1, 2, 3):
        work(ground)
        assert len(partners.asked("jd")) == tries
        clock.advance(20 * SECOND)
    assert "京东暂未反馈" in next(iter(replies(ground).values())).text


# --- dates that matter -----------------------------------------------------------------------------------------------


def since(item: Any, asked: Any) -> Any:
    return {"verdict": "match", "active_since": "2024-05"}


def before(item: Any, asked: Any) -> Any:
    assert item.get("held_since") == "2024-05"
    return {"counts": {"weixin": 2, "qq": 1}, "before": {"weixin": 1, "qq": 0}}


def test_accounts_older_than_the_citizens_hold_on_the_number_are_reported(ground: Ground, partners: Partners) -> None:
    partners.plays |= {"china-mobile": since, "tencent": before}
    accepted = accept(ground)
    work(ground)
    text = replies(ground)[accepted.reference].text
    assert "微信2个，QQ1个" in text
    assert "。其中微信1个在您持有本号码之前注册，可能属于原机主。如有疑问，请在查询页面底部点" in text
    assert all(row.identities is None and row.phones is None for row in rows(ground, wave))


def test_without_a_date_nothing_is_asked_or_reported_of_it(ground: Ground, partners: Partners) -> None:
    partners.plays["tencent"] = lambda item, asked: {"counts": {"weixin": 2, "qq": 1}, "before": {"weixin": 1}}
    accepted = accept(ground)
    work(ground)
    assert all("held_since" not in item for _, asked in partners.calls for item in asked["items"])
    assert "之前注册" not in replies(ground)[accepted.reference].text


def test_each_citizen_has_a_date_of_their_own_and_carriers_get_none(ground: Ground, partners: Partners) -> None:
    first, second = accept_many(ground, 2)
    number = one(ground, first).id.hex()
    partners.plays["china-mobile"] = lambda item, asked: {
        "verdict": "match",
        **({"active_since": "2019-11"} if item["id"] == number else {}),
    }
    work(ground)
    dates = {(code, item["id"]): item.get("held_since") for code, asked in partners.calls for item in asked["items"]}
    assert dates["tencent", number] == "2019-11"
    assert dates["tencent", one(ground, second).id.hex()] is None
    assert dates["china-mobile", number] is None
    assert len(replies(ground)) == 2


# --- switched off ----------------------------------------------------------------------------------------------------


def test_a_partner_switched_off_is_settled_as_unavailable_in_open_inquiries(ground: Ground, partners: Partners) -> None:
    partners.plays["jd"] = status(202)
    accepted = accept(ground)
    work(ground)
    assert [row.partner for row in open_questions(ground)] == ["jd"]
    agree(ground, "jd", "enabled = false")
    sweep(ground)
    assert due_partners(ground) == ["jd"]
    work(ground)
    assert "京东暂未反馈" in replies(ground)[accepted.reference].text
    later = accept(ground, "13800000002")
    work(ground)
    assert "京东" not in replies(ground)[later.reference].text
    assert open_waves(ground) == []


def test_a_partner_switched_off_is_left_out_and_named_in_what_was_asked_already(
    ground: Ground, partners: Partners, clock: FixedClock
) -> None:
    partners.plays["jd"] = retry
    accepted = accept(ground)
    work(ground)
    agree(ground, "jd", "enabled = false")
    sweep(ground)
    work(ground)
    assert "京东暂未反馈" in replies(ground)[accepted.reference].text
    later = accept(ground, "13800138001")
    work(ground)
    assert one(ground, later).outcome == Outcome.ANSWERED
    assert "京东" not in replies(ground)[later.reference].text
    assert len(partners.asked("jd")) == 1


def test_a_carrier_switched_off_hands_its_inquiries_to_the_next(
    ground: Ground, partners: Partners, clock: FixedClock
) -> None:
    partners.plays["china-mobile"] = status(500)
    asked = accept(ground, "13800138001")
    work(ground)
    waiting = accept(ground, "13800138002")
    agree(ground, "china-mobile", "enabled = false")
    sweep(ground)
    work(ground)
    assert {one(ground, entry).outcome for entry in (asked, waiting)} == {Outcome.ANSWERED}
    assert len(partners.asked("china-mobile")) == 1
