"""The next day's SMS: told once, by daylight, without a count, and not to whoever stopped codes."""

from __future__ import annotations

from datetime import datetime

import pytest

from config.db.engine import begin
from config.ground import Ground
from config.times.clock import FixedClock
from config.times.formats import SHANGHAI, shanghai
from query.inquiry import DAY, HOUR, PHONE_CARDS
from query.models import next_day_notice
from query.settling.next_day import AT_ONCE, due_at, tell_next_day
from query.settling.withdrawal import withdraw
from query.upkeep.sweep import sweep
from sms_port.ledger.inbound import add_opt_out
from sms_port.ledger.payload import open_payload
from sms_port.models import message
from tests.conftest import on_sqlite
from tests.query.partner_stub import OWNER, PHONE, Partners, accept, accept_many, hand_over, one, rows, verdict, work
from tests.support.factories import put_in_force


def told(ground: Ground) -> list[str]:
    kept = [row for row in rows(ground, message) if row.sealed is not None]
    texts = [open_payload(ground.keys, row.id, row.sealed).text for row in kept]
    return [text for text in texts if "换锁屏密码" in text]


@pytest.mark.parametrize(("hour", "expected"), [(9, 9), (14, 14), (19, 19), (20, 33), (23, 33), (0, 9), (8, 9)])
def test_it_comes_a_day_later_by_daylight(hour: int, expected: int) -> None:
    accepted = int(datetime(2026, 11, 22, hour, 30, tzinfo=SHANGHAI).timestamp() * 1000)
    due = shanghai(due_at(accepted))
    assert (due.day, due.hour) == (23 + expected // 24, expected % 24)
    assert due_at(accepted) >= accepted + DAY


@pytest.mark.parametrize("service", ["internet-accounts", PHONE_CARDS])
@pytest.mark.parametrize("word", ["match", "mismatch"])
def test_it_is_told_once_whatever_the_outcome_was(
    ground: Ground, partners: Partners, clock: FixedClock, service: str, word: str
) -> None:
    if word == "mismatch":
        partners.plays["china-mobile"] = verdict(word)
    accept(ground, service=service)
    work(ground)
    hand_over(ground)
    clock.advance(DAY - 1000)
    sweep(ground)
    assert told(ground) == []
    clock.advance(2000)
    for _ in range(3):
        sweep(ground)
    what = "本号码关联的互联网账号" if service == "internet-accounts" else "名下电话卡数量"
    assert told(ground) == [f"【一证通查】您11月22日查询过{what}。非本人操作，请检查谁用过您的手机，并更换锁屏密码。"]
    assert rows(ground, next_day_notice) == []


def test_it_opens_and_closes_no_inquiry(ground: Ground, partners: Partners, clock: FixedClock) -> None:
    accepted = accept(ground)
    work(ground)
    hand_over(ground)
    before = one(ground, accepted)
    clock.advance(DAY)
    tell_next_day(ground)
    hand_over(ground)
    assert one(ground, accepted) == before


@on_sqlite
def test_who_stopped_codes_withdrew_or_has_it_switched_off_gets_none(
    ground: Ground, partners: Partners, clock: FixedClock
) -> None:
    accept(ground)
    work(ground)
    withdraw(ground, accept(ground, "13800138001").reference, OWNER)
    with begin(ground.engine) as db:
        add_opt_out(db, ground, PHONE, "main")
    off = ground.catalogues.document().replace(
        "[next_day_notice]\nenabled = true", "[next_day_notice]\nenabled = false"
    )
    put_in_force(ground, off)
    accept(ground, "13800138002")
    work(ground)
    clock.advance(DAY)
    tell_next_day(ground)
    assert (told(ground), rows(ground, next_day_notice)) == ([], [])


@on_sqlite
def test_too_late_it_is_not_told_and_its_number_goes(ground: Ground, partners: Partners, clock: FixedClock) -> None:
    accept(ground)
    work(ground)
    clock.advance(2 * DAY + HOUR)
    tell_next_day(ground)
    assert (told(ground), rows(ground, next_day_notice)) == ([], [])


@on_sqlite
def test_a_pass_is_bounded(ground: Ground, partners: Partners, clock: FixedClock) -> None:
    accept_many(ground, 3)
    work(ground)
    clock.advance(DAY)
    tell_next_day(ground)
    assert len(told(ground)) == 3 <= AT_ONCE
