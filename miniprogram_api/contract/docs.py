"""`/api/v1/openapi.json`, and `/api/v1/docs`: the same as a page to read, without scripts or anybody else's files."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, render_template
from markupsafe import Markup, escape

from miniprogram_api.contract.openapi import REFERENCE_TO, build_document
from miniprogram_api.contract.problems import PROBLEMS

PAGE_POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


@dataclass(frozen=True)
class Member:
    """One member of a body or an answer: what a reader needs to know of it."""

    name: str
    kind: str
    required: bool
    description: str


@dataclass(frozen=True)
class Shape:
    """A body or an answer: a sentence, its members, and an example as JSON text."""

    description: str
    members: tuple[Member, ...]
    example: str


@dataclass(frozen=True)
class Call:
    """What may be sent (one of `bodies`, if any) and what comes back."""

    bodies: tuple[Shape, ...]
    answer: Shape | None


def add_docs(blueprint: Blueprint) -> None:
    """Add both addresses. The document is built once: it changes only with the code."""
    document = build_document()
    text = json.dumps(document, ensure_ascii=False, indent=1)
    calls = describe_calls(document)

    def openapi_json() -> Response:
        return Response(text, content_type="application/json")

    def docs_page() -> Response:
        page = render_template("api_docs.html", document=document, calls=calls, problems=PROBLEMS, prose=prose)
        return Response(page, content_type="text/html; charset=utf-8", headers={"Content-Security-Policy": PAGE_POLICY})

    blueprint.add_url_rule("/openapi.json", "openapi_json", openapi_json, methods=["GET"])
    blueprint.add_url_rule("/docs", "docs_page", docs_page, methods=["GET"])


def prose(text: str) -> Markup:
    """A sentence of the document as HTML: what stands between backticks is code."""
    code = Markup("<code>{}</code>")
    parts = enumerate(text.split("`"))
    return Markup("").join(code.format(part) if place % 2 else escape(part) for place, part in parts)


def describe_calls(document: dict[str, Any]) -> dict[str, Call]:
    """Each call of the document by its operationId. Pure."""
    operations = [operation for methods in document["paths"].values() for operation in methods.values()]
    return {operation["operationId"]: _call(document, operation) for operation in operations}


def _call(document: dict[str, Any], operation: dict[str, Any]) -> Call:
    answers = [answer for status, answer in operation["responses"].items() if status.startswith("2")]
    sent = _json_schema(operation.get("requestBody", {}))
    variants = _followed(document, sent).get("oneOf", [sent]) if sent else []
    answered = _json_schema(answers[0])
    return Call(
        bodies=tuple(_shape(document, variant) for variant in variants),
        answer=_shape(document, answered) if answered else None,
    )


def _json_schema(message: dict[str, Any]) -> dict[str, Any]:
    return dict(message.get("content", {}).get("application/json", {}).get("schema", {}))


def _shape(document: dict[str, Any], schema: dict[str, Any]) -> Shape:
    schema = _followed(document, schema)
    members = (
        Member(name, _kind(document, member), name in schema.get("required", []), member.get("description", ""))
        for name, member in schema["properties"].items()
    )
    example = json.dumps(_example(document, schema), ensure_ascii=False, indent=2)
    return Shape(schema.get("description", ""), tuple(members), example)


def _followed(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    prefix = REFERENCE_TO.format(model="")
    name = str(schema.get("$ref", "")).removeprefix(prefix)
    return dict(document["components"]["schemas"][name]) if name else schema


def _kind(document: dict[str, Any], schema: dict[str, Any]) -> str:
    schema = _followed(document, schema)
    if "const" in schema or "enum" in schema:
        return " | ".join(json.dumps(word) for word in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "array":
        return f"list of {_kind(document, schema['items'])}"
    return str(schema.get("format") or schema["type"])


def _example(document: dict[str, Any], schema: dict[str, Any]) -> Any:
    """An example of a schema: its own, or one put together from its members'."""
    schema = _followed(document, schema)
    if schema.get("examples"):
        return schema["examples"][0]
    if "properties" in schema:
        return {name: _example(document, member) for name, member in schema["properties"].items()}
    if schema.get("type") == "array":
        return [_example(document, schema["items"])]
    return _plain_example(schema)


def _plain_example(schema: dict[str, Any]) -> Any:
    if "enum" in schema:
        return schema["enum"][0]
    by_format = {"date-time": "2026-11-22T06:06:00Z", "uri": "https://onecert.example/guides/tencent"}
    return {"boolean": False, "integer": 1}.get(schema.get("type", ""), by_format.get(schema.get("format", ""), "..."))
