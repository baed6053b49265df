"""Pushes that are none: refused at once if nobody signed them, else acknowledged, and never a server error."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from config.times.clock import FixedClock
from tests.conftest import on_sqlite
from tests.wechat.pushing import ACCOUNTS, WeChat
from wechat.webhook.crypto import sign
from wechat.webhook.player import Played


def send_in_50_ms(wechat: WeChat, code: str, played: Played, body: bytes, query: str | None = None) -> TestResponse:
    """Send it three times; what counts is this thread's own work, or a busy machine would be taken for a slow one."""
    times = []
    for _ in range(3):
        started = time.thread_time()
        response = wechat.send(code, played, body, query)
        times.append(time.thread_time() - started)
    assert min(times) < 0.05
    return response


PLAIN_FAULTS: dict[str, bytes] = {
    "no body": b"",
    "doctype": b"<!DOCTYPE xml><xml><MsgType>text</MsgType></xml>",
    "entity bomb": b"<!DOCTYPE x [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;'>]><xml><Content>&b;</Content></xml>",
    "outside entity": b"<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><xml><Content>&a;</Content></xml>",
    "empty xml": b"<xml></xml>",
    "no MsgType": b"<xml><a/></xml>",
    "another root": b"<foo/>",
    "text": b"text",
    "broken": b"<xml><MsgType>",
    "deep": b"<xml>" + b"<a>" * 9_000 + b"</a>" * 9_000 + b"</xml>",
    "gbk": "<xml><Content>查询</Content></xml>".encode("gbk"),
    "nul": b"<xml><Content>\x00</Content></xml>",
    "two MsgTypes": b"<xml><MsgType>text</MsgType><MsgType>event</MsgType></xml>",
    "deep json": b'{"a":' * 10_000,
    "json list": b"[1]",
}


@on_sqlite
@pytest.mark.parametrize("fault", PLAIN_FAULTS)
def test_a_signed_body_that_is_no_push_is_acknowledged_at_once(wechat: WeChat, fault: str) -> None:
    response = send_in_50_ms(wechat, "caict", wechat.play("caict"), PLAIN_FAULTS[fault])
    assert (response.status_code, response.data) == (200, b"success")


def resealed(wechat: WeChat, code: str, encrypted: str) -> tuple[str, bytes]:
    """A sealed push whose ciphertext is this one, rightly signed."""
    seconds, token = str(wechat.ground.clock.now() // 1000), wechat.keys(code).tokens[0]
    signature = sign(token, seconds, "n", encrypted)
    query = f"timestamp={seconds}&nonce=n&encrypt_type=aes&msg_signature={signature}"
    return query, f"<xml><Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>".encode()


@on_sqlite
@pytest.mark.parametrize("encrypted", ["", "!!!", "A", "QUJD", "A" * 20, "A" * 24, "A" * 44, "x" * 64, "=" * 44])
def test_a_signed_ciphertext_that_opens_to_nothing_is_acknowledged_at_once(wechat: WeChat, encrypted: str) -> None:
    query, body = resealed(wechat, "gxwbwx", encrypted)
    response = send_in_50_ms(wechat, "gxwbwx", wechat.play("gxwbwx"), body, query)
    assert (response.status_code, response.data) == (200, b"success")


@on_sqlite
@pytest.mark.parametrize("size", [64 * 1024 + 1, 1024 * 1024])
@pytest.mark.parametrize("code", ["caict", "gxwbwx"])
def test_a_body_over_64_kb_is_refused_at_once(wechat: WeChat, code: str, size: int) -> None:
    response = send_in_50_ms(wechat, code, wechat.play(code), b"<xml>" + b"x" * (size - 5))
    assert (response.status_code, response.data) == (413, b"")


def test_a_wrong_method_tells_the_right_ones(wechat: WeChat) -> None:
    refused = wechat.client().put("/wechat/gxwbwx")
    assert refused.status_code == 405
    assert {"GET", "POST"} <= set(refused.headers["Allow"].split(", "))


def test_the_body_of_an_unsigned_push_is_not_read(wechat: WeChat) -> None:
    played = wechat.play("caict")
    response = wechat.send("caict", played, PLAIN_FAULTS["entity bomb"], "a=1")
    assert (response.status_code, response.data) == (403, b"")


def test_a_push_of_2011_is_refused(wechat: WeChat, clock: FixedClock) -> None:
    played = wechat.play("caict")
    clock.advance(301_000)
    assert wechat.send("caict", played).status_code == 403


MUTATION = st.tuples(st.floats(0, 1), st.integers(0, 40), st.binary(max_size=40))


@on_sqlite
def test_no_mutated_push_makes_a_server_error(wechat: WeChat) -> None:
    played = {(code, form): wechat.play(code, form=form) for code in ACCOUNTS for form in ("xml", "json")}

    @examples(max_examples=2_000, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        st.sampled_from(sorted(played)), st.lists(MUTATION, max_size=4), st.lists(MUTATION, max_size=2), st.booleans()
    )
    def mutate(which: Any, in_body: list[Any], in_query: list[Any], resign: bool) -> None:
        code, push = which[0], played[which]
        body = mutated(push.body, in_body)
        query = mutated(push.query.encode(), in_query).decode("latin-1")
        if resign and code != "caict" and (sealed := re.search(rb"Encrypt\W+([A-Za-z0-9+/=]+)", body)):
            query = resealed(wechat, code, sealed[1].decode())[0]
        response = wechat.send(code, push, body, query)
        assert response.status_code < 500
        assert response.status_code == 200 or response.data == b""

    mutate()


def mutated(original: bytes, mutations: list[tuple[float, int, bytes]]) -> bytes:
    """The bytes with stretches of them replaced."""
    for where, length, instead in mutations:
        at = int(where * len(original))
        original = original[:at] + instead + original[at + length :]
    return original
