"""The OpenAPI 3.1 document, made from the models that validate and the list of calls. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import TypeAdapter

from config.errors import RETRY_SOON_S
from miniprogram_api.contract.operations import API_ROOT, OPERATIONS, TAGS, Operation
from miniprogram_api.contract.problems import BY_CODE, DOCS, PROBLEM_TYPE, Problem
from miniprogram_api.contract.requests import IDEMPOTENCY_HEADER
from miniprogram_api.contract.samples import REFERENCE_TO, body_examples, build_samples, simplest
from miniprogram_api.contract.schemas import EXAMPLE_REFERENCE, REFERENCE
from miniprogram_api.contract.translation import Translate
from query.access.sessions import FRESH_TOKEN_HEADER

EXAMPLE_EXTRAS: dict[str, Any] = {
    "tries_left": 4,
    "retry_after": 60,
    "limit": "code_per_phone_gap",
    "application": "weixin",
    "partner": "tencent",
    "challenge": {
        "algorithm": "SHA-256",
        "challenge": "2d6a…",
        "maxnumber": 50_000,
        "salt": "6d1c0e2f9a…?expires=1795327620&for=9c1f…&",
        "signature": "b04e…",
    },
    "reason": "old",
    "reference": "482719356041",
}
EXAMPLE_ORIGIN = "https://onecert.example"
STRANGE = "Any other refusal: another method, a malformed header, an address too long."
_SAME: Translate = str


def build_document(origin: str = EXAMPLE_ORIGIN, translate: Translate = _SAME) -> dict[str, Any]:
    """Make the whole document, ready to be rendered as JSON; the samples call `origin` (scheme, host, port)."""
    shapes, components = _schemas()
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, shapes, translate)
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": "OneCert 一证通查",
            "version": "1",
            "summary": "One SMS tells how many internet accounts or phone cards are tied to a citizen's number or ID.",
            "description": "JSON only. Counts are told by SMS to the number itself and by nothing else. "
            "Every refusal is RFC 9457 problem+json with a stable `code`.",
            "license": {
                "name": translate("As agreed with the operator"),
                "identifier": "LicenseRef-operator-agreement",
            },
        },
        "servers": [{"url": API_ROOT, "description": "This instance."}],
        "tags": [{"name": translate(name), "description": description} for name, description in TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": components | {"Problem": _problem_schema()},
            "securitySchemes": {
                "session": {"type": "http", "scheme": "bearer", "description": "The token of `POST /sessions`."},
                "signature": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Signature",
                    "description": "RFC 9421 with the entrance's key, as in the lookup protocol.",
                },
            },
        },
    }
    for operation in OPERATIONS:
        _add_examples(document, operation, origin)
    return dict(_translated(document, translate))


def _add_examples(document: dict[str, Any], operation: Operation, origin: str) -> None:
    """Add an example of each body that may be sent, and the samples that send the simplest one."""
    built = document["paths"][operation.path][operation.method.lower()]
    bodies = body_examples(document, built)
    if bodies:
        named = {name: {"value": example} for name, example in sorted(bodies.items(), key=lambda it: len(it[1]))}
        built["requestBody"]["content"]["application/json"]["examples"] = named
    built["x-codeSamples"] = build_samples(operation, origin, simplest(bodies))


def _translated(node: Any, translate: Translate) -> Any:
    if isinstance(node, dict):
        return {
            key: translate(value) if key in ("summary", "description") and isinstance(value, str) else value
            for key, value in ((key, _translated(value, translate)) for key, value in node.items())
        }
    return [_translated(each, translate) for each in node] if isinstance(node, list) else node


def _schemas() -> tuple[dict[Any, Any], dict[str, Any]]:
    """The schema of each call's body and answer by (call, mode), and the components they refer to."""
    wanted: list[tuple[str, Any, TypeAdapter[Any]]] = []
    for operation in OPERATIONS:
        if operation.answer is not None:
            wanted.append((operation.name, "serialization", TypeAdapter(operation.answer)))
        if operation.body is not None:
            wanted.append((operation.name, "validation", operation.body))
    shapes, definitions = TypeAdapter.json_schemas(wanted, ref_template=REFERENCE_TO)
    return shapes, {name: _consenting(schema) for name, schema in definitions["$defs"].items()}


def _consenting(schema: dict[str, Any]) -> dict[str, Any]:
    """A body without consent is read, so that the citizen gets `consent_missing`; none succeeds without."""
    consent = schema.get("properties", {}).get("consent")
    if consent is not None:
        consent.pop("default", None)
        consent["const"] = True
        schema["required"] = [*schema.get("required", []), "consent"]
    return schema


def _operation(operation: Operation, shapes: dict[Any, Any], translate: Translate) -> dict[str, Any]:
    built: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [translate(operation.tag)],
        "summary": operation.summary,
        "description": operation.description,
        "security": [{"session": []}] if operation.session else [{"signature": []}] if operation.signed else [],
        "responses": {str(operation.status): _answer(operation, shapes)} | _refusals(operation, translate),
    }
    if parameters := list(_parameters(operation)):
        built["parameters"] = parameters
    if operation.body is not None:
        schema = shapes[(operation.name, "validation")]
        built["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return built


def _parameters(operation: Operation) -> Iterable[dict[str, Any]]:
    if "{reference}" in operation.path:
        yield {
            "name": "reference",
            "in": "path",
            "required": True,
            "description": "The public number of the inquiry.",
            "schema": {"type": "string", "pattern": REFERENCE},
            "example": EXAMPLE_REFERENCE,
        }
    if operation.idempotent:
        yield {
            "name": IDEMPOTENCY_HEADER,
            "in": "header",
            "required": False,
            "description": "Chosen by the client, new for every filled form and kept for its retries.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[\\x21-\\x7e]+$"},
            "example": "5f0c2a5e-6a7b-4c60-9d0e-2f1d3c4b5a69",
        }


def _answer(operation: Operation, shapes: dict[Any, Any]) -> dict[str, Any]:
    if operation.answer is None:
        return {"description": operation.summary}
    schema = shapes[(operation.name, "serialization")]
    built: dict[str, Any] = {"description": operation.summary, "content": {"application/json": {"schema": schema}}}
    if operation.session:
        built["headers"] = {
            FRESH_TOKEN_HEADER: {
                "description": "A fresh token to use from now on; sent at most once a minute.",
                "schema": {"type": "string"},
            }
        }
    return built


def _refusals(operation: Operation, translate: Translate) -> dict[str, Any]:
    by_status: dict[int, list[Problem]] = {}
    for code in operation.problems:
        for status in BY_CODE[code].statuses:
            by_status.setdefault(status, []).append(BY_CODE[code])
    told = {str(status): _refusal(status, problems, translate) for status, problems in sorted(by_status.items())}
    if any(status < 500 for status in by_status):
        return told
    schema = {"schema": {"$ref": REFERENCE_TO.format(model="Problem")}}
    return told | {"4XX": {"description": STRANGE, "content": {PROBLEM_TYPE: schema}}}


def _refusal(status: int, problems: list[Problem], translate: Translate) -> dict[str, Any]:
    codes = [problem.code for problem in problems]
    built: dict[str, Any] = {
        "description": " ".join(f"`{problem.code}`: {translate(problem.meaning)}" for problem in problems),
        "content": {
            PROBLEM_TYPE: {
                "schema": {
                    "allOf": [{"$ref": REFERENCE_TO.format(model="Problem")}],
                    "properties": {"code": {"enum": codes}, "status": {"const": status}},
                },
                "examples": {problem.code: {"value": _example(problem, status)} for problem in problems},
            }
        },
    }
    if any("retry_after" in problem.extras for problem in problems):
        built["headers"] = {
            "Retry-After": {"description": "Seconds, as `retry_after`.", "schema": {"type": "integer", "minimum": 1}}
        }
    if status == 401:
        built["headers"] = {"WWW-Authenticate": {"description": "`Bearer`", "schema": {"type": "string"}}}
    return built


def _example(problem: Problem, status: int) -> dict[str, Any]:
    example: dict[str, Any] = {
        "type": f"{DOCS}#{problem.code}",
        "title": problem.title,
        "status": status,
        "code": problem.code,
    }
    if problem.field:
        example["field"] = problem.field
    for extra in problem.extras:
        example[extra] = RETRY_SOON_S if status == 503 else EXAMPLE_EXTRAS[extra]
    return example


def _problem_schema() -> dict[str, Any]:
    return {
        "type": "object",
        "description": "RFC 9457. Rely on `code`; the sentences may change.",
        "required": ["type", "title", "status", "code"],
        "properties": {
            "type": {"type": "string", "format": "uri-reference"},
            "title": {"type": "string"},
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "code": {"enum": sorted(BY_CODE)},
            "detail": {"type": "string", "description": "One sentence for developers. Never repeats what was sent."},
            "field": {"type": "string", "description": "The member or header that is meant; empty for the whole body."},
            "tries_left": {"type": "integer", "minimum": 0, "maximum": 4},
            "retry_after": {"type": "integer", "minimum": 1, "description": "Seconds."},
            "limit": {"type": "string", "description": "The name of the budget that is used up."},
            "challenge": {
                "type": "object",
                "description": "Find the `number` from 0 to `maxnumber` for which SHA-256 of `salt` and the number's "
                "digits is `challenge`.",
                "required": ["algorithm", "challenge", "maxnumber", "salt", "signature"],
                "properties": {
                    "algorithm": {"const": "SHA-256"},
                    "challenge": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
                    "maxnumber": {"type": "integer", "minimum": 1},
                    "salt": {"type": "string"},
                    "signature": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
                },
            },
            "reason": {"enum": ["missing", "old", "tries", "used"], "description": "The state of the code."},
            "reference": {"type": "string", "pattern": "^[1-9][0-9]{11}$"},
        },
    }
