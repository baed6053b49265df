"""Answers are compressed, unless somebody else's words could stand beside the asker's secret in them (BREACH)."""

from __future__ import annotations

import gzip

import pytest
from flask import Flask, Response, request
from flask.testing import FlaskClient

from config.net.compression import compress_answers
from config.net.response_headers import headers_for

LONG = "一证通查 " * 200


@pytest.fixture
def client() -> FlaskClient:
    app = Flask("compressed")
    compress_answers(app)
    app.add_url_rule("/page", "page", lambda: LONG, methods=["GET", "POST"])
    app.add_url_rule("/short", "short", lambda: "short")
    app.add_url_rule("/json", "json", lambda: Response('{"a":"' + LONG + '"}', content_type="application/json"))
    app.add_url_rule("/picture", "picture", lambda: Response(LONG, content_type="image/png"))
    app.add_url_rule("/echo", "echo", lambda: request.args.get("q", "") + LONG)
    return app.test_client()


@pytest.mark.parametrize(
    ("takes", "comes"), [("gzip", "gzip"), ("br, gzip", "br"), ("zstd", "zstd"), ("identity", None)]
)
def test_the_best_of_what_the_client_takes(client: FlaskClient, takes: str, comes: str | None) -> None:
    answer = client.get("/page", headers={"Accept-Encoding": takes})
    assert answer.headers.get("Content-Encoding") == comes
    assert "Accept-Encoding" in answer.headers["Vary"]
    assert (len(answer.data) < len(LONG.encode())) == (comes is not None)


def test_what_comes_out_is_what_went_in(client: FlaskClient) -> None:
    answer = client.get("/json", headers={"Accept-Encoding": "gzip"})
    assert gzip.decompress(answer.data).decode() == '{"a":"' + LONG + '"}'
    assert int(answer.headers["Content-Length"]) == len(answer.data)


@pytest.mark.parametrize("path", ["/short", "/picture"])
def test_what_gains_nothing_is_left_alone(client: FlaskClient, path: str) -> None:
    assert "Content-Encoding" not in client.get(path, headers={"Accept-Encoding": "gzip"}).headers


@pytest.mark.parametrize(
    ("method", "path", "headers", "compressed"),
    [
        ("GET", "/page", {"cookie": "s"}, True),
        ("GET", "/echo?q=guess", {}, True),
        ("GET", "/echo?q=guess", {"cookie": "s"}, False),
        ("GET", "/echo?q=guess", {"Authorization": "Bearer t"}, False),
        ("POST", "/page", {}, False),
        ("POST", "/page", {"cookie": "s"}, False),
    ],
)
def test_a_strangers_words_are_never_compressed_beside_a_secret(
    client: FlaskClient, method: str, path: str, headers: dict[str, str], compressed: bool
) -> None:
    if cookie := headers.pop("cookie", ""):
        client.set_cookie("session", cookie)
    answer = client.open(path, method=method, headers={"Accept-Encoding": "gzip", **headers})
    assert ("Content-Encoding" in answer.headers) == compressed


@pytest.mark.parametrize(
    ("url", "strict"),
    [("https://onecert.example", True), ("http://127.0.0.1:8000", False), ("http://onecert.example", False)],
)
def test_browsers_come_back_by_https_only_where_the_service_has_it(url: str, strict: bool) -> None:
    assert ("Strict-Transport-Security" in headers_for(url)) == strict
