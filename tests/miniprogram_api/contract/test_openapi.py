"""The document is what the door does: same routes, same shapes, every problem code told."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

import config.errors
import miniprogram_api.errors
import query.access.tickets
import query.errors
from config.catalogue.limits import Limits
from config.db.engine import begin
from config.errors import OneCertError
from config.ground import Ground
from miniprogram_api.contract.openapi import build_document
from miniprogram_api.contract.operations import OPERATIONS, TAGS, Operation
from miniprogram_api.contract.problems import BY_CODE, PROBLEMS, build_problem
from miniprogram_api.contract.requests import parse_body
from miniprogram_api.contract.samples import answer_example, body_examples
from miniprogram_api.contract.translation import translation_to

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
    extra = {"/api/v1", "/api/v1/", "/api/v1/docs", "/api/v1/docs/", "/api/v1/openapi.json"}
    extra |= {"/api/v1/assets/<digest>/<path:name>"}
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


def call(operation: Operation) -> dict[str, Any]:
    return dict(DOCUMENT["paths"][operation.path][operation.method.lower()])


def test_the_examples_of_a_body_are_accepted_as_they_stand() -> None:
    for operation in OPERATIONS:
        examples = body_examples(DOCUMENT, call(operation))
        assert bool(examples) == (operation.body is not None)
        for example in examples.values():
            assert operation.body is not None
            parse_body(json.dumps(example).encode(), operation.body)


def test_the_example_of_an_answer_is_such_an_answer() -> None:
    for operation in OPERATIONS:
        told = answer_example(DOCUMENT, call(operation))
        assert (told is None) == (operation.answer is None)
        if told and operation.answer:
            operation.answer.model_validate_json(json.dumps(told))


def test_every_call_is_in_a_group_and_tells_a_refusal() -> None:
    """pages fault D: without tags viewers show one flat group; two GETs were without any 4XX."""
    groups = [tag["name"] for tag in DOCUMENT["tags"]]
    for operation in OPERATIONS:
        assert len(call(operation)["tags"]) == 1
        assert set(call(operation)["tags"]) <= set(groups)
        assert any(status.startswith("4") for status in call(operation)["responses"])
    assert DOCUMENT["info"]["license"]["identifier"]


def test_consent_is_required_and_true() -> None:
    """pages fault D: it "may be absent" and defaulted to false, beside "must be `true`"."""
    asking = [it for it in DOCUMENT["components"]["schemas"].values() if "consent" in it.get("properties", {})]
    assert asking
    for schema in asking:
        assert "consent" in schema["required"]
        assert schema["properties"]["consent"]["const"] is True
        assert "default" not in schema["properties"]["consent"]


def sentences(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield from [value] if key in ("summary", "description") and isinstance(value, str) else sentences(value)
    elif isinstance(node, list):
        yield from (sentence for each in node for sentence in sentences(each))


def test_every_sentence_is_told_in_chinese() -> None:
    chinese = build_document(translate=translation_to("zh-CN"))
    assert [it for it in sentences(chinese) if not re.search("[\u4e00-\u9fff]|^`Bearer`$", it)] == []
    for operation in OPERATIONS:
        assert set(chinese["paths"][operation.path][operation.method.lower()]["tags"]).isdisjoint(TAGS)
    for problem in PROBLEMS:
        assert translation_to("zh-CN")(problem.meaning) != problem.meaning


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
    assert answer.json == build_document("http://127.0.0.1:8000")
    chinese = client.get("/api/v1/openapi.json?lang=zh-CN").json
    assert chinese == build_document("http://127.0.0.1:8000", translation_to("zh-CN"))


class Page(HTMLParser):
    """Collects what a strict policy forbids, ids, and the files and links that the page leads to."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.forbidden: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        told = {name: text or "" for name, text in attributes}
        self.ids += [told["id"]] if "id" in told else []
        self.links += [told[name] for name in ("href", "src") if name in told]
        if tag in {"style", "iframe"} or (tag == "script" and "src" not in told):
            self.forbidden.append(tag)
        self.forbidden += [name for name in told if name == "style" or name.startswith("on")]


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_the_docs_come_from_here_alone_and_all_their_links_lead_somewhere(client: FlaskClient, language: str) -> None:
    answer = client.get(f"/api/v1/docs?lang={language}")
    assert answer.status_code == 200
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'; script-src 'self'; style-src 'self';" in policy
    assert "unsafe" not in policy
    page = Page()
    page.feed(answer.text)
    assert page.forbidden == []
    assert len(page.ids) == len(set(page.ids))
    assert {each.code for each in PROBLEMS} <= set(page.ids), "a problem's type leads to its row"
    for link in page.links:
        if link.startswith("#"):
            assert link[1:] in page.ids
        elif not link.startswith("?"):
            assert link.startswith("/")
            with client.get(link) as linked:
                assert linked.status_code in (200, 404) if link == "/" else linked.status_code == 200, link


@pytest.mark.parametrize("address", ["/api/v1", "/api/v1/", "/api/v1/docs/"])
def test_a_reader_who_comes_near_is_led_to_the_docs(client: FlaskClient, address: str) -> None:
    """pages fault D: all three were 404 in JSON."""
    answer = client.get(address)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/api/v1/docs")


def test_the_viewer_is_compressed_and_kept(client: FlaskClient) -> None:
    address = re.findall(r'src="(/api/v1/assets/[^"]+bundle\.js)"', client.get("/api/v1/docs").text)[0]
    answer = client.get(address, headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert "immutable" in answer.headers["Cache-Control"]
    assert len(answer.data) < 600_000
    licence = client.get(address.replace("swagger-ui-bundle.js", "swagger-ui-bundle.js.LICENSE.txt"))
    assert licence.status_code == 200


@pytest.mark.parametrize(("language", "page"), [("zh-CN,zh;q=0.9", "zh-CN"), ("en-GB,en", "en"), ("fr", "zh-CN")])
def test_the_browsers_language_is_chosen_unless_one_is_asked_for(client: FlaskClient, language: str, page: str) -> None:
    assert f'<html lang="{page}">' in client.get("/api/v1/docs", headers={"Accept-Language": language}).text
    other = "en" if page == "zh-CN" else "zh-CN"
    asked = client.get(f"/api/v1/docs?lang={other}", headers={"Accept-Language": language}).text
    assert f'<html lang="{other}">' in asked


def test_calls_are_tried_out_only_where_the_world_is_a_sandbox(ground: Ground, client: FlaskClient) -> None:
    assert 'data-tries="true"' in client.get("/api/v1/docs").text
    document = ground.catalogues.document()
    document = document.replace('"{sandbox}/partners/jd"\nallow_private = true', '"https://jd.example"')
    with begin(ground.engine) as db:
        ground.catalogues.apply(db, document, "one real partner", "test", ground.clock.now())
    ground.catalogues.forget()
    page = client.get("/api/v1/docs?lang=zh-CN").text
    assert 'data-tries="false"' in page
    assert "这里是正式环境" in page
