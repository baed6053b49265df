"""Partners that answer what they were not asked: another kind's word, another's request, twice, backwards, all at once.

Issue 15, "Bad input" and "Abuse"; the rows about bodies are in tests/enterprises/test_request_protocol.py.
"""

from __future__ import annotations

import pytest

from config.db.engine import begin
from config.ground import Ground
from config.times.clock import FixedClock
from enterprises.protocol import Verdict
from enterprises.request_protocol import Accepted, Finding
from query.inquiry import MINUTE
from query.objections import settling
from query.objections.jobs import OWNERS, record_called_back, record_reports
from query.objections.models import objection
from query.objections.rules.objection import State
from query.objections.rules.texts import compose_settled
from query.requests.models import request
from query.requests.relay import relay
from query.requests.store import RequestState
from tests.query.objections.life import due_partners, follow, hand_over, object_to, one, sent, work, write
from tests.query.partner_stub import OTHER, PHONE, Partners, ask_code, rows, state, status, verdict
from tests.query.race import at_once


def request_to(ground: Ground, partner: str) -> tuple[str, RequestState]:
    (row,) = [row for row in rows(ground, request) if row.partner == partner]
    return row.id.hex(), RequestState(row.state)


@pytest.mark.parametrize("word", ["done", "yours", "none", "match "])
def test_a_carrier_ends_a_check_with_its_own_words_only(ground: Ground, partners: Partners, word: str) -> None:
    partners.plays["china-mobile"] = status(503)
    object_to(ground, "weixin")
    work(ground)
    number, _ = request_to(ground, "china-mobile")
    assert record_reports(ground, "china-mobile", {number: Finding(word, None)}) == 0
    record_reports(ground, "china-mobile", {number: Accepted(None)})
    assert request_to(ground, "china-mobile")[1] is RequestState.DUE  # an accepted check would not be asked again
    assert record_called_back(ground, "china-mobile", {number: Verdict("match", None)}) == 1
    work(ground)
    assert len(partners.requested("dispute")) == 1


@pytest.mark.parametrize("word", ["match", "same", "mismatch"])
def test_a_company_ends_nothing_with_a_carriers_word(ground: Ground, partners: Partners, word: str) -> None:
    """It would have stood for ever: no SMS has words for it."""
    partners.request_plays["tencent"] = state("accepted")
    object_to(ground, "weixin")
    work(ground)
    number, _ = request_to(ground, "tencent")
    assert record_called_back(ground, "tencent", {number: Verdict(word, None)}) == 0
    assert record_reports(ground, "tencent", {number: Finding("done", None)}) == 1
    work(ground)
    assert "微信已解绑" in sent(ground)[-1]


def test_an_unbinding_never_ends_as_yours(ground: Ground, partners: Partners) -> None:
    partners.plays["china-mobile"] = lambda item, asked: {"verdict": "match", "active_since": "2025-03"}
    partners.request_plays["tencent"] = state("accepted")
    object_to(ground, "weixin", wish="unbind")
    work(ground)
    number, _ = request_to(ground, "tencent")
    assert record_reports(ground, "tencent", {number: Finding("yours", None)}) == 0
    assert record_reports(ground, "tencent", {number: Finding("none", None)}) == 1


@pytest.mark.parametrize("stranger", ["jd", "china-mobile", "no-such"])
def test_another_partners_call_ends_nothing(ground: Ground, partners: Partners, stranger: str) -> None:
    partners.request_plays["tencent"] = state("accepted")
    object_to(ground, "weixin")
    work(ground)
    number, _ = request_to(ground, "tencent")
    assert record_reports(ground, stranger, {number: Finding("done", None)}) == 0
    assert record_called_back(ground, stranger, {number: Verdict("match", None)}) == 0
    assert request_to(ground, "tencent")[1] is RequestState.ACCEPTED


def test_of_finals_that_come_at_once_one_counts(ground: Ground, partners: Partners) -> None:
    partners.request_plays["tencent"] = state("accepted")
    object_to(ground, "weixin")
    work(ground)
    hand_over(ground)
    number, _ = request_to(ground, "tencent")
    words = ["done", "none", "yours", "done"]
    ended = at_once(4, lambda place: record_reports(ground, "tencent", {number: Finding(words[place], None)}))
    assert sorted(ended) == [0, 0, 0, 1]
    work(ground)
    assert len(sent(ground)) == 1


def test_a_word_that_was_never_sent_for_ends_nothing(ground: Ground, partners: Partners) -> None:
    """A partner cannot guess an id, and an id whose request was not sent yet counts for nothing."""
    object_to(ground, "weixin")
    follow(ground)
    relay(ground, "china-mobile", OWNERS)
    follow(ground)
    number, before = request_to(ground, "tencent")
    assert before is RequestState.DUE
    if "tencent" in due_partners(ground):
        assert record_reports(ground, "tencent", {number: Finding("done", None)}) == 0


def test_one_that_fails_waits_and_holds_up_nobody(
    ground: Ground, partners: Partners, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    object_to(ground, "weixin")
    object_to(ground, "jd", phone="13900139000", owner=OTHER)

    def breaks(*texts: object, **told: object) -> str:
        if any(name == "微信" for name, _ in told["endings"]):  # type: ignore[attr-defined]
            raise RuntimeError("a text that nobody foresaw")
        return compose_settled(*texts, **told)  # type: ignore[arg-type]

    monkeypatch.setattr(settling, "compose_settled", breaks)
    work(ground)
    assert "京东已解绑" in sent(ground, "13900139000")[-1]
    poison = next(row for row in rows(ground, objection) if row.applications == "weixin")
    assert (State(poison.state), poison.look) == (State.RELAYED, 0)
    monkeypatch.undo()
    clock.advance(11 * MINUTE)
    work(ground)
    assert "微信已解绑" in sent(ground)[-1]


@pytest.mark.parametrize("gone", ["the company", "the application"])
def test_whoever_leaves_the_catalogue_is_told_as_silent(
    ground: Ground, partners: Partners, clock: FixedClock, gone: str
) -> None:
    partners.request_plays["meituan"] = status(503)
    object_to(ground, "weixin", "dianping")
    work(ground)
    document = ground.catalogues.document()
    start = document.index('[[partners]]\ncode = "meituan"')
    end = document.index("[[partners]]", start + 1)
    entry = document[start:end]
    left = "" if gone == "the company" else entry.replace('code = "dianping"', 'code = "another"')
    with begin(ground.engine) as db:
        ground.catalogues.apply(db, document[:start] + left + document[end:], "gone", "test", clock.now())
    ground.catalogues.forget()
    clock.ms = one(ground).due_at
    work(ground)
    assert "微信已解绑，dianping未答复" in sent(ground)[-1]


def test_a_fourth_one_that_waits_for_an_answer_is_told_apart_too(ground: Ground, partners: Partners) -> None:
    for code in ("weixin", "jd", "taobao", "baidu", "kuaishou"):
        object_to(ground, code)
        work(ground)
        last = sent(ground)[-1]
        hand_over(ground)
    assert "已解决回1D，未解决回2D。" in last
    assert "已请企业重新处理" in str(write(ground, "回复２ｄ"))
    assert "已请企业重新处理" in str(write(ground, "没解决C"))
    assert {row.applications for row in rows(ground, objection) if row.round} == {"baidu", "kuaishou"}


def test_a_second_one_is_refused_by_text_as_on_the_page(ground: Ground, partners: Partners) -> None:
    partners.plays["china-mobile"] = verdict("mismatch")
    object_to(ground, "weixin")
    work(ground)
    code = ask_code(ground, PHONE, OTHER, "objection")
    assert len(rows(ground, objection)) == 1
    assert code
    assert write(ground, "不是我") is not None
    assert len(rows(ground, objection)) == 1
