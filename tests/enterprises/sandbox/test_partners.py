"""The sandbox plays every partner as the protocol demands, and as badly as it is told to."""

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

import enterprises.sandbox.partners
from config.catalogue.schema import Partner
from config.crypto.http_signatures import sign
from enterprises.client import ask
from enterprises.errors import EnterpriseError
from enterprises.protocol import Answer, Counts, Item, Pending, Verdict, build_request
from enterprises.sandbox.partners import INACTIVE_PHONE, count_of
from enterprises.sandbox.received import Question, Received
from tests.enterprises.server import Sandbox, hurried, patient

PHONE = "13912345678"
ID_NUMBER = "11010519491231002X"
pytestmark = pytest.mark.usefixtures("logged")


def answer_of(
    sandbox: Sandbox,
    code: str,
    kind: str = "count",
    service: str = "internet-accounts",
    *,
    given: Callable[[Partner], Partner] = patient,
    **fields: str,
) -> Answer:
    known = {"phone": PHONE, "id_tail": "12345X", "name": "张三", "id_number": ID_NUMBER, **fields}
    answer_by = sandbox.ground.clock.now() + 60_000
    return ask(sandbox.ground, given(sandbox.partner(code)), kind, service, [Item("a", **known)], answer_by).by_id["a"]


def received(sandbox: Sandbox, code: str) -> Any:
    return requests.get(f"{sandbox.url}/partners/{code}/received", timeout=60).json()


def test_every_enterprise_counts_every_application_by_the_fixed_function(sandbox: Sandbox) -> None:
    for enterprise in sandbox.ground.catalogues.current().enterprises():
        codes = [application.code for application in enterprise.applications]
        assert answer_of(sandbox, enterprise.code) == Counts({code: count_of(code, PHONE) for code in codes})


def test_the_fixed_function_is_fixed() -> None:
    # Checkers recompute it: SHA-256 of "application:phone", first byte modulo 4.
    assert [count_of("weixin", phone) for phone in ("13800138000", "13912345678", "13800000009")] == [2, 1, 1]
    assert {count_of("qq", f"138{n:08}") for n in range(100)} == {0, 1, 2, 3}


def test_carriers_know_whose_number_it_is(sandbox: Sandbox) -> None:
    assert answer_of(sandbox, "china-mobile", "identity") == Verdict("match")
    assert answer_of(sandbox, "china-mobile", "identity", id_tail="000000") == Verdict("mismatch")
    assert answer_of(sandbox, "china-mobile", "identity", phone=INACTIVE_PHONE) == Verdict("inactive")


def test_carriers_answer_for_phone_cards(sandbox: Sandbox) -> None:
    assert answer_of(sandbox, "china-unicom", "identity", "phone-cards") == Verdict("match")
    mismatch = answer_of(sandbox, "china-unicom", "identity", "phone-cards", id_number="110105194912000000")
    assert mismatch == Verdict("mismatch")
    counts = {"china-unicom": count_of("china-unicom", ID_NUMBER)}
    assert answer_of(sandbox, "china-unicom", "count", "phone-cards") == Counts(counts)


@pytest.mark.parametrize("mode", ["mismatch", "inactive", "not_ours"])
def test_a_carrier_gives_the_verdict_it_is_set_to(sandbox: Sandbox, mode: str) -> None:
    sandbox.behaviour.set("china-mobile", mode)
    assert answer_of(sandbox, "china-mobile", "identity") == Verdict(mode)
    assert answer_of(sandbox, "china-telecom", "identity") == Verdict("match")


@pytest.mark.parametrize(("mode", "reason"), [("retry", "retry"), ("callback", "later")])
def test_a_partner_asks_for_patience(sandbox: Sandbox, mode: str, reason: Any) -> None:
    sandbox.behaviour.set("tencent", mode, 60)
    assert answer_of(sandbox, "tencent") == Pending(reason)


@pytest.mark.parametrize(
    ("mode", "code"),
    [("500", "bad_status"), ("garbage", "answer_invalid"), ("429", "slow_down"), ("silent", "no_answer")],
)
def test_a_broken_partner_breaks_nobody_else(sandbox: Sandbox, mode: str, code: str) -> None:
    sandbox.behaviour.set("tencent", mode, 7)
    with pytest.raises(EnterpriseError) as failure:
        answer_of(sandbox, "tencent", given=hurried if mode == "silent" else patient)
    assert failure.value.code == code
    assert failure.value.retry_after_s == (7 if mode == "429" else None)
    assert isinstance(answer_of(sandbox, "alibaba"), Counts)
    sandbox.behaviour.set("tencent", "ok")
    assert isinstance(answer_of(sandbox, "tencent"), Counts)


def test_a_slow_partner_answers_in_the_end(sandbox: Sandbox) -> None:
    sandbox.behaviour.set("tencent", "slow", 0.3)
    started = time.monotonic()
    assert isinstance(answer_of(sandbox, "tencent"), Counts)
    assert time.monotonic() - started > 0.3


def test_a_silent_partner_lets_go_when_the_play_is_over(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    held, hold = threading.Event(), enterprises.sandbox.partners._hold
    monkeypatch.setattr(enterprises.sandbox.partners, "_hold", lambda *words: held.set() or hold(*words))
    sandbox.behaviour.set("tencent", "silent")
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(post, sandbox, "tencent", *signed(sandbox, "tencent"))
        assert held.wait(60)
        assert not waiting.done()
        sandbox.behaviour.set("tencent", "ok")
        assert waiting.result().status_code == 503


# --- signatures ------------------------------------------------------------------------------------------------------


def signed(
    sandbox: Sandbox, code: str, *, body: bytes | None = None, key_of: str | None = None, shift_ms: int = 0
) -> tuple[bytes, dict[str, str]]:
    """A body and the headers that sign it for a partner, or with another partner's key, or at another time."""
    ground, partner = sandbox.ground, sandbox.partner(code)
    items = [Item("a", phone=PHONE)]
    body = body or build_request("batch-of-a-test", "count", "internet-accounts", 0, items)
    headers = sign(
        "POST",
        f"{sandbox.url}/partners/{code}/v1/lookups",
        body,
        content_type="application/json",
        key_id=partner.key_id,
        secret=ground.secrets.get(f"{key_of or code}.key"),
        now=ground.clock.now() + shift_ms,
    )
    return body, headers


def post(sandbox: Sandbox, code: str, body: bytes, headers: dict[str, str]) -> requests.Response:
    return requests.post(f"{sandbox.url}/partners/{code}/v1/lookups", data=body, headers=headers, timeout=60)


def test_a_request_is_accepted_once(sandbox: Sandbox) -> None:
    body, headers = signed(sandbox, "tencent")
    assert [post(sandbox, "tencent", body, headers).status_code for _ in range(3)] == [200, 401, 401]
    assert len(received(sandbox, "tencent")) == 1


def test_old_early_and_foreign_signatures_are_refused(sandbox: Sandbox) -> None:
    refused = [
        signed(sandbox, "tencent", shift_ms=-301_000),
        signed(sandbox, "tencent", shift_ms=301_000),
        signed(sandbox, "tencent", key_of="alibaba"),
        (signed(sandbox, "tencent")[0] + b" ", signed(sandbox, "tencent")[1]),
        (signed(sandbox, "tencent")[0], {"Content-Type": "application/json"}),
    ]
    assert {post(sandbox, "tencent", *request).status_code for request in refused} == {401}
    assert post(sandbox, "alibaba", *signed(sandbox, "tencent")).status_code == 401
    assert received(sandbox, "tencent") == []


def test_a_question_of_another_shape_is_refused(sandbox: Sandbox) -> None:
    shapes: list[dict[str, Any]] = [
        {"kind": "gossip", "service": "internet-accounts", "items": [{"id": "a", "phone": PHONE}]},
        {"kind": "count", "service": "internet-accounts", "items": []},
        {"kind": "count", "service": "internet-accounts", "items": [{"id": "a"}]},
        {"kind": "count", "service": "internet-accounts", "items": [{"id": "a", "phone": PHONE, "id_tail": "12345X"}]},
        {"kind": "count", "service": "internet-accounts", "items": [{"id": 1, "phone": PHONE}]},
        {"kind": ["count"], "service": {}, "items": [1]},
    ]
    for shape in shapes:
        request = signed(sandbox, "tencent", body=json.dumps({"batch": "b", **shape}).encode())
        assert post(sandbox, "tencent", *request).status_code == 400
    assert received(sandbox, "tencent") == []


def test_an_unknown_partner_is_not_found(sandbox: Sandbox) -> None:
    assert requests.post(f"{sandbox.url}/partners/nobody/v1/lookups", timeout=60).status_code == 404


# --- what it remembers -----------------------------------------------------------------------------------------------


def test_it_tells_what_it_received_without_any_personal_data(sandbox: Sandbox) -> None:
    answer_of(sandbox, "china-mobile", "identity")
    answer_of(sandbox, "china-mobile", "count", "phone-cards")
    listed = received(sandbox, "china-mobile")
    assert listed == [
        {"at": "2026-11-22T06:05:00Z", "kind": "identity", "service": "internet-accounts", "ids": ["a"]},
        {"at": "2026-11-22T06:05:00Z", "kind": "count", "service": "phone-cards", "ids": ["a"]},
    ]
    assert received(sandbox, "tencent") == []


def test_what_a_broken_partner_received_is_remembered_too(sandbox: Sandbox) -> None:
    sandbox.behaviour.set("tencent", "500")
    with pytest.raises(EnterpriseError):
        answer_of(sandbox, "tencent")
    assert len(received(sandbox, "tencent")) == 1


def test_its_memory_is_bounded() -> None:
    memory = Received()
    for call in range(100):
        items = [{"id": f"{call}.{place}"} for place in range(500)]
        memory.note("tencent", Question("b", "count", "internet-accounts", items), 0)
    kept = memory.listing("tencent")
    assert sum(len(call["ids"]) for call in kept) == 20_000
    assert kept[-1]["ids"][0] == "99.0"
