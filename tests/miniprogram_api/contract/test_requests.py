"""Bodies of requests: strict JSON in one of our shapes, and refusals that name the member but never its value."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask import Flask, request

from miniprogram_api.contract.requests import parse_body, read_idempotency_key, read_token
from miniprogram_api.contract.schemas import (
    CODE_REQUEST,
    INQUIRY_REQUEST,
    SESSION_REQUEST,
    AppletEntry,
    TicketEntry,
    WebEntry,
)
from miniprogram_api.errors import BodyInvalid
from query.access.errors import SessionInvalid
from query.errors import ServiceUnknown

INQUIRY = {
    "service": "internet-accounts",
    "phone": "13800138000",
    "id_tail": "12345X",
    "code": "482913",
    "consent": True,
}
CARDS = {"service": "phone-cards", "phone": "13800138000", "name": "张三", "id_number": "1" * 18, "code": "1"}


def refused_field(body: Any, shape: Any = INQUIRY_REQUEST) -> str:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(BodyInvalid) as caught:
        parse_body(raw, shape)
    return str(caught.value.extra["field"])


def test_each_inquiry_is_read_in_its_own_shape() -> None:
    assert parse_body(json.dumps(INQUIRY).encode(), INQUIRY_REQUEST).service == "internet-accounts"
    assert parse_body(json.dumps(CARDS).encode(), INQUIRY_REQUEST).service == "phone-cards"


@pytest.mark.parametrize(
    ("body", "shape"),
    [
        ({"entrance": "web"}, WebEntry),
        ({"entrance": "gxwbwx", "ticket": "t"}, TicketEntry),
        ({"entrance": "wechat-applet", "code": "c"}, AppletEntry),
    ],
)
def test_each_entrance_is_read_in_its_own_shape(body: dict[str, str], shape: type) -> None:
    assert isinstance(parse_body(json.dumps(body).encode(), SESSION_REQUEST), shape)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b"7",
        b"{'a':1}",
        b'{"phone":NaN}',
        b'{"phone":1,}',
        b"\xff\xfe{}",
        b"[" * 8000,
        b'{"a":' * 1600,
        b'{"phone":' + b"9" * 5000 + b"}",
        b'{"service":"phone-cards","service":"phone-cards"}',
    ],
)
def test_what_is_not_one_json_object_with_each_member_once_is_refused(raw: bytes) -> None:
    assert refused_field(raw) == ""


def test_a_member_too_many_too_few_or_of_the_wrong_type_is_named() -> None:
    assert refused_field(INQUIRY | {"count": 3}) == "count"
    assert refused_field({name: value for name, value in INQUIRY.items() if name != "code"}) == "code"
    assert refused_field(INQUIRY | {"phone": 13800138000}) == "phone"
    assert refused_field(INQUIRY | {"consent": "true"}) == "consent"
    assert refused_field(INQUIRY | {"phone": "1" * 513}) == "phone"
    assert refused_field({"service": 7, "phone": "1"}, CODE_REQUEST) == "service"
    assert refused_field({"entrance": "web", "ticket": "t", "code": "c"}, SESSION_REQUEST) == "code"
    assert refused_field({}) == "service"


def test_half_a_surrogate_pair_is_refused_and_not_a_fault_of_ours() -> None:
    assert refused_field(b'{"service":"phone-cards","phone":"\\ud800"}', CODE_REQUEST) == "phone"


def test_a_service_that_does_not_exist_is_said_to_be_unknown() -> None:
    attempts: list[tuple[Any, Any]] = [
        ({"service": "landlines", "phone": "1"}, CODE_REQUEST),
        (INQUIRY | {"service": "x"}, INQUIRY_REQUEST),
    ]
    for body, shape in attempts:
        with pytest.raises(ServiceUnknown):
            parse_body(json.dumps(body).encode(), shape)


def test_a_refusal_repeats_nothing_that_was_sent() -> None:
    secret = "13912345678"
    for body in (INQUIRY | {secret: 1}, INQUIRY | {"phone": [secret]}, INQUIRY | {"code": {"a": secret}}):
        with pytest.raises(BodyInvalid) as caught:
            parse_body(json.dumps(body).encode(), INQUIRY_REQUEST)
        assert secret not in f"{caught.value.detail} {caught.value.extra} {caught.value!r}"
        assert caught.value.__cause__ is None and caught.value.__context__ is None


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic YTpi", "Bearer a b", "Bearer a=b", "Bearer " + "a" * 2049]
)
def test_no_bearer_token_is_no_session(header: str) -> None:
    with Flask(__name__).test_request_context(headers={"Authorization": header}), pytest.raises(SessionInvalid):
        read_token(request)


def test_the_word_bearer_is_read_in_any_case() -> None:
    for word in ("Bearer", "bearer", "BEARER"):
        with Flask(__name__).test_request_context(headers={"Authorization": f"{word} abc-_9"}):
            assert read_token(request) == "abc-_9"


def test_an_idempotency_key_is_optional_and_visible_ascii() -> None:
    for key in (None, "a", "~" * 255):
        headers = {} if key is None else {"Idempotency-Key": key}
        with Flask(__name__).test_request_context(headers=headers):
            assert read_idempotency_key(request) == key


@pytest.mark.parametrize("key", ["", "a" * 256, "a b", "é", "\x7f"])
def test_any_other_idempotency_key_is_refused(key: str) -> None:
    with Flask(__name__).test_request_context(headers={"Idempotency-Key": key}), pytest.raises(BodyInvalid) as caught:
        read_idempotency_key(request)
    assert caught.value.extra["field"] == "Idempotency-Key"
