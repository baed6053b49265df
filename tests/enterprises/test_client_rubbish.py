"""Rubbish in answers, over real HTTP: it costs what it must, is noted and logged, and hurts nobody else."""

import gzip
from typing import Any

import pytest
from werkzeug.wrappers import Response

from config.catalogue.schema import Partner
from config.ground import Ground
from enterprises.circuit_breaker import partner_health
from enterprises.protocol import Counts, Pending
from tests.enterprises.server import Server, failure_of, put

GARBAGE = {
    "html": b"<html>",
    "nothing": b"",
    "100,000 deep": b'{"batch":' + b"[" * 100_000,
    "NaN": b'{"batch":"b","items":[{"id":"a","counts":{"weixin":NaN}}]}',
    "another charset": '{"batch":"b","items":[]}'.encode("utf-16"),
    "another batch": b'{"batch":"other","items":[{"id":"a","counts":{"weixin":1}}]}',
    "10 MB": b" " * 10_000_000,
}


@pytest.mark.parametrize("body", GARBAGE.values(), ids=GARBAGE.keys())
def test_garbage_fails_the_call_and_nothing_else(ground: Ground, tencent: Partner, server: Server, body: bytes) -> None:
    server.reply = lambda q: Response(body, content_type="application/json")
    failure = failure_of(ground, tencent)
    assert failure.code in ("answer_invalid", "wrong_batch", "no_answer")
    standing = partner_health(ground, tencent)
    assert (standing.errors, standing.last_error) == (1, failure.code)


WRONG_COUNTS = ["-1", "1.5", "2.0", "true", '"2"', "1000", "1e308", "1e999", "[]", "null", "9" * 4000]


@pytest.mark.parametrize("count", WRONG_COUNTS, ids=lambda count: count[:8])
def test_a_wrong_count_costs_its_item_is_noted_and_logged_and_hurts_nobody_else(
    ground: Ground, tencent: Partner, server: Server, logged: list[dict[str, Any]], count: str
) -> None:
    items = f'[{{"id":"a","counts":{{"weixin":{count}}}}},{{"id":"b","counts":{{"weixin":1}}}}]'
    body = f'{{"batch":"%s","items":{items}}}'
    server.reply = lambda q: Response(body % q["batch"], content_type="application/json")
    assert put(ground, tencent).by_id == {"a": Pending("invalid"), "b": Counts({"weixin": 1})}
    standing = partner_health(ground, tencent)
    assert (standing.errors, standing.last_error, standing.breaker) == (1, "answer_faulty", "closed")
    (line,) = [line for line in logged if line["event"] == "partner_faults"]
    assert line["partner"] == "tencent"
    assert line["first"].startswith("items[0]: ")
    alibaba = ground.catalogues.current().partner("alibaba")
    assert alibaba and partner_health(ground, alibaba).errors == 0


def test_a_gzip_bomb_does_not_go_off(ground: Ground, tencent: Partner, server: Server) -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    server.reply = lambda q: Response(bomb, headers={"Content-Encoding": "gzip"}, content_type="application/json")
    failure = failure_of(ground, tencent)
    assert (failure.code, failure.detail) == ("no_answer", "no answer: too_large")
