"""Expectations that the checks of the conformance run share, and how they read an answer."""

from __future__ import annotations

import json
from typing import Any

from config.net.http_client import HttpResponse
from enterprises.conformance.findings import Failed
from enterprises.conformance.trial import Asked, Trial, items_of
from enterprises.protocol import Parsed, parse_answer


def question_of(trial: Trial) -> bytes:
    """Put a well-formed question and return its body."""
    kept: list[bytes] = []

    def keep(body: bytes) -> bytes:
        kept.append(body)
        return body

    trial.ask(edit=keep)
    return kept[0]


def expect_status(answer: HttpResponse, *expected: int) -> None:
    """Raise Failed unless the answer has one of these statuses."""
    if answer.status not in expected:
        raise Failed(f"answered {answer.status}, not {' or '.join(map(str, expected))}")


def expect_no_5xx(answer: HttpResponse) -> None:
    """Raise Failed when the answer is a server error."""
    if answer.status >= 500:
        raise Failed(f"answered {answer.status}")


def by_id(answer: dict[str, Any]) -> dict[str, Any]:
    """Return the items of an answer by id."""
    return {str(item.get("id")): {**item, "id": ""} for item in items_of(answer)}


def parsed_of(trial: Trial, asked: Asked, kind: str | None) -> Parsed:
    """Parse the answer as OneCert does."""
    kind = kind or ("identity" if trial.partner.kind == "carrier" else "count")
    codes = {application.code for application in trial.partner.counted}
    body = json.dumps(trial.answer_of(asked)).encode()
    return parse_answer(body, batch=asked.batch, asked=asked.ids, kind=kind, applications=codes)


def expect_all_answered(trial: Trial, asked: Asked, kind: str | None = None) -> None:
    """Raise Failed when OneCert finds a fault in the answer, down to one item."""
    faults = parsed_of(trial, asked, kind).faults
    if faults:
        raise Failed("; ".join(faults[:3]))
