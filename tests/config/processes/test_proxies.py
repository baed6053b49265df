"""Behind trusted proxies: whose address a request has, and what is counted when it cannot be read."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from flask import Flask, request
from werkzeug.test import Client

from config.ground import Ground
from config.processes.proxies import behind_proxies
from config.telemetry.recent_counts import CLIENT_ADDRESS_UNREADABLE, read_count
from tests.conftest import on_sqlite

pytestmark = on_sqlite


def client_behind(ground: Ground, hops: int = 1, header: str = "") -> Client:
    app = Flask(__name__)
    app.add_url_rule("/", view_func=lambda: {"address": request.remote_addr, "scheme": request.scheme})
    settings = replace(ground.settings, trusted_proxies=hops, forwarded_header=header)
    return Client(behind_proxies(app.wsgi_app, replace(ground, settings=settings)))


def address(client: Client, **headers: str) -> str:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = client.get("/", headers=sent, environ_overrides={"REMOTE_ADDR": "127.0.0.1"})
    told: str = json.loads(answer.data)["address"]
    return told


@pytest.mark.parametrize(
    ("header", "headers", "expected"),
    [
        ("", {"X_Forwarded_For": "6.6.6.6, 198.51.100.7:4711"}, "198.51.100.7"),
        ("", {"Forwarded": 'for=6.6.6.6, for="[2001:db8::7]:4711";proto=https'}, "2001:db8::7"),
        ("", {"X_Forwarded_For": "198.51.100.7", "Forwarded": "for=6.6.6.6"}, "198.51.100.7"),
        ("forwarded", {"X_Forwarded_For": "6.6.6.6", "Forwarded": "for=198.51.100.7"}, "198.51.100.7"),
        ("x-forwarded-for", {"Forwarded": "for=6.6.6.6"}, ""),
        ("", {"X_Forwarded_For": "unknown"}, ""),
        ("", {}, ""),
    ],
)
def test_the_address_is_the_trusted_proxys_word(
    ground: Ground, header: str, headers: dict[str, str], expected: str
) -> None:
    assert address(client_behind(ground, 1, header), **headers) == expected


def test_the_scheme_is_the_proxys_word_as_before(ground: Ground) -> None:
    told = client_behind(ground).get("/", headers={"X-Forwarded-Proto": "https", "X-Forwarded-For": "198.51.100.7"})
    assert json.loads(told.data) == {"address": "198.51.100.7", "scheme": "https"}


def test_what_cannot_be_read_is_logged_without_the_address_and_counted(
    ground: Ground, capsys: pytest.CaptureFixture[str]
) -> None:
    client = client_behind(ground, 2)
    for _ in range(3):
        assert address(client, X_Forwarded_For="abc:198.51.100.7, 203.0.113.1") == ""
    printed = "".join(capsys.readouterr())
    assert printed.count(CLIENT_ADDRESS_UNREADABLE) == 1
    assert "198.51" not in printed and "x:x.x.x.x" in printed
    assert read_count(ground.redis, CLIENT_ADDRESS_UNREADABLE, ground.clock.now()) == 3
    assert read_count(ground.redis, CLIENT_ADDRESS_UNREADABLE, ground.clock.now() + 25 * 3_600_000) == 0


def test_without_proxies_no_header_counts(ground: Ground) -> None:
    assert address(client_behind(ground, 0), X_Forwarded_For="6.6.6.6") == "127.0.0.1"
