"""Examples of bodies and answers, from the OpenAPI document's schemas, and samples in three languages. Pure."""

from __future__ import annotations

import json
import shlex
from typing import Any

from miniprogram_api.contract.operations import API_ROOT, Operation
from miniprogram_api.contract.requests import IDEMPOTENCY_HEADER
from miniprogram_api.contract.schemas import EXAMPLE_REFERENCE

REFERENCE_TO = "#/components/schemas/{model}"

Headers = list[tuple[str, str, str]]
"""Name, the fixed part of the value, and which value the caller supplies: `token`, `key`, a signature's, or nothing."""

SIGNATURE = (("Content-Digest", "digest"), ("Signature-Input", "input"), ("Signature", "signature"))
"""The headers of a signed call, which a library of RFC 9421 makes."""


def build_samples(operation: Operation, origin: str, example: Any | None) -> list[dict[str, str]]:
    """Write one call to `origin` (scheme, host, port) in each language; `example`: the body that is sent, if any."""
    url = f"{origin}{API_ROOT}{operation.path.replace('{reference}', EXAMPLE_REFERENCE)}"
    body = json.dumps(example, ensure_ascii=False) if example is not None else None
    written = {
        "curl": _curl(operation, url, body),
        "JavaScript": _javascript(operation, url, example),
        "Java": _java(operation, url, body),
    }
    return [{"lang": lang, "label": lang, "source": source} for lang, source in written.items()]


def _headers(operation: Operation, body: object) -> Headers:
    found: Headers = [("Authorization", "Bearer ", "token")] if operation.session else []
    found += [(name, "", supplied) for name, supplied in SIGNATURE] if operation.signed else []
    found += [("Content-Type", "application/json", "")] if body is not None else []
    return found + ([(IDEMPOTENCY_HEADER, "", "key")] if operation.idempotent else [])


def _curl(operation: Operation, url: str, body: str | None) -> str:
    supplied = {"": "", "token": "$TOKEN", "key": "$(uuidgen)"} | {word: f"${word.upper()}" for _, word in SIGNATURE}
    words = [f"curl -sS -X {operation.method} {shlex.quote(url)}"]
    words += [f'-H "{name}: {fixed}{supplied[value]}"' for name, fixed, value in _headers(operation, body)]
    words += [f"-d {shlex.quote(body)}"] if body is not None else []
    return " \\\n  ".join(words)


def _javascript(operation: Operation, url: str, example: Any | None) -> str:
    supplied = {"token": "token", "key": "crypto.randomUUID()"} | {word: word for _, word in SIGNATURE}
    headers = [
        f"    {json.dumps(name)}: " + (f"{json.dumps(fixed)} + " if fixed and value else "") + supplied[value]
        if value
        else f"    {json.dumps(name)}: {json.dumps(fixed)}"
        for name, fixed, value in _headers(operation, example)
    ]
    options = [f"  method: {json.dumps(operation.method)}"]
    options += ["  headers: {\n" + ",\n".join(headers) + "\n  }"] if headers else []
    if example is not None:
        options += [f"  body: JSON.stringify({json.dumps(example, ensure_ascii=False)})"]
    lines = [f"const answer = await fetch({json.dumps(url)}, {{", ",\n".join(options), "});"]
    lines += ["if (!answer.ok) throw new Error((await answer.json()).code);"]
    return "\n".join([*lines, "console.log(await answer.json());"] if operation.answer else lines)


def _java(operation: Operation, url: str, body: str | None) -> str:
    supplied = {"token": "token", "key": "java.util.UUID.randomUUID().toString()"} | {
        word: word for _, word in SIGNATURE
    }
    sent = f"HttpRequest.BodyPublishers.ofString({_quoted(body)})" if body else "HttpRequest.BodyPublishers.noBody()"
    lines = [f"HttpRequest request = HttpRequest.newBuilder(URI.create({_quoted(url)}))"]
    for name, fixed, value in _headers(operation, body):
        told = " + ".join(([_quoted(fixed)] if fixed else []) + ([supplied[value]] if value else []))
        lines.append(f"    .header({_quoted(name)}, {told})")
    lines.append(f"    .method({_quoted(operation.method)}, {sent})\n    .build();")
    lines.append("HttpResponse<String> answer = HttpClient.newHttpClient()")
    lines.append("    .send(request, HttpResponse.BodyHandlers.ofString());")
    return "\n".join([*lines, "System.out.println(answer.statusCode() + answer.body());"])


def _quoted(text: str) -> str:
    """Write a string literal of Java; JSON's escapes are Java's too."""
    return json.dumps(text)


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
