"""The OpenAPI file says what the code does: what we send fits it, and what it allows is what we read."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from enterprises.content import SEALED_TYPE
from enterprises.protocol import (
    FIELDS,
    MAX_COUNT,
    OPTIONAL_FIELDS,
    PATH,
    VERDICTS,
    Item,
    build_request,
    parse_answer,
)
from enterprises.request_protocol import FIELDS as REQUEST_FIELDS
from enterprises.request_protocol import PATH as REQUESTS_PATH
from enterprises.request_protocol import RequestItem, build_requests, parse_events, parse_reports, parse_requests
from enterprises.sealed_body import seal_body
from tests.support.factories import LAUNCH_DAY

FILE = Path(__file__).parents[2] / "docs/lookup-protocol.openapi.json"
DOCUMENT: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
SCHEMAS = DOCUMENT["components"]["schemas"]
EVERYTHING = {
    "phone": "13800138000",
    "id_tail": "12345X",
    "name": "张三",
    "id_number": "11010519491231002X",
    "held_since": "2024-05",
    "since": "2024-05",
}


def fits(schema: dict[str, Any], value: Any) -> bool:
    """Return whether a value fits a schema, for the few keywords of JSON Schema that the file uses."""
    if "$ref" in schema:
        return fits(at(schema["$ref"]), value)
    if "oneOf" in schema:
        return sum(fits(one, value) for one in schema["oneOf"]) == 1
    if "const" in schema or "enum" in schema:
        return bool(value == schema.get("const") or value in schema.get("enum", ()))
    if schema["type"] == "object":
        return isinstance(value, dict) and fits_object(schema, value)
    if schema["type"] == "array":
        long_enough = isinstance(value, list) and len(value) >= schema.get("minItems", 0)
        return long_enough and all(fits(schema["items"], one) for one in value)
    if schema["type"] == "integer":
        return type(value) is int and schema["minimum"] <= value <= schema["maximum"]
    return isinstance(value, str) and re.search(schema.get("pattern", ""), value) is not None


def fits_object(schema: dict[str, Any], value: dict[str, Any]) -> bool:
    properties, others = schema.get("properties", {}), schema.get("additionalProperties")
    described = {name: properties.get(name, others) for name in value}
    return set(schema.get("required", ())) <= set(value) and all(
        fits(below, value[name]) for name, below in described.items() if below is not None
    )


def at(reference: str) -> dict[str, Any]:
    found: Any = DOCUMENT
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return dict(found)


def references(tree: Any) -> list[str]:
    if isinstance(tree, dict):
        mine = [tree["$ref"]] if "$ref" in tree else []
        return mine + [found for below in tree.values() for found in references(below)]
    return [found for below in tree for found in references(below)] if isinstance(tree, list) else []


def test_every_reference_leads_somewhere() -> None:
    assert all(at(reference) for reference in references(DOCUMENT))
    calls = {f"/partners/{{code}}/{name}" for name in ("answers", "reports", "events")}
    assert set(DOCUMENT["paths"]) == {PATH, REQUESTS_PATH, *calls}
    operations = [path["post"] for path in DOCUMENT["paths"].values()]
    assert all({"application/json", SEALED_TYPE} == set(one["requestBody"]["content"]) for one in operations)


@pytest.mark.parametrize(("kind", "service"), FIELDS)
def test_what_we_send_fits_one_kind_of_question(kind: str, service: str) -> None:
    body = json.loads(build_request("b", kind, service, LAUNCH_DAY, [Item("a1", **EVERYTHING)]))
    assert fits(SCHEMAS["Question"], body)
    example_body = {"id", *FIELDS[kind, service], *OPTIONAL_FIELDS.get((kind, service), ())}
    (described,) = [
        at(one["properties"]["items"]["items"]["$ref"])
        for one in SCHEMAS["Question"]["oneOf"]
        if (one["properties"]["kind"]["const"], one["properties"]["service"]["const"]) == (kind, service)
    ]
    assert set(described["properties"]) == example_body == set(body["items"][0])


ITEMS = [
    ({"id": "a", "counts": {"weixin": 2}, "before": {"weixin": 1}}, True),
    ({"id": "a", "counts": {"weixin": MAX_COUNT}}, True),
    ({"id": "a", "counts": {"weixin": MAX_COUNT + 1}}, False),
    ({"id": "a", "counts": {"weixin": -1}}, False),
    ({"id": "a", "counts": {"weixin": 1.5}}, False),
    ({"id": "a", "error": "retry"}, True),
    ({"id": "a", "error": "perhaps"}, False),
    ({"id": "a"}, False),
]


@pytest.mark.parametrize(("item", "good"), ITEMS)
def test_it_allows_what_we_read(item: dict[str, Any], good: bool) -> None:
    answer = {"batch": "b", "items": [item]}
    parsed = parse_answer(json.dumps(answer).encode(), batch="b", asked=["a"], kind="count", applications={"weixin"})
    assert (parsed.faults == []) == good
    assert fits(SCHEMAS["Answer"], answer) == good


def test_verdicts_and_sealed_bodies_are_described() -> None:
    assert SCHEMAS["Checked"]["properties"]["verdict"]["enum"] == list(VERDICTS["identity"])
    kept = SCHEMAS["Kept"]["properties"]["verdict"]["enum"]
    assert set(kept) == set(VERDICTS["tenure"]) - set(VERDICTS["identity"])
    assert fits(SCHEMAS["Sealed"], seal_body("SM4GCM", "a-secret-of-some-length", "k", b"{}").decode())


@pytest.mark.parametrize("kind", REQUEST_FIELDS)
def test_what_we_request_fits_its_kind(kind: str) -> None:
    item = RequestItem("r1", "13800138000", "weixin", held="2025-03", until="2027-11-30")
    body = json.loads(build_requests("b", kind, [item]))
    assert fits(SCHEMAS["Requests"], body)
    assert set(body["items"][0]) == {"id", *REQUEST_FIELDS[kind]}


STATES = [
    ({"id": "r1", "state": "accepted"}, True),
    ({"id": "r1", "state": "accepted", "due": "2026-12-07"}, True),
    ({"id": "r1", "state": "done"}, True),
    ({"id": "r1", "state": "yours"}, True),
    ({"id": "r1", "state": "needs_holder", "reason": "face"}, True),
    ({"id": "r1", "state": "refused", "reason": "minor"}, True),
    ({"id": "r1", "state": "refused", "reason": "face"}, False),
    ({"id": "r1", "state": "needs_holder"}, False),
    ({"id": "r1", "state": "perhaps"}, False),
    ({"id": "r1"}, False),
]


@pytest.mark.parametrize(("item", "good"), STATES)
def test_it_allows_the_states_that_we_read(item: dict[str, Any], good: bool) -> None:
    answer, report = {"batch": "b", "items": [item]}, {"items": [item]}
    today = date(2026, 11, 23)
    parsed = parse_requests(json.dumps(answer).encode(), batch="b", sent=["r1"], kind="dispute", today=today)
    assert (parsed.faults == [], parse_reports(json.dumps(report).encode(), today).faults == []) == (good, good)
    assert (fits(SCHEMAS["RequestsAnswer"], answer), fits(SCHEMAS["Reports"], report)) == (good, good)


@pytest.mark.parametrize(
    ("change", "good"), [(1, True), (99, True), (0, False), (-1, False), (10**9, False), ("1", False)]
)
def test_it_allows_the_events_that_we_read(change: Any, good: bool) -> None:
    event = {"event": "7f6c1d3e-0c55-4b54-9a3a-1d0a7f3e9b11", "id": "w1", "application": "weixin", "change": change}
    body = {"items": [{**event, "at": "2026-11-22T05:00:00Z"}]}
    assert (parse_events(json.dumps(body).encode(), LAUNCH_DAY).faults == []) == good
    assert fits(SCHEMAS["Events"], body) == good
