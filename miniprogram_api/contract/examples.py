"""Examples of bodies and answers, taken from the OpenAPI document's own schemas. Pure."""

from __future__ import annotations

from typing import Any

REFERENCE_TO = "#/components/schemas/{model}"


def body_examples(document: dict[str, Any], operation: dict[str, Any]) -> dict[str, Any]:
    """One example for each shape that a call's body may have, by the shape's name; {}: it has no body."""
    sent = json_schema(operation.get("requestBody", {}))
    variants = follow(document, sent).get("oneOf", [sent]) if sent else []
    return {name_of(variant): example_of(document, variant) for variant in variants}


def answer_example(document: dict[str, Any], operation: dict[str, Any]) -> Any | None:
    """An example of the answer to a call that succeeds; None: the answer has no body."""
    answers = [answer for status, answer in operation["responses"].items() if status.startswith("2")]
    schema = json_schema(answers[0])
    return example_of(document, schema) if schema else None


def simplest(examples: dict[str, Any]) -> Any | None:
    """The example with the fewest members, which a newcomer can send first; None: there is none."""
    return min(examples.values(), key=len, default=None)


def json_schema(message: dict[str, Any]) -> dict[str, Any]:
    """The schema of a body or an answer; {}: none."""
    return dict(message.get("content", {}).get("application/json", {}).get("schema", {}))


def name_of(schema: dict[str, Any]) -> str:
    """The name of the component that a schema refers to."""
    return str(schema.get("$ref", "")).removeprefix(REFERENCE_TO.format(model=""))


def follow(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """The schema itself, or the component that it refers to."""
    name = name_of(schema)
    return dict(document["components"]["schemas"][name]) if name else schema


def example_of(document: dict[str, Any], schema: dict[str, Any]) -> Any:
    """An example of a schema: its own, or one put together from its members'."""
    schema = follow(document, schema)
    if schema.get("examples"):
        return schema["examples"][0]
    if "properties" in schema:
        return {name: example_of(document, member) for name, member in schema["properties"].items()}
    if schema.get("type") == "array":
        return [example_of(document, schema["items"])]
    return _plain_example(schema)


def _plain_example(schema: dict[str, Any]) -> Any:
    if "const" in schema or "enum" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    by_format = {"date-time": "2026-11-22T06:06:00Z", "uri": "https://onecert.example/guides/tencent"}
    return {"boolean": False, "integer": 1}.get(schema.get("type", ""), by_format.get(schema.get("format", ""), "..."))
