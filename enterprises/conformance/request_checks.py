"""The checks of requests (docs/lookup-protocol.md, section 10), and the trial that sends them."""

from __future__ import annotations

import json
import secrets
import time
import uuid
from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from config.times.clock import SystemClock
from config.times.formats import shanghai
from enterprises.conformance.expectations import expect_no_5xx, expect_status
from enterprises.conformance.findings import Failed, Skipped
from enterprises.conformance.trial import Asked, Trial, items_of
from enterprises.errors import AnswerInvalid
from enterprises.protocol import Pending
from enterprises.request_protocol import FIELDS, PATH, Accepted, RequestItem, build_requests, parse_requests
from enterprises.reserved_number import TEST_PHONE

HELD: Final = "2024-05"
FAULTS_SHOWN: Final = 3


class RequestTrial(Trial):
    """A run against the address for requests; an item is about the reserved number and the first application."""

    @property
    def url(self) -> str:
        """The address for requests."""
        return self.partner.base_url.rstrip("/") + PATH

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds that the partner takes. Raises Skipped when there are none."""
        if not self.partner.requests:
            raise Skipped("takes no requests: citizens are sent to its guide")
        return tuple(self.partner.requests)

    def requests(self, count: int = 1) -> list[RequestItem]:
        """Requests about the reserved number, each with an id of its own."""
        application = self.partner.counted[0].code
        until = shanghai(SystemClock().now()).date().isoformat()
        return [
            RequestItem(f"check-{secrets.token_hex(8)}", TEST_PHONE, application, held=HELD, until=until)
            for _ in range(count)
        ]

    def ask(self, items: Any = None, kind: str | None = None, service: str = "", **change: Any) -> Asked:
        """Send well-formed requests; `change` as for `send`."""
        kind, batch = kind or self.kinds[0], str(uuid.uuid4())
        sent: Sequence[RequestItem] = items or self.requests()
        body = build_requests(batch, kind, sent)
        edit = change.pop("edit", None)
        begun = time.monotonic()
        answer = self.send(edit(body) if edit else body, **change)
        return Asked(batch, tuple(item.id for item in sent), answer, time.monotonic() - begun)

    def answer_of(self, asked: Asked) -> dict[str, Any]:
        """The answer's object. Raises Failed, or Skipped when the whole batch was accepted (202)."""
        if asked.answer.status == 202:
            raise Skipped("it accepted the whole batch: its states come as reports")
        return super().answer_of(asked)


def expect_states(trial: RequestTrial, asked: Asked, kind: str) -> dict[str, Any]:
    """Failed when OneCert finds fault with the states of an answer, down to one item; returns the states by id."""
    body = json.dumps(trial.answer_of(asked)).encode()
    try:
        parsed = parse_requests(body, batch=asked.batch, sent=asked.ids, kind=kind, today=_today())
    except AnswerInvalid as error:
        raise Failed(error.detail) from None
    if parsed.faults:
        raise Failed("; ".join(parsed.faults[:FAULTS_SHOWN]))
    return dict(parsed.answers)


def check_answered(trial: RequestTrial) -> None:
    """A request has an answer."""
    expect_status(trial.ask().answer, 200, 202)


def check_each_kind(trial: RequestTrial) -> None:
    """Every kind that was agreed on has states of its own."""
    for kind in trial.kinds:
        expect_states(trial, trial.ask(kind=kind), kind)


def check_batch(trial: RequestTrial) -> None:
    """A batch has a state for every item."""
    kind = trial.kinds[0]
    expect_states(trial, trial.ask(trial.requests(min(trial.partner.batch_size, 50)), kind), kind)


def check_names_batch(trial: RequestTrial) -> None:
    """The answer, or a 202, names the batch."""
    asked = trial.ask()
    body = trial.open_body(asked.answer.headers.get("Content-Type", ""), asked.answer.body)
    if json.loads(body).get("batch") != asked.batch:
        raise Failed("the answer names another batch")


def check_due(trial: RequestTrial) -> None:
    """A due date is not past, and at most 60 days ahead."""
    kind = trial.kinds[0]
    for item in items_of(trial.answer_of(trial.ask(kind=kind))):
        if "due" in item and not isinstance(item["due"], str):
            raise Failed("a due is no text")
    expect_states(trial, trial.ask(kind=kind), kind)


def check_same_request(trial: RequestTrial) -> None:
    """A repeated id is the same request: a final state is never left."""
    kind, items = trial.kinds[0], trial.requests()
    first = expect_states(trial, trial.ask(items, kind), kind)
    second = expect_states(trial, trial.ask(items, kind), kind)
    for name, answer in first.items():
        if not isinstance(answer, Accepted | Pending) and second[name] != answer:
            raise Failed("the same id has another final state")


def check_kind_unknown(trial: RequestTrial) -> None:
    """A kind of a later version is refused as such."""
    expect_status(trial.ask(edit=_with(kind="gossip")).answer, 400, 422)


def check_member_unknown(trial: RequestTrial) -> None:
    """Members of a later version are let pass."""
    kind = trial.kinds[0]
    asked = trial.ask(kind=kind, edit=_with(a_member_of_a_later_version={"any": ["thing", 1]}))
    expect_states(trial, asked, kind)


def check_field_missing(trial: RequestTrial) -> None:
    """An item without a field of its kind is refused."""
    for name in FIELDS[trial.kinds[0]][:2]:
        expect_status(trial.ask(edit=_without(name)).answer, 400, 422)


def check_application_unknown(trial: RequestTrial) -> None:
    """An application that is not the partner's is no reason to fall over."""
    item = trial.requests()[0]
    strange = RequestItem(item.id, item.phone, "no-such-application", held=item.held, until=item.until)
    expect_no_5xx(trial.ask([strange]).answer)


def check_no_echo(trial: RequestTrial) -> None:
    """The number is not repeated."""
    asked = trial.ask()
    if TEST_PHONE.encode() in trial.open_body(asked.answer.headers.get("Content-Type", ""), asked.answer.body):
        raise Failed("the answer repeats the number")


def _with(**members: Any) -> Any:
    return lambda body: json.dumps({**json.loads(body), **members}).encode()


def _without(name: str) -> Any:
    def edit(body: bytes) -> bytes:
        told = json.loads(body)
        told["items"] = [{key: value for key, value in item.items() if key != name} for item in told["items"]]
        return json.dumps(told).encode()

    return edit


def _today() -> date:
    return shanghai(SystemClock().now()).date()
