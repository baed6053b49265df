"""The samples of a call in curl, JavaScript and Java, for `x-codeSamples` of the OpenAPI document. Pure."""

from __future__ import annotations

import json
import shlex
from typing import Any

from miniprogram_api.contract.operations import API_ROOT, Operation
from miniprogram_api.contract.requests import IDEMPOTENCY_HEADER
from miniprogram_api.contract.schemas import EXAMPLE_REFERENCE

Headers = list[tuple[str, str, str]]
"""Name, the fixed part of the value, and which value the caller supplies: `token`, `key`, or nothing."""


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
    found += [("Content-Type", "application/json", "")] if body is not None else []
    return found + ([(IDEMPOTENCY_HEADER, "", "key")] if operation.idempotent else [])


def _curl(operation: Operation, url: str, body: str | None) -> str:
    supplied = {"": "", "token": "$TOKEN", "key": "$(uuidgen)"}
    words = [f"curl -sS -X {operation.method} {shlex.quote(url)}"]
    words += [f'-H "{name}: {fixed}{supplied[value]}"' for name, fixed, value in _headers(operation, body)]
    words += [f"-d {shlex.quote(body)}"] if body is not None else []
    return " \\\n  ".join(words)


def _javascript(operation: Operation, url: str, example: Any | None) -> str:
    supplied = {"token": "token", "key": "crypto.randomUUID()"}
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
    supplied = {"token": "token", "key": "java.util.UUID.randomUUID().toString()"}
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
