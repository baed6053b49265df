"""Headers, sessions, bodies and refusals, alike for every call of the API."""

from __future__ import annotations

import json

import pytest
from werkzeug.test import TestResponse

from miniprogram_api.contract.requests import LARGEST_BODY
from tests.miniprogram_api.citizens import PHONE, Citizen, messages_owed, problem


def test_every_answer_is_kept_nowhere_and_taken_for_nothing_else(citizen: Citizen) -> None:
    answers = [
        citizen.call("GET", "/services"),
        citizen.ask_for_code(),
        citizen.ask_for_code(),
        citizen.call("GET", "/nothing"),
        citizen.call("DELETE", "/services"),
        citizen.call("GET", "/docs"),
        citizen.call("GET", "/openapi.json"),
        citizen.call("POST", "/inquiries", b"{", token=""),
    ]
    assert {answer.headers["Cache-Control"] for answer in answers} == {"no-store"}
    assert {answer.headers["X-Content-Type-Options"] for answer in answers} == {"nosniff"}
    assert not any("Access-Control-Allow-Origin" in answer.headers for answer in answers)


def test_a_strange_address_and_a_strange_method_are_problems_too(citizen: Citizen) -> None:
    problem(citizen.call("GET", "/nothing"), 404, "not_found")
    refused = citizen.call("DELETE", "/inquiries")
    problem(refused, 405, "method_not_allowed")
    assert "POST" in refused.headers["Allow"]


def test_no_session_is_401_before_anything_else_is_looked_at(citizen: Citizen) -> None:
    for body in (b"{", b"x" * 9000, {"service": "internet-accounts"}):
        answer = citizen.call("POST", "/inquiries", body, token="", Content_Type="text/plain")
        problem(answer, 401, "session_invalid")
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_what_does_not_claim_to_be_json_is_not_read(citizen: Citizen) -> None:
    body = json.dumps({"service": "internet-accounts", "phone": PHONE}).encode()
    for content_type in ("", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=gbk"):
        refused = problem(
            citizen.call("POST", "/verification-codes", body, Content_Type=content_type), 415, "body_invalid"
        )
        assert refused["field"] == "Content-Type"
    packed = citizen.call("POST", "/verification-codes", body, Content_Type="application/json", Content_Encoding="gzip")
    problem(packed, 415, "body_invalid")
    assert messages_owed(citizen.ground) == []


@pytest.mark.parametrize("content_type", ["application/json; charset=utf8", 'application/json;charset="UTF-8"'])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_utf_8_is_read_by_any_of_its_names_and_behind_a_bom(citizen: Citizen, content_type: str, bom: bytes) -> None:
    """door fault F19."""
    body = bom + json.dumps({"service": "internet-accounts", "phone": PHONE}).encode()
    assert citizen.call("POST", "/verification-codes", body, Content_Type=content_type).status_code == 202


def test_a_body_is_json_with_known_members_of_the_right_type(citizen: Citizen) -> None:
    body = {"service": "internet-accounts", "phone": PHONE}
    for sent, field in (
        (body | {"count": 1}, "count"),
        (body | {"phone": 1}, "phone"),
        ({"service": body["service"]}, "phone"),
    ):
        assert problem(citizen.call("POST", "/verification-codes", sent), 400, "body_invalid")["field"] == field
    refused = citizen.call("POST", "/verification-codes", b"{not json", Content_Type="application/json")
    problem(refused, 400, "body_invalid")
    unknown = citizen.call("POST", "/verification-codes", body | {"service": "landlines"})
    assert problem(unknown, 404, "service_unknown")["field"] == "service"


def test_a_body_over_eight_kibibytes_is_refused_and_one_of_eight_is_read(citizen: Citizen) -> None:
    def padded(size: int) -> bytes:
        body = json.dumps({"service": "internet-accounts", "phone": PHONE}).encode()
        return body[:-1] + b" " * (size - len(body)) + b"}"

    def send(raw: bytes) -> TestResponse:
        return citizen.call("POST", "/verification-codes", raw, Content_Type="application/json")

    assert send(padded(LARGEST_BODY)).status_code == 202
    problem(send(padded(LARGEST_BODY + 1)), 413, "body_too_large")
    problem(send(padded(9 * 1024)), 413, "body_too_large")
