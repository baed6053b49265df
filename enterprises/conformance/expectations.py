"""What the checks of the conformance run expect of an answer, and how they read one."""

from __future__ import annotations

import json
from typing import Any

from config.net.http_client import HttpResponse
from enterprises.conformance.findings import Failed
from enterprises.conformance.trial import Asked, Trial, items_of
from enterprises.protocol import Parsed, parse_answer


def question_of(trial: Trial) -> bytes:
    """The body of a well-formed question that was put just now."""
    kept: list[bytes] = []

    def keep(body: bytes) -> bytes:
        kept.append(body)
        return body

    trial.ask(edit=keep)
    return kept[0]


def expect_status(answer: HttpResponse, *expected: int) -> None:
    """Failed unless it answered one of these."""
    if answer.status not in expected:
        raise Failed(f"answered {answer.status}, not {' or '.join(map(str, expected))}")


def expect_no_5xx(answer: HttpResponse) -> None:
    """Failed when it fell over."""
    if answer.status >= 500:
        raise Failed(f"answered {answer.status}")


def by_id(answer: dict[str, Any]) -> dict[str, Any]:
    """The items of an answer by id."""
    return {str(item.get("id")): {**item, "id": ""} for item in items_of(answer)}


def parsed_of(trial: Trial, asked: Asked, kind: str | None) -> Parsed:
    """The answer as OneCert reads it."""
    kind = kind or ("identity" if trial.partner.kind == "carrier" else "count")
    codes = {application.code for application in trial.partner.counted}
    body = json.dumps(trial.answer_of(asked)).encode()
    return parse_answer(body, batch=asked.batch, asked=asked.ids, kind=kind, applications=codes)


def expect_all_answered(trial: Trial, asked: Asked, kind: str | None = None) -> None:
    """Failed when OneCert finds fault with the answer, down to one item."""
    faults = parsed_of(trial, asked, kind).faults
    if faults:
        raise Failed("; ".join(faults[:3]))
