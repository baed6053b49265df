"""The whole way of an inquiry, and every turn it can take."""

from __future__ import annotations

from typing import Any

import pytest

from config.ground import Ground
from config.telemetry.log import configure_logging
from config.times.clock import FixedClock
from query.inquiry import INTERNET_ACCOUNTS, PHONE_CARDS, SECOND, Outcome, State
from query.models import last_inquiry, question, wave
from query.progress import progress
from tests.query.partner_stub import (
    ENTERPRISES,
    OWNER,
    PHONE,
    Partners,
    accept,
    accept_many,
    hand_over,
    one,
    open_questions,
    open_waves,
    replies,
    rows,
    verdict,
    work,
)


def test_an_inquiry_ends_in_one_reply_with_every_count(ground: Ground, partners: Partners) -> None:
    accepted = accept(ground)
    work(ground)
    row = one(ground, accepted)
    assert (row.state, row.outcome) == (State.REPLYING, Outcome.ANSWERED)
    sms = replies(ground)[accepted.reference]
    assert sms.phone == PHONE
    assert sms.text.startswith("【一证通查】您11月22日查询的手机号138****8000共关联")
    assert "未反馈" not in sms.text
    assert sms.resend_text is not None
    assert [len(partners.asked(code)) for code in ["china-mobile", *ENTERPRISES]] == [1] * 9
    hand_over(ground)
    assert one(ground, accepted).state == State.CLOSED


def test_id_digits_go_to_the_carrier_only_and_the_name_to_nobody_else(ground: Ground, partners: Partners) -> None:
    accept(ground)
    work(ground)
    for code, asked in partners.calls:
        fields = set(asked["items"][0])
        assert fields == ({"id", "phone", "id_tail"} if code == "china-mobile" else {"id", "phone"})


def test_phone_cards_are_counted_by_every_carrier(ground: Ground, partners: Partners) -> None:
    accepted = accept(ground, service=PHONE_CARDS)
    work(ground)
    text = replies(ground)[accepted.reference].text
    assert text.startswith("【一证通查】您11月22日查询：名下在用电话卡共")
    assert {code for code, _ in partners.calls} == {"china-mobile", "china-unicom", "china-telecom", "china-broadnet"}
    counted = [asked for _, asked in partners.calls if asked["kind"] == "count"]
    assert all(set(asked["items"][0]) == {"id", "name", "id_number"} for asked in counted)
    assert one(ground, accepted).identity is None


@pytest.mark.parametrize("word", ["mismatch", "inactive"])
def test_without_a_match_no_enterprise_is_asked_and_the_words_are_the_same(
    ground: Ground, partners: Partners, word: str
) -> None:
    partners.plays["china-mobile"] = verdict(word)
    accepted = accept(ground)
    work(ground)
    row = one(ground, accepted)
    assert (row.state, row.outcome, row.identity) == (State.REPLYING, Outcome.UNSUCCESSFUL, None)
    assert {code for code, _ in partners.calls} == {"china-mobile"}
    assert "查询未完成" in replies(ground)[accepted.reference].text


def test_a_ported_number_is_asked_about_at_every_carrier_once(ground: Ground, partners: Partners) -> None:
    carriers = ["china-mobile", "china-unicom", "china-telecom", "china-broadnet"]
    for carrier in carriers:
        partners.plays[carrier] = verdict("not_ours")
    accepted = accept(ground)
    work(ground)
    assert [code for code, _ in partners.calls] == carriers
    assert one(ground, accepted).outcome == Outcome.UNSUCCESSFUL


def test_a_ported_number_is_matched_by_its_new_carrier(ground: Ground, partners: Partners) -> None:
    partners.plays["china-mobile"] = verdict("not_ours")
    accepted = accept(ground)
    work(ground)
    assert one(ground, accepted).outcome == Outcome.ANSWERED


def test_one_pending_item_does_not_hold_up_its_neighbours(
    ground: Ground, partners: Partners, clock: FixedClock
) -> None:
    accepted = accept_many(ground, 20)
    slow = one(ground, accepted[7]).id.hex()
    partners.plays["douyin"] = lambda item, _: {"error": "retry"} if item["id"] == slow else {"counts": {"douyin": 5}}
    work(ground)
    assert len(replies(ground)) == 19
    assert accepted[7].reference not in replies(ground)
    assert [row.n for row in open_waves(ground)] == [1]
    assert [row.partner for row in open_questions(ground)] == ["douyin"]
    partners.plays["douyin"] = lambda item, _: {"counts": {"douyin": 6}}
    clock.advance(5 * SECOND)
    work(ground)
    assert "抖音6个" in replies(ground)[accepted[7].reference].text
    assert len(replies(ground)) == 20
    assert partners.asked("douyin").count(slow) == 2
    assert partners.asked("tencent").count(slow) == 1


def test_one_pending_verdict_does_not_hold_up_its_neighbours(
    ground: Ground, partners: Partners, clock: FixedClock
) -> None:
    accepted = accept_many(ground, 5)
    numbers = {one(ground, entry).id.hex(): entry for entry in accepted}
    slow, wrong, moved = list(numbers)[:3]
    words = {wrong: "mismatch", moved: "not_ours"}

    def play(item: Any, _: Any) -> dict[str, str]:
        return {"error": "retry"} if item["id"] == slow else {"verdict": words.get(item["id"], "match")}

    partners.plays["china-mobile"] = play
    work(ground)
    outcomes = {entry.reference: one(ground, entry).outcome for entry in accepted}
    assert outcomes.pop(numbers[slow].reference) is None
    assert outcomes.pop(numbers[wrong].reference) == Outcome.UNSUCCESSFUL
    assert set(outcomes.values()) == {Outcome.ANSWERED}
    words[slow] = "match"
    slow = ""
    clock.advance(5 * SECOND)
    work(ground)
    assert len(replies(ground)) == 5
    assert not open_waves(ground)


def test_numbers_and_counts_are_erased_when_the_reply_is_settled(ground: Ground) -> None:
    accepted = accept(ground)
    work(ground)
    row = one(ground, accepted)
    assert row.identity is None
    assert all((entry.phones, entry.identities) == (None, None) for entry in rows(ground, wave))
    assert all(entry.answers is None for entry in rows(ground, question))
    hand_over(ground)
    row = one(ground, accepted)
    assert row.phone is None
    assert row.masked is not None, "the progress page shows it for 48 hours"


def test_a_reply_that_was_given_up_is_not_shown_as_sent_and_frees_the_day(
    ground: Ground, capsys: pytest.CaptureFixture[str]
) -> None:
    accepted, other = accept(ground), accept(ground, "13800138001")
    work(ground)
    configure_logging("info")
    hand_over(ground, "failed", only=accepted)
    assert (one(ground, accepted).state, one(ground, accepted).phone) == (State.CLOSED, None)
    assert one(ground, accepted).closed_at is None
    assert progress(ground, accepted.reference, OWNER).status == "asking"
    assert [row.inquiry for row in rows(ground, last_inquiry)] == [one(ground, other).id]
    assert capsys.readouterr().err.count("reply_given_up") == 1
    again = accept(ground)
    hand_over(ground, "failed", only=accepted)
    assert one(ground, again).id in {row.inquiry for row in rows(ground, last_inquiry)}


@pytest.mark.parametrize("kind", ["accepted", "failed", "unknown_final"])
def test_whatever_became_of_the_reply_the_inquiry_closes_once(ground: Ground, kind: str) -> None:
    accepted = accept(ground)
    work(ground)
    hand_over(ground, kind)
    closed_at = one(ground, accepted).closed_at
    hand_over(ground, "failed")
    assert (one(ground, accepted).state, one(ground, accepted).closed_at) == (State.CLOSED, closed_at)


def test_every_job_may_run_twice(ground: Ground, partners: Partners) -> None:
    accept_many(ground, 3)
    for _ in range(3):
        work(ground)
    assert len(replies(ground)) == 3
    assert all(len(partners.asked(code)) == 3 for code in ENTERPRISES)


def test_both_services_travel_in_waves_of_their_own(ground: Ground) -> None:
    accounts = accept(ground, service=INTERNET_ACCOUNTS)
    cards = accept(ground, service=PHONE_CARDS)
    work(ground)
    sent_replies = replies(ground)
    assert "共关联" in sent_replies[accounts.reference].text
    assert "名下在用电话卡共" in sent_replies[cards.reference].text
