"""The checks of requests: the sandbox and the reference partner pass, and each fault is found."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, Response, request

from enterprises.conformance.checks import REQUEST_CHECKS, run_check
from enterprises.conformance.command import stranger
from enterprises.conformance.request_checks import RequestTrial
from tests.enterprises.conformance.test_checks import SECRET, failures, reference, run, today
from tests.enterprises.server import Sandbox
from tests.support.servers import serve

Edit = Callable[[dict[str, Any], dict[str, Any]], Any]


def test_there_are_fifteen_at_least_and_the_sandbox_passes_them(sandbox: Sandbox) -> None:
    today(sandbox)
    _, rows = run(sandbox.ground, f"{sandbox.url}/partners/jd")
    mine = {name: row for name, row in rows.items() if name.startswith("requests: ")}
    assert len(mine) == len(REQUEST_CHECKS) >= 15
    assert failures(mine) == {}
    assert {row["result"] for row in mine.values()} == {"pass"}


def test_the_reference_partner_passes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(reference(monkeypatch)) as url:
        words = ["--key-id", "example", "--secret-file", "-", "--application", "weixin", "--application", "qq"]
        kinds = [word for kind in ("unbind", "dispute", "watch") for word in ("--requests", kind)]
        result, rows = run(None, url, *words, *kinds, secret=SECRET)
    assert failures(rows) == {}
    assert sum(name.startswith("requests: ") for name in rows) == len(REQUEST_CHECKS)
    assert result.exit_code == 0


def faulty(edit: Edit) -> Flask:
    """A partner that verifies nothing and answers as `edit` changes a right answer."""
    app = Flask("faulty")

    @app.post("/v1/requests")
    def take() -> Response:
        asked = json.loads(request.get_data())
        items = [{"id": item["id"], "state": "done"} for item in asked["items"]]
        told = edit(asked, {"batch": asked["batch"], "items": items})
        return told if isinstance(told, Response) else Response(json.dumps(told), content_type="application/json")

    return app


def items(**change: Any) -> Edit:
    return lambda asked, answer: {**answer, "items": [{**item, **change} for item in answer["items"]]}


FAULTS: dict[str, Edit] = {
    "requests: answered": lambda asked, answer: Response(status=500),
    "requests: no signature refused": lambda asked, answer: answer,
    "requests: wrong secret refused": lambda asked, answer: answer,
    "requests: changed body refused": lambda asked, answer: answer,
    "requests: another path refused": lambda asked, answer: answer,
    "requests: replay refused": lambda asked, answer: answer,
    "requests: every kind agreed on": items(state="perhaps"),
    "requests: a batch": lambda asked, answer: {**answer, "items": answer["items"][:1]},
    "requests: batch named": lambda asked, answer: {**answer, "batch": "another"},
    "requests: due": items(state="accepted", due="2020-01-01"),
    "requests: unknown kind": lambda asked, answer: answer,
    "requests: unknown member": items(state="refused", reason="we do not like it"),
    "requests: field missing": lambda asked, answer: answer,
    "requests: number not repeated": lambda asked, answer: {**answer, "phone": asked["items"][0]["phone"]},
    "requests: application not yours": lambda asked, answer: Response(status=500),
}


@pytest.mark.parametrize("name", FAULTS)
def test_each_check_finds_its_fault(name: str) -> None:
    (check,) = (check for check in REQUEST_CHECKS if check.name == name)
    with serve(faulty(FAULTS[name])) as url:
        partner = stranger(url, {"requests": ("dispute",)})
        with RequestTrial(partner, SECRET) as trial:
            assert run_check(check, trial).state == "fail"


def test_a_final_state_that_is_left_is_found() -> None:
    states = iter(["done", "none", "done", "none"])
    (check,) = (check for check in REQUEST_CHECKS if check.name == "requests: sent again")
    app = faulty(lambda asked, answer: items(state=next(states))(asked, answer))
    with serve(app) as url, RequestTrial(stranger(url, {"requests": ("dispute",)}), SECRET) as trial:
        assert run_check(check, trial).state == "fail"
