"""The document is what the door does: same routes, same shapes, every problem code told."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient

import config.errors
import miniprogram_api.errors
import query.access.tickets
import query.errors
from config.catalogue.schema import Limits
from config.errors import OneCertError
from miniprogram_api.contract.docs import describe_calls
from miniprogram_api.contract.openapi import build_document
from miniprogram_api.contract.operations import OPERATIONS
from miniprogram_api.contract.problems import BY_CODE, PROBLEMS, build_problem
from miniprogram_api.contract.requests import parse_body

DOCUMENT = build_document()
CONTRACT = {"phone_invalid", "id_tail_invalid", "id_number_invalid", "name_invalid", "consent_missing", "code_wrong"}
CONTRACT |= {"code_expired", "too_soon", "limit_reached", "unavailable", "session_invalid", "service_unknown"}
CONTRACT |= {"body_invalid", "body_too_large", "not_found", "idempotency_conflict"}
NEVER_FROM_HERE = {"signature_invalid"}


def every_error() -> list[type[OneCertError]]:
    modules = (config.errors, query.access.tickets, miniprogram_api.errors, query.errors)
    found = {it for module in modules for it in vars(module).values() if isinstance(it, type)}
    return [it for it in found if issubclass(it, OneCertError) and it.code not in NEVER_FROM_HERE]


def test_the_document_is_openapi_3_1_and_every_reference_leads_somewhere() -> None:
    assert DOCUMENT["openapi"] == "3.1.0"
    schemas = DOCUMENT["components"]["schemas"]
    text = json.dumps(DOCUMENT)
    for reference in set(text.split('"#/components/schemas/')[1:]):
        assert reference.split('"')[0] in schemas


def test_routes_and_document_are_the_same(app: Flask) -> None:
    told = {(f"/api/v1{path}", method.upper()) for path, methods in DOCUMENT["paths"].items() for method in methods}
    extra = {"/api/v1/docs", "/api/v1/openapi.json"}
    routed = {
        (rule.rule.replace("<", "{").replace(">", "}"), method)
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1") and rule.rule not in extra and not rule.endpoint.endswith(".static")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert told == routed


def test_every_call_tells_its_problems_by_status_and_code() -> None:
    for operation in OPERATIONS:
        responses = DOCUMENT["paths"][operation.path][operation.method.lower()]["responses"]
        for code in operation.problems:
            for status in BY_CODE[code].statuses:
                schema = responses[str(status)]["content"]["application/problem+json"]["schema"]
                assert code in schema["properties"]["code"]["enum"]
        assert ("session_invalid" in operation.problems) == operation.session or operation.name == "open_session"
        assert ("body_too_large" in operation.problems) == (operation.body is not None)


def test_no_answer_has_room_for_a_count_of_accounts() -> None:
    for name in ("ProgressAnswer", "InquiryAnswer", "CodeAnswer"):
        members = set(DOCUMENT["components"]["schemas"][name]["properties"])
        assert not members & {"count", "counts", "applications", "outcome", "reason", "result"}


def test_the_examples_of_a_body_are_accepted_as_they_stand() -> None:
    calls = describe_calls(DOCUMENT)
    for operation in OPERATIONS:
        assert bool(calls[operation.name].bodies) == (operation.body is not None)
        for body in calls[operation.name].bodies:
            assert operation.body is not None
            parse_body(body.example.encode(), operation.body)


def test_the_example_of_an_answer_is_such_an_answer() -> None:
    for operation in OPERATIONS:
        told = describe_calls(DOCUMENT)[operation.name].answer
        assert (told is None) == (operation.answer is None)
        if told and operation.answer:
            operation.answer.model_validate_json(told.example)


def test_the_list_of_problems_and_the_errors_classes_agree() -> None:
    for error in every_error():
        if error.status >= 500:
            # A fault of ours: the client is told no more than when to come back, whatever its name in the log.
            fault = error.__new__(error)
            OneCertError.__init__(fault, "the secret tencent.key was never set", name="tencent.key")
            told = build_problem(fault)
            assert told["code"] == ("unavailable" if error.status == 503 else "internal"), error
            assert "tencent" not in str(told)
        else:
            assert error.status in BY_CODE[error.code].statuses, error


def test_every_code_of_the_contract_is_listed_once() -> None:
    codes = [problem.code for problem in PROBLEMS]
    assert len(codes) == len(set(codes))
    assert set(codes) >= CONTRACT


def test_the_guides_tell_every_call_code_and_limit() -> None:
    guide, codes = ((Path(__file__).parents[3] / "docs" / name).read_text() for name in ("api.md", "errors.md"))
    for operation in OPERATIONS:
        assert f"| `{operation.method} {operation.path}` |" in guide
    for problem in PROBLEMS:
        assert f"| `{problem.code}` | {', '.join(map(str, problem.statuses))} |" in codes
    for limit in Limits.model_fields:
        assert f"| `{limit.removesuffix('_s')}` |" in guide


def test_a_fault_of_ours_tells_nothing_of_itself() -> None:
    class SecretsGone(OneCertError):
        code = "secret_missing"

    told = build_problem(SecretsGone("the secret tencent.key was never set", name="tencent.key"))
    assert told == {"type": "/api/v1/docs#internal", "title": "Internal error", "status": 500, "code": "internal"}


def test_a_refusal_tells_what_to_do_and_a_fault_of_ours_only_when_to_come_back() -> None:
    assert build_problem(query.errors.CodeWrong(3)) == {
        "type": "/api/v1/docs#code_wrong",
        "title": "Wrong code",
        "status": 422,
        "code": "code_wrong",
        "detail": "the verification code does not fit",
        "field": "code",
        "tries_left": 3,
    }
    told = build_problem(config.errors.DatabaseUnavailable("10.1.2.3 refused"))
    assert told == {
        "type": "/api/v1/docs#unavailable",
        "title": "Not available",
        "status": 503,
        "code": "unavailable",
        "retry_after": 5,
    }


def test_being_unavailable_always_says_when_to_come_back() -> None:
    assert build_problem(config.errors.DatabaseUnavailable())["retry_after"] == 5
    assert build_problem(query.errors.Unavailable(retry_after=300))["retry_after"] == 300


def test_the_document_is_served_as_it_was_built(client: FlaskClient) -> None:
    answer = client.get("/api/v1/openapi.json")
    assert (answer.status_code, answer.content_type) == (200, "application/json")
    assert answer.json == DOCUMENT


class Page(HTMLParser):
    """Counts what a strict policy forbids, and collects ids and links."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.forbidden: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        told = {name: text or "" for name, text in attributes}
        self.ids += [told["id"]] if "id" in told else []
        self.links += [told["href"]] if "href" in told else []
        if tag in {"script", "style", "img", "iframe"} or any(
            name == "style" or name.startswith("on") for name in told
        ):
            self.forbidden.append(tag)


def test_the_docs_are_readable_without_scripts_and_all_their_links_lead_somewhere(client: FlaskClient) -> None:
    answer = client.get("/api/v1/docs")
    assert answer.status_code == 200
    assert "default-src 'none'; style-src 'self'" in answer.headers["Content-Security-Policy"]
    page = Page()
    page.feed(answer.text)
    assert page.forbidden == []
    assert len(page.ids) == len(set(page.ids))
    assert {each.name for each in OPERATIONS} | {each.code for each in PROBLEMS} <= set(page.ids)
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
    for link in (link for link in page.links if not link.startswith("#")):
        with client.get(link) as linked:
            assert linked.status_code == 200
