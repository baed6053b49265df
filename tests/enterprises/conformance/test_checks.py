"""The conformance run: the sandbox and the reference partner pass; each fault is found by the check that is for it."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
import structlog
from click.testing import CliRunner, Result
from flask import Flask

from config.ground import Ground
from config.times.clock import FixedClock, SystemClock
from enterprises.cli import partner
from enterprises.conformance.checks import CHECKS, REQUEST_CHECKS
from enterprises.sandbox.partners import make_blueprint
from tests.enterprises.server import Sandbox, Switchboard
from tests.support.servers import free_port, serve

SECRET = "the-secret-of-the-partner-under-test"
EXAMPLE = Path(__file__).parents[3] / "docs/examples/partner.py"


def reference(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("KEY_ID", "example")
    monkeypatch.setenv("KEY", SECRET)
    spec = importlib.util.spec_from_file_location("reference_partner", EXAMPLE)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.application


def run(ground: Ground | None, *words: str, secret: str | None = None) -> tuple[Result, dict[str, dict[str, str]]]:
    result = CliRunner().invoke(partner, ["conformance", *words, "--json"], input=secret, obj=ground)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    rows = json.loads(result.stdout) if result.stdout.startswith("[") else []
    return result, {row["check"]: row for row in rows}


def today(sandbox: Sandbox) -> None:
    """The run goes by the real clock, and so must the sandbox."""
    assert isinstance(sandbox.ground.clock, FixedClock)
    sandbox.ground.clock.ms = SystemClock().now()


def failures(rows: dict[str, dict[str, str]]) -> dict[str, str]:
    return {name: row["seen"] for name, row in rows.items() if row["result"] == "fail"}


@pytest.mark.parametrize("code", ["tencent", "china-mobile"])
def test_the_sandbox_conforms_and_is_known_by_its_address_alone(sandbox: Sandbox, code: str) -> None:
    today(sandbox)
    result, rows = run(sandbox.ground, f"{sandbox.url}/partners/{code}")
    assert failures(rows) == {}
    assert result.exit_code == 0, result.output
    assert len(rows) == len(CHECKS) + (len(REQUEST_CHECKS) if code == "tencent" else 0)
    assert len(CHECKS) >= 40
    skipped = {name for name, row in rows.items() if row["result"] == "skip"}
    assert {"TLS", "callback"} <= skipped


def test_the_reference_partner_conforms(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(reference(monkeypatch)) as url:
        words = ["--key-id", "example", "--secret-file", "-", "--application", "weixin", "--application", "qq"]
        result, rows = run(None, url, *words, secret=SECRET)
    assert failures(rows) == {}
    assert result.exit_code == 0


def test_a_stranger_needs_a_key(ground: Ground) -> None:
    result, _ = run(ground, "https://partner.example/onecert")
    assert result.exit_code == 2
    assert "--key-id" in result.stderr


def test_nobody_there_fails_at_once(ground: Ground) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    result, rows = run(ground, url, "--key-id", "k", "--secret-file", "-", secret=SECRET)
    assert result.exit_code == 1
    assert failures(rows) == {"address answers": "no answer: refused"}


def test_a_partner_that_calls_back_is_checked_by_listening(
    sandbox: Sandbox, switchboard: Switchboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What threads log would stand in the middle of the command's output.
    monkeypatch.setattr("enterprises.sandbox.callbacks._log", structlog.testing.CapturingLogger())
    port = free_port()
    today(sandbox)
    app = Flask("sandbox")
    app.register_blueprint(make_blueprint(sandbox.ground, sandbox.behaviour, f"http://127.0.0.1:{port}"))
    switchboard.app = app
    sandbox.behaviour.set("tencent", "callback", 0.02)
    _, silent = run(sandbox.ground, f"{sandbox.url}/partners/tencent")
    result, rows = run(sandbox.ground, f"{sandbox.url}/partners/tencent", "--listen", f"127.0.0.1:{port}")
    assert silent["callback"]["result"] == "skip"
    assert failures(rows) == {}
    assert result.exit_code == 0
    assert {rows[name]["result"] for name in ("callback", "asked again after 202", "202 names the batch")} == {"pass"}
