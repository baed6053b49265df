"""The lookup protocol's texts: what we ask, and how little of what comes back is believed."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enterprises.errors import AnswerInvalid, QuestionInvalid
from enterprises.protocol import (
    FIELDS,
    Answer,
    Counts,
    Item,
    Parsed,
    Pending,
    Refused,
    Verdict,
    build_request,
    parse_answer,
    parse_later,
    parse_retry_after,
)

NOW = 1_795_327_500_000
BATCH = "0b1e6f2e-5d0c-4d5e-9a57-0f6f6ad9b0a1"
ASKED = ("a", "b", "c")
TENCENT = frozenset({"weixin", "qq"})
FULL = Item("a", phone="13800138000", id_tail="12345X", name="张三", id_number="11010519491231002X", since="2026-11")


def answer(items: Any, batch: Any = BATCH, **more: Any) -> bytes:
    return json.dumps({"batch": batch, "items": items, **more}).encode()


def counts(body: bytes, asked: tuple[str, ...] = ASKED) -> Parsed:
    return parse_answer(body, batch=BATCH, asked=asked, kind="count", applications=TENCENT)


def identity(body: bytes) -> Parsed:
    return parse_answer(body, batch=BATCH, asked=ASKED, kind="identity", applications=frozenset())


def one(item: dict[str, Any], kind: str = "count") -> Answer:
    body = answer([{"id": "a", **item}])
    return parse_answer(body, batch=BATCH, asked=["a"], kind=kind, applications=TENCENT).answers["a"]


# --- what we ask -----------------------------------------------------------------------------------------------------


def test_a_count_question_is_exactly_these_bytes() -> None:
    body = build_request(BATCH, "count", "internet-accounts", NOW, [Item("a", phone="13800138000")])
    assert body == (
        b'{"batch":"0b1e6f2e-5d0c-4d5e-9a57-0f6f6ad9b0a1","kind":"count","service":"internet-accounts",'
        b'"answer_by":"2026-11-22T06:05:00Z","items":[{"id":"a","phone":"13800138000"}]}'
    )


@pytest.mark.parametrize(("question", "fields"), FIELDS.items(), ids=["-".join(question) for question in FIELDS])
def test_each_question_carries_its_fields_and_nothing_else(question: tuple[str, str], fields: tuple[str, ...]) -> None:
    kind, service = question
    item = json.loads(build_request(BATCH, kind, service, NOW, [FULL]))["items"][0]
    assert set(item) == {"id", *fields}


def test_an_enterprise_never_sees_an_id_digit_or_a_name() -> None:
    body = build_request(BATCH, "count", "internet-accounts", NOW, [FULL]).decode()
    assert "12345X" not in body
    assert "11010519491231002X" not in body
    assert "张三" not in body


def test_a_question_without_a_field_it_needs_is_not_built() -> None:
    with pytest.raises(QuestionInvalid, match="no id_tail"):
        build_request(BATCH, "identity", "internet-accounts", NOW, [Item("a", phone="13800138000")])


@pytest.mark.parametrize("question", [("count", "horoscopes"), ("gossip", "phone-cards"), ("", "")])
def test_a_question_the_protocol_does_not_have_is_not_built(question: tuple[str, str]) -> None:
    with pytest.raises(QuestionInvalid):
        build_request(BATCH, *question, NOW, [FULL])


def test_an_item_and_its_counts_print_without_personal_data() -> None:
    printed = repr(FULL) + repr(Counts({"weixin": 7}))
    assert "138" not in printed
    assert "张三" not in printed
    assert "1101" not in printed
    assert "7" not in printed


# --- good answers ----------------------------------------------------------------------------------------------------


def test_counts_are_read() -> None:
    parsed = counts(answer([{"id": "a", "counts": {"weixin": 2, "qq": 0}}]), asked=("a",))
    assert parsed == Parsed({"a": Counts({"weixin": 2, "qq": 0})}, [])


@pytest.mark.parametrize("verdict", ["match", "mismatch", "inactive", "not_ours"])
def test_verdicts_are_read(verdict: str) -> None:
    assert one({"verdict": verdict}, kind="identity") == Verdict(verdict)


def test_the_item_errors_are_values() -> None:
    parsed = counts(answer([{"id": "a", "error": "retry"}, {"id": "b", "error": "refused"}]))
    assert parsed.answers == {"a": Pending("retry"), "b": Refused(), "c": Pending("missing")}
    assert not any(isinstance(found, Pending) and found.later for found in parsed.answers.values())


def test_the_order_of_the_items_does_not_matter() -> None:
    items = [{"id": name, "counts": {"weixin": place}} for place, name in enumerate(ASKED)]
    assert counts(answer(items)).answers == counts(answer(items[::-1])).answers


def test_the_ends_of_the_range_are_counts() -> None:
    assert one({"counts": {"weixin": 0, "qq": 999}}) == Counts({"weixin": 0, "qq": 999})


def test_an_application_left_out_stays_left_out() -> None:
    assert one({"counts": {"qq": 1}}) == Counts({"qq": 1})


def test_fields_and_applications_we_do_not_know_are_let_pass() -> None:
    item = {"counts": {"weixin": 1, "wecom": -5}, "before": {"weixin": 1}, "note": [1e308], "error": None}
    assert one(item) == Counts({"weixin": 1}, {"weixin": 1})
    assert counts(answer([], took_ms=12.5), asked=()) == Parsed({}, [])


def test_carriers_answer_phone_cards_under_their_own_code() -> None:
    body = answer([{"id": "a", "counts": {"china-mobile": 2}}])
    parsed = parse_answer(body, batch=BATCH, asked=["a"], kind="count", applications={"china-mobile"})
    assert parsed.answers == {"a": Counts({"china-mobile": 2})}


# --- bad items cost themselves ---------------------------------------------------------------------------------------

NO_COUNTS: dict[str, Any] = {
    "negative": -1,
    "a thousand": 1000,
    "huge": 10**30,
    "fraction": 1.5,
    "whole fraction": 1.0,
    "1e308": 1e308,
    "true": True,
    "false": False,
    "string": "2",
    "null": None,
    "list": [2],
    "object": {"n": 2},
}


@pytest.mark.parametrize("count", NO_COUNTS.values(), ids=NO_COUNTS.keys())
def test_only_integers_from_0_to_999_are_counts(count: Any) -> None:
    parsed = counts(answer([{"id": "a", "counts": {"qq": 1, "weixin": count}}, {"id": "b", "counts": {"qq": 1}}]))
    assert parsed.answers["a"] == Pending("invalid")
    assert parsed.answers["b"] == Counts({"qq": 1})
    assert parsed.faults[0] == "items[0]: its count of weixin is not an integer from 0 to 999"


def test_a_number_too_large_for_a_float_is_no_count() -> None:
    body = answer([]).replace(b"[]", b'[{"id":"a","counts":{"weixin":1e999}}]')
    assert counts(body).answers["a"] == Pending("invalid")


NO_ANSWERS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "counts that are a list": {"counts": [1, 2]},
    "counts of nothing": {"counts": {}},
    "counts of strangers only": {"counts": {"wecom": 1}},
    "a verdict instead of counts": {"verdict": "match"},
    "an error of its own": {"error": "not_found"},
    "an error that is no string": {"error": {"code": "retry"}},
    "an answer and an error": {"counts": {"qq": 1}, "error": "retry"},
}


@pytest.mark.parametrize("item", NO_ANSWERS.values(), ids=NO_ANSWERS.keys())
def test_an_item_that_answers_nothing_is_asked_again(item: dict[str, Any]) -> None:
    assert one(item) == Pending("invalid")


@pytest.mark.parametrize("verdict", ["MATCH", "yes", "", None, True, 1, ["match"], {"match": 1}])
def test_only_the_four_verdicts_are_verdicts(verdict: Any) -> None:
    assert one({"verdict": verdict}, kind="identity") == Pending("invalid")


def test_counts_do_not_answer_an_identity_question() -> None:
    parsed = identity(answer([{"id": "a", "counts": {"weixin": 1}}]))
    assert parsed.answers["a"] == Pending("invalid")


@pytest.mark.parametrize("stranger", ["z", "A", "", 1, None, True, ["a"], {"a": 1}])
def test_an_id_that_was_not_asked_changes_nothing_and_is_a_fault(stranger: Any) -> None:
    parsed = counts(answer([{"id": stranger, "counts": {"weixin": 9}}]))
    assert parsed.answers == dict.fromkeys(ASKED, Pending("missing"))
    assert parsed.faults == ["items[0]: its id was not asked", "3 of 3 items are not answered"]


@pytest.mark.parametrize("item", [None, 1, "a", ["a"], True])
def test_an_item_that_is_no_object_changes_nothing_and_is_a_fault(item: Any) -> None:
    assert counts(answer([item])).faults[0] == "items[0]: it is not an object"


def test_the_first_valid_answer_wins_and_the_second_is_a_fault() -> None:
    items = [{"id": "a", "counts": {"qq": 1}}, {"id": "a", "counts": {"qq": 2}}, {"id": "a", "counts": {"qq": -1}}]
    parsed = counts(answer(items), asked=("a",))
    assert parsed.answers == {"a": Counts({"qq": 1})}
    assert [fault.split(":")[0] for fault in parsed.faults] == ["items[1]", "items[2]"]


def test_an_invalid_answer_does_not_block_the_valid_one_behind_it() -> None:
    parsed = counts(answer([{"id": "a", "counts": {"qq": -1}}, {"id": "a", "counts": {"qq": 2}}]), asked=("a",))
    assert parsed.answers == {"a": Counts({"qq": 2})}
    assert len(parsed.faults) == 1


def test_a_fault_never_quotes_what_the_partner_sent() -> None:
    hostile = "13800138000"
    items = [{"id": hostile}, {"id": "a", "error": hostile}, {"id": "b", "counts": {hostile: hostile, "qq": hostile}}]
    parsed = counts(answer(items))
    assert len(parsed.faults) == 4
    assert hostile not in "".join(parsed.faults)


# --- bad answers cost the whole --------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [None, "", "other", 7, BATCH.upper(), [BATCH]])
def test_an_answer_to_another_batch_is_refused_as_a_whole(batch: Any) -> None:
    with pytest.raises(AnswerInvalid) as refusal:
        counts(answer([{"id": "a", "counts": {"weixin": 1}}], batch=batch))
    assert refusal.value.code == "wrong_batch"


@pytest.mark.parametrize("items", [None, {}, "items", 3, {"a": {"weixin": 1}}])
def test_an_answer_without_a_list_of_items_is_refused_as_a_whole(items: Any) -> None:
    with pytest.raises(AnswerInvalid) as refusal:
        counts(answer(items))
    assert refusal.value.code == "answer_invalid"


def test_one_duplicate_key_refuses_the_whole_answer() -> None:
    body = answer([]).replace(b"[]", b'[{"id":"a","counts":{"weixin":1,"weixin":9}}]')
    with pytest.raises(AnswerInvalid):
        counts(body)


def test_a_202_must_acknowledge_our_batch() -> None:
    parse_later(json.dumps({"batch": BATCH}).encode(), batch=BATCH)
    with pytest.raises(AnswerInvalid):
        parse_later(b'{"batch":"other"}', batch=BATCH)
    with pytest.raises(AnswerInvalid):
        parse_later(b"", batch=BATCH)


# --- Retry-After -----------------------------------------------------------------------------------------------------

WAITS = {
    None: None,
    "": None,
    "soon": None,
    "-5": None,
    "1.5": None,
    "٣": None,
    "0": 1,
    "30": 30,
    "999999999": 86_400,
    "9999999999": None,
    "Sun, 22 Nov 2026 06:07:00 GMT": 120,
    "Sun, 22 Nov 2026 06:07:00 -0000": 120,
    "Sun, 22 Nov 2020 06:07:00 GMT": 1,
    "Fri, 31 Dec 9999 23:59:59 GMT": 86_400,
}


@pytest.mark.parametrize(("value", "seconds"), WAITS.items())
def test_retry_after_is_read_as_seconds_within_a_day(value: str | None, seconds: int | None) -> None:
    assert parse_retry_after(value, NOW) == seconds


@given(st.text(max_size=60) | st.from_regex(r"[A-Z][a-z]{2}, \d+ Nov \d+ \d+:\d+:\d+ [+-]\d+", fullmatch=True))
def test_no_retry_after_breaks_us(value: str) -> None:
    seconds = parse_retry_after(value, NOW)
    assert seconds is None or 1 <= seconds <= 86_400


def test_a_thousand_strangers_are_read_in_linear_time() -> None:
    body = answer([{"id": f"z{n}", "counts": {"weixin": 1}} for n in range(20_000)])
    started = time.thread_time()
    assert len(counts(body).faults) == 20_001
    assert time.thread_time() - started < 2
