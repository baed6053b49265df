"""Answers that are called back: each counts once, for the partner that was asked, and for nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from config.ground import Ground
from config.times.clock import FixedClock
from enterprises.protocol import Counts, Refused, Verdict
from query.asking.callbacks import record_called_back
from query.inquiry import HOUR, PHONE_CARDS, SECOND, Outcome, State
from query.models import inquiry, question, wave
from query.upkeep.sweep import sweep
from tests.query.partner_stub import Partners, accept, accept_many, one, open_waves, replies, rows, status, work

COUNTED = Counts({"weixin": 7, "qq": 3})


def everything(ground: Ground) -> list[Any]:
    """All rows that an answer could change."""
    return [sorted(map(tuple, rows(ground, table)), key=repr) for table in (inquiry, wave, question)]


def test_a_partner_that_calls_back_is_asked_once_and_answers(ground: Ground, partners: Partners) -> None:
    partners.plays["tencent"] = status(202)
    accepted = accept_many(ground, 3)
    work(ground)
    assert replies(ground) == {}
    numbers = [one(ground, entry).id.hex() for entry in accepted]
    assert record_called_back(ground, "tencent", dict.fromkeys(numbers, COUNTED)) == 3
    work(ground)
    texts = [sms.text for sms in replies(ground).values()]
    assert len(texts) == 3
    assert all("微信7个，QQ3个" in text for text in texts)
    assert sorted(partners.asked("tencent")) == sorted(numbers)


def test_a_partner_that_does_not_call_back_is_asked_again_later(
    ground: Ground, partners: Partners, clock: FixedClock
) -> None:
    partners.plays["tencent"] = status(202)
    accept(ground)
    work(ground)
    clock.advance(600 * SECOND)
    work(ground)
    assert len(partners.asked("tencent")) == 1
    clock.advance(400 * SECOND)
    del partners.plays["tencent"]
    work(ground)
    assert len(partners.asked("tencent")) == 2
    assert len(replies(ground)) == 1


def test_a_carrier_calls_back_its_verdict(ground: Ground, partners: Partners) -> None:
    partners.plays["china-mobile"] = status(202)
    match, mismatch = accept_many(ground, 2)
    work(ground)
    called_back = {one(ground, match).id.hex(): Verdict("match"), one(ground, mismatch).id.hex(): Verdict("mismatch")}
    assert record_called_back(ground, "china-mobile", called_back) == 2
    work(ground)
    assert one(ground, match).outcome == Outcome.ANSWERED
    assert one(ground, mismatch).outcome == Outcome.UNSUCCESSFUL


def test_a_part_of_a_batch_called_back_moves_only_that_part(ground: Ground, partners: Partners) -> None:
    partners.plays["tencent"] = status(202)
    accepted = accept_many(ground, 5)
    work(ground)
    record_called_back(ground, "tencent", {one(ground, accepted[2]).id.hex(): COUNTED})
    work(ground)
    assert list(replies(ground)) == [accepted[2].reference]
    assert [row.n for row in open_waves(ground)] == [4]


def test_the_first_answer_counts_and_later_ones_change_nothing(ground: Ground, partners: Partners) -> None:
    partners.plays["tencent"] = partners.plays["jd"] = status(202)
    number = one(ground, accept(ground)).id.hex()
    work(ground)
    record_called_back(ground, "tencent", {number: COUNTED})
    before = everything(ground)
    for late in (Counts({"weixin": 1}), Refused(), COUNTED):
        record_called_back(ground, "tencent", {number: late})
    assert everything(ground) == before
    record_called_back(ground, "jd", {number: Counts({"jd": 1})})
    work(ground)
    (sms,) = replies(ground).values()
    assert "微信7个" in sms.text
    before = everything(ground)
    assert record_called_back(ground, "tencent", {number: Counts({"weixin": 1})}) == 0
    assert everything(ground) == before, "closed"


def test_what_nobody_asked_changes_nothing(ground: Ground, partners: Partners) -> None:
    partners.plays["china-mobile"] = status(202)
    number = one(ground, accept(ground)).id.hex()
    work(ground)
    before = everything(ground)
    strange: list[tuple[str, dict[str, Any]]] = [
        ("tencent", {number: COUNTED}),  # not asked yet: no enterprise before the carrier
        ("china-unicom", {number: Verdict("match")}),  # another carrier
        ("china-mobile", {number: Counts({"china-mobile": 1})}),  # another kind
        ("china-mobile", {"0" * 32: Verdict("match"), "x": Verdict("match"), number.upper(): Verdict("match")}),
        ("nobody", {number: Verdict("match")}),
        ("china-mobile", {}),
    ]
    for partner, called_back in strange:
        assert record_called_back(ground, partner, called_back) == 0
    assert everything(ground) == before
    assert one(ground, next(iter([accept(ground, "13800000002")]))).state == State.CHECKING


def test_an_answer_after_the_decision_changes_nothing(ground: Ground, partners: Partners, clock: FixedClock) -> None:
    partners.plays["tencent"] = status(202)
    number = one(ground, accept(ground)).id.hex()
    work(ground)
    clock.advance(2 * HOUR)
    sweep(ground)
    work(ground)
    before = everything(ground)
    assert record_called_back(ground, "tencent", {number: COUNTED}) == 0
    assert everything(ground) == before
    assert "腾讯暂未反馈" in next(iter(replies(ground).values())).text


def test_phone_cards_may_be_called_back_by_a_carrier(ground: Ground, partners: Partners) -> None:
    def play(item: Any, asked: Any) -> Any:
        return 202 if asked["kind"] == "count" else {"verdict": "match"}

    partners.plays["china-mobile"] = play
    accepted = accept(ground, service=PHONE_CARDS)
    work(ground)
    number = one(ground, accepted).id.hex()
    assert record_called_back(ground, "china-mobile", {number: Counts({"china-mobile": 4})}) == 1
    work(ground)
    assert "中国移动4张" in replies(ground)[accepted.reference].text


@pytest.mark.parametrize("lost", [True, False])
def test_a_callback_whose_ring_is_lost_is_found_by_the_sweep(ground: Ground, partners: Partners, lost: bool) -> None:
    partners.plays["tencent"] = status(202)
    number = one(ground, accept(ground)).id.hex()
    work(ground)
    record_called_back(ground, "tencent", {number: COUNTED})
    if lost:
        ground.redis.flushall()
    assert [row.look for row in open_waves(ground)] == [1]
    work(ground)
    assert len(replies(ground)) == 1
