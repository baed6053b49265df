"""The HTTP link alone: what each answer of a gateway means, and what is sent."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest
import responses
from flask import Flask, Response

from config.catalogue.links import Link
from config.db.engine import begin
from config.ground import Ground
from config.net.http_client import HttpResponse
from sms_port.errors import DeliveryInvalid
from sms_port.ledger.receipts import Receipt
from sms_port.links.http.bodies import parse_answer, parse_receipts
from sms_port.links.http.link import HttpLink
from sms_port.links.link import Accepted, Dispatch, InDoubt, NotSent, Rejected, Unknown
from sms_port.links.rate_limit import RateLimiter
from sms_port.models import ReceiptStatus
from sms_port.sending.link_pool import LinkPool
from tests.support.factories import LAUNCH_DAY
from tests.support.servers import serve

URL = "http://127.0.0.1:8001/sms"
ONE, TWO = "0" * 32 + "-1", "f" * 32 + "-2"
BATCH = [Dispatch(name, "10699000", "13800138000", ("您", "好"), LAUNCH_DAY) for name in (ONE, TWO)]


def make_link(ground: Ground, entry: Link) -> HttpLink:
    return HttpLink(ground, entry, RateLimiter(entry.parts_per_second), LinkPool(ground, lambda db, outcomes: None))


@pytest.fixture
def link(ground: Ground) -> HttpLink:
    return make_link(ground, ground.catalogues.current().links[0])


@pytest.fixture
def gateway() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as gateway:
        yield gateway


def said(*items: object) -> dict[str, Any]:
    return {"messages": list(items)}


def test_a_batch_is_one_signed_call(link: HttpLink, gateway: responses.RequestsMock) -> None:
    gateway.post(f"{URL}/messages", json=said({"id": ONE, "status": "accepted"}, {"id": TWO, "status": "accepted"}))
    assert link.send(BATCH) == {ONE: Accepted(), TWO: Accepted()}
    request = gateway.calls[0].request
    assert 'tag="onecert"' in request.headers["Signature-Input"]
    assert 'keyid="onecert-main"' in request.headers["Signature-Input"]
    assert json.loads(request.body or b"")["messages"][0] == {
        "id": ONE,
        "from": "10699000",
        "to": "13800138000",
        "parts": ["您", "好"],
        "valid_until": "2026-11-22T06:05:00Z",
    }


def test_each_message_has_its_own_ending(link: HttpLink, gateway: responses.RequestsMock) -> None:
    no = {"id": TWO, "status": "rejected", "code": "barred", "permanent": True}
    gateway.post(f"{URL}/messages", json=said({"id": ONE, "status": "accepted"}, no))
    assert link.send(BATCH) == {ONE: Accepted(), TWO: Rejected("barred", True)}


@pytest.mark.parametrize(
    ("status", "result"),
    [
        (400, NotSent("http_400")),
        (401, NotSent("http_401")),
        (413, NotSent("http_413")),
        (429, NotSent("http_429")),
        (302, Unknown("http_302")),
        (408, Unknown("http_408")),
        (202, Unknown("http_202")),
        (500, Unknown("http_500")),
        (503, Unknown("http_503")),
    ],
)
def test_only_a_refusal_of_the_whole_call_is_certain(
    link: HttpLink, gateway: responses.RequestsMock, status: int, result: object
) -> None:
    gateway.post(f"{URL}/messages", json=said({"id": ONE, "status": "accepted"}), status=status)
    assert set(link.send(BATCH).values()) == {result}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"messages": 7}',
        b'{"messages": [7, null, {}]}',
        b"\xff\xfe",
        b"[" * 100_000,
        json.dumps(said({"id": "somebody else's", "status": "accepted"})).encode(),
        json.dumps(said({"id": ONE, "status": "ACCEPTED"}, {"id": TWO, "status": "unknown"})).encode(),
        json.dumps(said({"id": ONE, "status": "rejected", "code": "x"})).encode(),
        json.dumps(said({"id": ONE, "status": "rejected", "code": "13800138000", "permanent": True})).encode(),
    ],
)
def test_an_answer_that_says_nothing_leaves_everything_unknown(
    link: HttpLink, gateway: responses.RequestsMock, body: bytes
) -> None:
    gateway.post(f"{URL}/messages", body=body)
    assert set(link.send(BATCH).values()) == {Unknown("left_out")}


def test_a_bomb_of_an_answer_is_not_read_and_leaves_everything_unknown(ground: Ground) -> None:
    app = Flask("bomb")
    bomb = gzip.compress(b" " * 20_000_000)
    app.post("/messages")(lambda: Response(bomb, headers={"Content-Encoding": "gzip"}))
    with serve(app) as url:
        entry = ground.catalogues.current().links[0].model_copy(update={"url": url})
        assert set(make_link(ground, entry).send(BATCH).values()) == {Unknown("too_large")}


def test_nobody_listening_is_certainly_not_sent(ground: Ground) -> None:
    entry = ground.catalogues.current().links[0].model_copy(update={"url": "http://127.0.0.1:9/sms"})
    assert set(make_link(ground, entry).send(BATCH).values()) == {NotSent("refused")}


def test_without_a_key_nothing_is_sent(ground: Ground, link: HttpLink) -> None:
    with begin(ground.engine) as db:
        ground.secrets.remove(db, "main.key")
    ground.secrets.forget()
    assert set(link.send(BATCH).values()) == {NotSent("secret_missing")}


def test_the_gateway_tells_what_it_knows_and_what_it_never_saw(link: HttpLink, gateway: responses.RequestsMock) -> None:
    gateway.post(
        f"{URL}/messages/query", json=said({"id": ONE, "status": "accepted"}, {"id": TWO, "status": "unknown"})
    )
    assert link.ask([InDoubt(name, "13800138000", LAUNCH_DAY) for name in (ONE, TWO)]) == {
        ONE: Accepted(),
        TWO: NotSent("never_seen"),
    }
    assert json.loads(gateway.calls[0].request.body or b"") == {"ids": [ONE, TWO]}


@pytest.mark.parametrize("status", [400, 404, 429, 500])
def test_a_gateway_that_does_not_answer_a_query_tells_nothing(
    link: HttpLink, gateway: responses.RequestsMock, status: int
) -> None:
    gateway.post(f"{URL}/messages/query", json=said({"id": ONE, "status": "unknown"}), status=status)
    assert link.ask([InDoubt(ONE, "13800138000", LAUNCH_DAY)]) == {}


def test_an_answer_of_an_error_status_is_never_believed() -> None:
    body = json.dumps(said({"id": ONE, "status": "accepted"})).encode()
    assert parse_answer(HttpResponse(500, {}, body), [ONE]) == {}


GOOD = {"id": ONE, "part": 1, "status": "delivered", "code": "DELIVRD", "done_at": "2026-11-22T14:05:00+08:00"}


def test_receipts_are_read() -> None:
    body = json.dumps({"receipts": [GOOD]}).encode()
    assert parse_receipts(body, "main") == [Receipt("main", ONE, 1, ReceiptStatus.DELIVERED, "DELIVRD", LAUNCH_DAY)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": "x" * 65},
        {"id": "汉"},
        {"id": 7},
        {"part": 0},
        {"part": 256},
        {"part": True},
        {"part": "1"},
        {"status": "DELIVERED"},
        {"code": "13800138000"},
        {"code": ""},
        {"done_at": "2026-11-22T14:05:00"},
        {"done_at": "yesterday"},
        {"done_at": None},
    ],
)
def test_a_receipt_that_is_not_the_protocols_costs_its_neighbours_nothing(wrong: dict[str, object]) -> None:
    receipts = parse_receipts(json.dumps({"receipts": [GOOD | wrong, GOOD, 7, None]}).encode(), "main")
    assert [(receipt.reference, receipt.status) for receipt in receipts] == [(ONE, ReceiptStatus.DELIVERED)]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"receipts": {}}', b"\xff", b"[" * 100_000])
def test_bodies_that_are_no_receipts_are_refused(body: bytes) -> None:
    with pytest.raises(DeliveryInvalid):
        parse_receipts(body, "main")


def test_a_flood_in_one_call_is_refused() -> None:
    with pytest.raises(DeliveryInvalid):
        parse_receipts(json.dumps({"receipts": [GOOD] * 1_001}).encode(), "main")
