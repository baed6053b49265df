"""Watches on both databases: on, alert, renewal, end, the holder's change, and companies without events."""

from __future__ import annotations

from typing import Any

import pytest

from config.db.engine import begin
from config.ground import Ground
from config.times.clock import FixedClock
from config.times.formats import shanghai
from enterprises.request_protocol import Event
from query.inquiry import DAY, HOUR
from query.objections.models import objection
from query.requests.models import request
from query.upkeep.sweep import sweep
from query.watches.alerts import record_events
from query.watches.models import watch, watch_count, watch_event
from query.watches.recount import recount
from query.watches.watch import State, end_of
from sms_port.ledger.inbound import add_opt_out
from tests.query.objections.life import hand_over, sent, work, write
from tests.query.partner_stub import PHONE, Partners, rows, verdict

UUIDS = [f"7f6c1d3e-0c55-4b54-9a3a-1d0a7f3e9b{number:02x}" for number in range(64)]


def turn_on(ground: Ground) -> None:
    assert "已开启新账号提醒，至2027年11月22日" in str(write(ground, "提醒"))
    work(ground)


def request_of(ground: Ground, application: str, kind: str = "watch") -> Any:
    return next(row for row in rows(ground, request) if (row.kind, row.application) == (kind, application))


def tell(ground: Ground, number: int, application: str = "weixin", change: int = 1, **more: Any) -> int:
    watched = more.pop("watch", None) or request_of(ground, application).id.hex()
    partner = more.pop("partner", None) or request_of(ground, application).partner
    return record_events(ground, partner, [Event(UUIDS[number], watched, application, change, ground.clock.now())])


def alerts(ground: Ground) -> list[str]:
    return [text for text in sent(ground) if "新关联" in text]


def test_companies_learn_the_number_the_application_and_the_last_day(ground: Ground, partners: Partners) -> None:
    turn_on(ground)
    items = [item for _, item in partners.requested("watch")]
    assert len(items) == 11
    assert {tuple(sorted(item)) for item in items} == {("application", "id", "phone", "until")}
    assert {item["until"] for item in items} == {"2027-11-22"}


def test_an_event_alerts_once_and_its_number_answers_with_a_dispute(ground: Ground, partners: Partners) -> None:
    turn_on(ground)
    assert (tell(ground, 1), tell(ground, 1)) == (1, 0)
    (text,) = alerts(ground)
    assert text == ("【一证通查】您的手机号在微信新关联了1个账号。不是您操作的，请回复“不是我1”。停止提醒回复“TX”。")
    assert write(ground, "不是我１") == ""
    work(ground)
    (row,) = rows(ground, objection)
    assert (row.applications, row.entrance) == ("weixin", "sms")
    assert [item["application"] for _, item in partners.requested("dispute")] == ["weixin"]
    assert any("已受理您" in text for text in sent(ground))


def test_one_alert_a_day_and_the_rest_the_next_morning(ground: Ground, clock: FixedClock) -> None:
    turn_on(ground)
    tell(ground, 1)
    tell(ground, 2, "jd", 2)
    tell(ground, 3, "qq")
    tell(ground, 4, "taobao")
    assert len(alerts(ground)) == 1
    hand_over(ground)
    clock.ms = end_of(shanghai(clock.now()).date())
    sweep(ground)
    assert alerts(ground) == []
    clock.advance(9 * HOUR)
    sweep(ground)
    (text,) = alerts(ground)
    assert "今天在QQ、淘宝等3个应用新关联了账号" in text


def test_events_that_fit_nothing_change_nothing(ground: Ground, partners: Partners) -> None:
    write(ground, "提醒")
    assert tell(ground, 1) == 0  # no company has been asked yet
    work(ground)
    assert tell(ground, 2, watch="00" * 16) == 0
    assert tell(ground, 3, watch="no id of ours") == 0
    assert tell(ground, 4, partner="jd") == 0
    assert tell(ground, 5, "qq", watch=request_of(ground, "weixin").id.hex()) == 0
    assert alerts(ground) == []
    write(ground, "TX")
    assert tell(ground, 6) == 0


def test_an_opted_out_number_is_not_alerted(ground: Ground) -> None:
    turn_on(ground)
    with begin(ground.engine) as db:
        add_opt_out(db, ground, PHONE, "main")
    assert tell(ground, 1) == 1
    assert alerts(ground) == []


def test_a_companys_flood_is_gathered(ground: Ground, clock: FixedClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("query.watches.watch.FLOOD_FLOOR", 2)
    turn_on(ground)
    clock.advance(DAY)
    with begin(ground.engine) as db:
        for number in range(10, 14):
            row = {"partner": "tencent", "event": bytes([number]) * 16, "watch": b"w" * 16, "news": None}
            db.execute(watch_event.insert().values(**row, at=clock.now()))
    assert tell(ground, 1) == 1
    assert alerts(ground) == []


def test_tx_ends_it_and_the_number_is_erased_when_companies_know(ground: Ground, partners: Partners) -> None:
    turn_on(ground)
    assert "已停止新账号提醒" in str(write(ground, "ＴＸ"))
    assert "已停止新账号提醒" in str(write(ground, "TX"))  # the same without one
    work(ground)
    assert len(partners.requested("unwatch")) == 11
    (row,) = rows(ground, watch)
    assert (row.state, row.phone, row.live_index) == (State.OVER, None, None)


def test_it_is_renewed_by_text_or_ends_after_12_months(ground: Ground, clock: FixedClock, partners: Partners) -> None:
    turn_on(ground)
    (row,) = rows(ground, watch)
    clock.ms = row.until_at - 13 * DAY
    sweep(ground)
    sweep(ground)
    sweep(ground)
    assert sum("您的新账号提醒将于11月22日到期" in text for text in sent(ground)) == 1
    assert "至2028年11月" in str(write(ground, "提醒"))
    (row,) = rows(ground, watch)
    clock.ms = row.until_at
    sweep(ground)
    (row,) = rows(ground, watch)
    assert row.state == State.OVER
    clock.advance(31 * DAY)
    sweep(ground)
    assert rows(ground, watch) == []


HOLDERS = [("same", State.ON), ("unknown", State.ON), ("changed", State.OVER), ("inactive", State.OVER)]


@pytest.mark.parametrize(("word", "state"), HOLDERS)
def test_the_carrier_is_asked_monthly_and_a_change_ends_it_without_a_word(
    ground: Ground, clock: FixedClock, partners: Partners, word: str, state: State
) -> None:
    turn_on(ground)
    hand_over(ground)
    before = len(sent(ground))
    partners.plays["china-mobile"] = verdict(word)
    clock.advance(30 * DAY)
    sweep(ground)
    work(ground)
    (row,) = rows(ground, watch)
    assert row.state == state
    asked = [told for _, told in partners.calls if told["kind"] == "tenure"]
    assert [set(item) for told in asked for item in told["items"]] == [{"id", "phone", "since"}]
    assert len(sent(ground)) == before


def without_events(ground: Ground) -> None:
    document = ground.catalogues.document().replace("events = true\n", "", 1)
    with begin(ground.engine) as db:
        ground.catalogues.apply(db, document, "no events", "test", ground.clock.now())
    ground.catalogues.forget()


def test_a_company_without_events_is_asked_again_at_night_and_no_count_is_stored(
    ground: Ground, clock: FixedClock, partners: Partners
) -> None:
    without_events(ground)
    counts = {"weixin": 2, "qq": 0}
    partners.plays["tencent"] = lambda item, asked: {"counts": dict(counts)}
    turn_on(ground)
    assert recount(ground) == 1
    (row,) = rows(ground, watch_count)
    kept = ground.keys.open(row.seen, table="watch_count", column="seen", row=row.watch.hex() + "tencent")
    assert kept.count(b'"') == 8  # two codes with a MAC each
    assert b": 2" not in kept
    counts["weixin"] = 4
    assert recount(ground) == 0
    clock.ms = row.due_at
    assert shanghai(clock.now()).hour in range(1, 5)
    assert recount(ground) == 1
    clock.advance(12 * HOUR)
    sweep(ground)
    (text,) = alerts(ground)
    assert "微信新关联了2个账号" in text


def test_fewer_accounts_are_no_news(ground: Ground, clock: FixedClock, partners: Partners) -> None:
    without_events(ground)
    counts = {"weixin": 3, "qq": 1}
    partners.plays["tencent"] = lambda item, asked: {"counts": dict(counts)}
    turn_on(ground)
    recount(ground)
    counts["weixin"] = 1
    clock.ms = rows(ground, watch_count)[0].due_at
    recount(ground)
    clock.advance(12 * HOUR)
    sweep(ground)
    assert alerts(ground) == []
