"""Requests are counted by rule and status; no path, which may hold anything, becomes a label."""

from __future__ import annotations

import pytest
from flask import Flask

from config.processes import request_metrics
from config.processes.admission import Admission
from config.processes.request_metrics import count_requests


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    seen: list[tuple[str, str]] = []
    monkeypatch.setattr(request_metrics, "count_request", lambda route, status, _s: seen.append((route, status)))
    return seen


@pytest.fixture
def app() -> Flask:
    app = Flask("counted")
    app.add_url_rule("/inquiries/<reference>", view_func=lambda reference: reference, endpoint="one")
    app.add_url_rule("/broken", view_func=lambda: str(1 // 0), endpoint="broken")
    app.wsgi_app = count_requests(app, Admission(app.wsgi_app, ()))  # type: ignore[method-assign, assignment]
    return app


def test_each_answer_counts_once_under_its_rule(app: Flask, counted: list[tuple[str, str]]) -> None:
    client = app.test_client()
    client.get("/inquiries/482913057716")
    client.post("/inquiries/13800138000")
    client.get("/13800138000")
    client.get("/broken")
    assert counted == [("/inquiries/<reference>", "200"), ("unknown", "405"), ("unknown", "404"), ("/broken", "500")]


def test_what_is_refused_before_the_application_counts_too(app: Flask, counted: list[tuple[str, str]]) -> None:
    app.test_client().get("/inquiries/1", headers={"Host": "a, b"})
    assert counted == [("refused", "400")]
