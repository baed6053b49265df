"""The life of an objection on both databases: intake, check, relay, settlement, news, reopening, erasure."""

from __future__ import annotations

import pytest

from config.crypto.key_ring import KeyRing
from config.db.engine import begin
from config.errors import SealBroken
from config.ground import Ground
from config.times.clock import FixedClock
from config.times.formats import shanghai
from query.errors import (
    ApplicationsMissing,
    ApplicationUnknown,
    CodeExpired,
    CodeWrong,
    IdempotencyConflict,
    NumberTooNew,
    ObjectionOpen,
    ObjectionsUsedUp,
    TooSoon,
)
from query.inquiry import DAY, HOUR
from query.objections.models import objection, objection_ending
from query.objections.rules.objection import State
from query.requests.models import request
from query.upkeep.sweep import sweep
from tests.query.objections.life import hand_over, object_to, one, report, sent, work, write
from tests.query.partner_stub import OTHER, PHONE, Partners, agree, ask_code, rows, state, status, verdict, wrong

SIGN = "【一证通查】"


def held(month: str) -> object:
    return lambda item, asked: {"verdict": "match", "active_since": month}


def test_the_whole_way_of_a_dispute(ground: Ground, partners: Partners, clock: FixedClock) -> None:
    partners.request_plays["alibaba"] = state("none")
    partners.request_plays["kuaishou"] = state("needs_holder", "in_app")
    accepted = object_to(ground, "weixin", "taobao", "kuaishou")
    assert accepted.phone == "138****8000"
    (first,) = sent(ground)
    assert f"受理编号{accepted.reference}。" in first
    hand_over(ground)
    work(ground)
    (text,) = sent(ground)
    assert text.endswith("的申请：微信已解绑，淘宝未查到，快手需您本人在应用内核验。已解决回1，未解决回2。")
    assert State(one(ground).state) is State.SETTLED
    hand_over(ground)
    row = one(ground)
    assert (State(row.state), row.phone, row.identity) == (State.CLOSED, None, None)
    assert all(one.finding is None for one in rows(ground, request) if one.kind != "identity")
    assert {(one.partner, one.ending) for one in rows(ground, objection_ending)} == {
        ("tencent", "done"),
        ("alibaba", "none"),
        ("kuaishou", "needs_holder"),
    }
    sentout = partners.requested()
    assert {code for code, _ in sentout} == {"tencent", "alibaba", "kuaishou"}
    assert all(set(item) == {"id", "phone", "application"} for _, item in sentout)


def test_an_objection_whose_digits_were_erased_before_a_worker_came_spoils_no_call(
    ground: Ground, partners: Partners, clock: FixedClock
) -> None:
    object_to(ground, "weixin")
    clock.advance(25 * HOUR)
    sweep(ground)
    work(ground)
    assert partners.calls == []
    assert rows(ground, request) == []
    assert State(one(ground).state) is State.SETTLED


def test_a_number_is_found_after_the_key_of_its_index_has_retired(
    ground: Ground, partners: Partners, clock: FixedClock
) -> None:
    partners.request_plays["tencent"] = state("accepted")
    object_to(ground, "weixin")
    work(ground)
    hand_over(ground)
    for days in (1, 16, 16, 1):
        with begin(ground.engine) as db:
            ground.keys.rotate(db, clock.now())
        clock.advance(days * DAY)
        sweep(ground)
        work(ground)
        hand_over(ground)
    assert len(ground.keys.phone_indexes(PHONE)) < len(ground.keys.phone_indexes(PHONE, retired=True))
    assert State(one(ground).state) is State.CLOSED
    write(ground, "2")
    assert (State(one(ground).state), one(ground).round) == (State.RELAYED, 1)


def test_the_digits_of_an_objection_open_for_no_longer_than_a_check_may_take(ground: Ground, clock: FixedClock) -> None:
    object_to(ground, "weixin")
    row = one(ground)
    for hours in (2, 7):
        clock.advance(hours * HOUR)
        sweep(ground)
    assert one(ground).identity is None
    another_process = KeyRing(ground.engine, ground.settings.master_key, ground.settings.crypto, clock)
    with pytest.raises(SealBroken):
        another_process.open(row.identity, table="objection", column="identity", row=row.id)


def test_unbind_tells_companies_since_when_the_number_is_held(ground: Ground, partners: Partners) -> None:
    partners.plays["china-mobile"] = held("2025-03")  # type: ignore[assignment]
    object_to(ground, "weixin", wish="unbind")
    work(ground)
    ((_, item),) = partners.requested("unbind")
    assert (item["held"], item["application"]) == ("2025-03", "weixin")
    assert sent(ground)[-1].endswith("申请的解绑有结果：微信已解绑。")


def test_unbind_without_the_carriers_month_travels_as_a_dispute(ground: Ground, partners: Partners) -> None:
    object_to(ground, "weixin", wish="unbind")
    work(ground)
    assert [item["application"] for _, item in partners.requested("dispute")] == ["weixin"]
    assert partners.requested("unbind") == []
    assert "已解决回1" in sent(ground)[-1]


@pytest.mark.parametrize("word", ["mismatch", "inactive", "not_ours"])
def test_no_company_is_asked_before_the_carriers_match_and_it_is_told_no_sooner_than_24_h(
    ground: Ground, partners: Partners, clock: FixedClock, word: str
) -> None:
    for carrier in ("china-mobile", "china-unicom", "china-telecom", "china-broadnet"):
        partners.plays[carrier] = verdict(word)
    object_to(ground, "weixin")
    begun = clock.now()
    work(ground)
    hand_over(ground)
    assert (partners.requested(), one(ground).identity) == ([], None)
    clock.ms = begun + 24 * HOUR - 1
    work(ground)
    assert sent(ground) == []
    clock.ms = begun + 48 * HOUR
    work(ground)
    (text,) = sent(ground)
    assert "未能办理" in text
    hand_over(ground)
    assert (State(one(ground).state), one(ground).phone) == (State.CLOSED, None)


def test_a_silent_carrier_looks_like_a_mismatch(ground: Ground, partners: Partners, clock: FixedClock) -> None:
    partners.plays["china-mobile"] = status(500)
    object_to(ground, "weixin")
    work(ground)
    clock.advance(6 * HOUR)
    work(ground)
    assert one(ground).identity is None
    clock.advance(42 * HOUR)
    work(ground)
    assert "未能办理" in sent(ground)[-1]
    assert partners.requested() == []


def test_a_number_that_is_too_new_is_told_so_and_refused_until_its_day(
    ground: Ground, partners: Partners, clock: FixedClock
) -> None:
    clock.advance((33 - shanghai(clock.now()).day) * DAY)  # the first days of a month
    month = f"{shanghai(clock.now()):%Y-%m}"
    partners.plays["china-mobile"] = held(month)  # type: ignore[assignment]
    object_to(ground, "weixin", wish="unbind")
    work(ground)
    assert partners.requested() == []
    clock.advance(48 * HOUR)
    work(ground)
    assert "号码刚启用" in sent(ground)[-1]
    with pytest.raises(NumberTooNew):
        object_to(ground, "weixin", wish="unbind")
    clock.advance(9 * DAY)
    object_to(ground, "weixin", wish="unbind")


def test_a_silent_company_is_named_reminded_and_its_late_word_told_once(
    ground: Ground, partners: Partners, clock: FixedClock
) -> None:
    partners.request_plays["jd"] = state("accepted", due="2026-12-01")
    object_to(ground, "weixin", "jd")
    work(ground)
    hand_over(ground)
    assert State(one(ground).state) is State.RELAYED
    clock.ms = one(ground).due_at
    work(ground)
    (text,) = sent(ground)
    assert "微信已解绑，京东未答复" in text
    assert len([code for code, _ in partners.requested() if code == "jd"]) == 2
    assert report(ground, "jd", "done") == 1
    work(ground)
    assert len(sent(ground)) == 1  # its news waits until the settlement is out
    hand_over(ground)
    assert one(ground).phone is not None
    work(ground)
    (late,) = sent(ground)
    assert "有新结果：京东已解绑" in late
    hand_over(ground)
    assert one(ground).phone is None
    assert report(ground, "jd", "none") == 0
    work(ground)
    assert sent(ground) == []


def test_the_number_is_erased_when_no_late_word_comes(ground: Ground, partners: Partners, clock: FixedClock) -> None:
    partners.request_plays["jd"] = status(202)
    object_to(ground, "jd")
    work(ground)
    clock.ms = one(ground).due_at
    work(ground)
    assert "京东到期未答复，已催办" in sent(ground)[-1]
    hand_over(ground)
    clock.advance(30 * DAY)
    work(ground)
    assert one(ground).phone is None
    assert report(ground, "jd", "done") == 0
    sweep(ground)
    row = one(ground)
    assert (row.phone_index, row.masked, row.submission, rows(ground, request)) == (None, None, None, [])


def test_unsolved_reopens_once_and_names_the_next_instance(
    ground: Ground, partners: Partners, clock: FixedClock
) -> None:
    partners.request_plays["jd"] = state("none")
    object_to(ground, "jd")
    work(ground)
    hand_over(ground)
    assert "已请企业重新处理" in str(write(ground, "２ "))
    assert "没有等待您答复的申请" in str(write(ground, "2"))
    work(ground)
    (text,) = sent(ground)
    assert "已重新处理：京东未查到。仍有疑问，可向互联网信息服务投诉平台反映" in text
    assert len(partners.requested("dispute")) == 2
    hand_over(ground)
    assert (one(ground).round, State(one(ground).state), one(ground).phone) == (1, State.CLOSED, None)
    assert "没有等待您答复的申请" in str(write(ground, "2"))


@pytest.mark.parametrize("text", ["1", "已解决", "回1", "１"])
def test_solved_ends_it(ground: Ground, text: str) -> None:
    object_to(ground, "jd")
    work(ground)
    hand_over(ground)
    assert "感谢" in str(write(ground, text))
    assert "没有等待" in str(write(ground, "2"))


def test_an_answer_after_30_days_or_to_nothing_or_by_another_number_changes_nothing(
    ground: Ground, clock: FixedClock
) -> None:
    assert "没有等待" in str(write(ground, "2"))
    object_to(ground, "jd")
    assert "没有等待" in str(write(ground, "2"))  # nothing is settled yet
    work(ground)
    hand_over(ground)
    assert "没有等待" in str(write(ground, "2", "13900139000"))
    clock.advance(30 * DAY)
    assert "没有等待" in str(write(ground, "2"))
    assert one(ground).round == 0


def test_two_that_wait_for_an_answer_are_told_apart_by_letters(ground: Ground, clock: FixedClock) -> None:
    object_to(ground, "jd")
    work(ground)
    hand_over(ground)
    object_to(ground, "weixin")
    work(ground)
    assert "已解决回1A，未解决回2A。" in sent(ground)[-1]
    hand_over(ground)
    assert "没有等待" in str(write(ground, "2B"))
    assert "已请企业重新处理" in str(write(ground, "2a"))
    reopened = [row.applications for row in rows(ground, objection) if row.round]
    assert reopened == ["weixin"]
    assert "感谢" in str(write(ground, "1"))


def test_one_open_objection_a_number_and_one_an_application_in_30_days(
    ground: Ground, partners: Partners, clock: FixedClock
) -> None:
    object_to(ground, "jd")
    with pytest.raises(ObjectionOpen):
        object_to(ground, "weixin", owner=OTHER)
    object_to(ground, "weixin", phone="13900139000")
    work(ground)
    hand_over(ground)
    with pytest.raises(TooSoon) as soon:
        object_to(ground, "jd", "weixin")
    assert soon.value.retry_after == 30 * DAY // 1000
    object_to(ground, "weixin")


def test_ten_a_year(ground: Ground, clock: FixedClock) -> None:
    for application in ("weixin", "qq", "taobao", "alipay", "douyin", "kuaishou", "baidu", "jd", "meituan"):
        object_to(ground, application)
        work(ground)
        hand_over(ground)
    object_to(ground, "toutiao")
    work(ground)
    with pytest.raises(ObjectionsUsedUp):
        object_to(ground, "dianping")


def test_bad_forms(ground: Ground) -> None:
    code = ask_code(ground, service="objection")
    with pytest.raises(ApplicationsMissing):
        object_to(ground, code=code)
    with pytest.raises(ApplicationUnknown):
        object_to(ground, "weixin", "myspace", code=code)
    with pytest.raises(CodeWrong):
        object_to(ground, "weixin", code=wrong(code))
    with pytest.raises(CodeExpired):
        object_to(ground, "weixin", code=code, owner=OTHER)
    first = object_to(ground, "weixin", code=code, idempotency_key="k")
    assert object_to(ground, "weixin", code=code, idempotency_key="k") == first
    with pytest.raises(IdempotencyConflict):
        object_to(ground, "qq", code=code, idempotency_key="k")
    with pytest.raises(CodeExpired):
        object_to(ground, "qq", code=code)


def test_a_code_for_an_inquiry_opens_no_objection(ground: Ground) -> None:
    with pytest.raises(CodeExpired):
        object_to(ground, "weixin", code=ask_code(ground))


def test_a_final_state_is_never_left_and_what_is_wrong_costs_only_itself(
    ground: Ground, partners: Partners, clock: FixedClock
) -> None:
    def play(item: object, asked: object) -> dict[str, str]:
        return {"state": "accepted", "due": "2020-01-01"}

    partners.request_plays["tencent"] = play
    object_to(ground, "weixin", "qq")
    work(ground)
    assert report(ground, "tencent", "refused", "because", "weixin") == 0
    assert report(ground, "tencent", "accepted", application="weixin") == 0
    assert report(ground, "jd", "done") == 0
    assert report(ground, "tencent", "done", application="weixin") == 1
    assert report(ground, "tencent", "none", application="weixin") == 0
    assert report(ground, "tencent", "accepted", application="weixin") == 0
    assert report(ground, "tencent", "yours", application="qq") == 1
    work(ground)
    assert "微信已解绑，QQ是您本人的" in sent(ground)[-1]


def test_a_company_that_leaves_the_catalogue_is_told_as_silent(
    ground: Ground, partners: Partners, clock: FixedClock
) -> None:
    partners.request_plays["jd"] = status(503)
    object_to(ground, "jd", "weixin")
    work(ground)
    agree(ground, "jd", "enabled = false")
    clock.ms = one(ground).due_at
    work(ground)
    assert "京东未答复" in sent(ground)[-1]


def test_a_settlement_that_could_not_be_sent_is_not_shown_as_closed(ground: Ground) -> None:
    object_to(ground, "jd")
    work(ground)
    hand_over(ground, "failed")
    row = one(ground)
    assert (State(row.state), row.closed_at, row.phone) == (State.CLOSED, None, None)
    assert PHONE not in str(row)
