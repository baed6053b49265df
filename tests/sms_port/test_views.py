"""The token for receipts: only a signed, fresh, new and well-formed call gets through."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from config.crypto.http_signatures import sign
from config.db.engine import begin, reading
from config.errors import OneCertError
from config.ground import Ground
from config.queue.bell import make_redis
from sms_port.message_reference import build_reference
from sms_port.models import State, receipt
from sms_port.sending.gateway import send_due
from sms_port.views import make_blueprint
from tests.sms_port.messages import News, make_reply, owe_all, problem, run_sandbox, state_of
from tests.support.servers import serve, wait_until

PATH = "/sms/main/receipts"


def make_door(ground: Ground, news: News) -> Flask:
    app = Flask("web", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = 64 * 1024
    app.register_blueprint(make_blueprint(ground, news))
    app.register_error_handler(OneCertError, problem)
    return app


@pytest.fixture
def token(ground: Ground, news: News) -> Flask:
    return make_door(ground, news)


@pytest.fixture
def client(token: Flask) -> FlaskClient:
    return token.test_client()


def build_body(*names: str) -> bytes:
    item = {"part": 1, "status": "delivered", "code": "DELIVRD", "done_at": "2026-11-22T06:05:00Z"}
    return json.dumps({"receipts": [item | {"id": name} for name in names]}).encode()


def signed(ground: Ground, body: bytes, *, path: str = PATH, secret: str | None = None, now: int = 0) -> dict[str, str]:
    return sign(
        "POST",
        f"http://localhost{path}",
        body,
        content_type="application/json",
        key_id="onecert-main",
        secret=secret or ground.secrets.get("main.key"),
        now=now or ground.clock.now(),
    )


def post(client: FlaskClient, body: bytes, headers: dict[str, str], path: str = PATH) -> TestResponse:
    return client.post(path, data=body, headers=headers)


def kept(ground: Ground) -> int:
    with reading(ground.engine) as db:
        return len(db.execute(select(receipt)).all())


@pytest.mark.parametrize("door_of", ["receipts", "inbound"])
def test_a_link_without_its_key_is_ours_to_mend(ground: Ground, client: FlaskClient, door_of: str) -> None:
    body = build_body("a")
    headers = signed(ground, body, path=f"/sms/main/{door_of}")
    with begin(ground.engine) as db:
        ground.secrets.remove(db, "main.key")
    assert post(client, body, headers, path=f"/sms/main/{door_of}").status_code == 503


def test_signed_receipts_are_kept_and_acknowledged(ground: Ground, client: FlaskClient) -> None:
    body = build_body("a", "b")
    answer = post(client, body, signed(ground, body))
    assert (answer.status_code, answer.json) == (200, {"received": 2})
    assert kept(ground) == 2


def test_the_same_call_is_not_taken_twice(ground: Ground, client: FlaskClient) -> None:
    body = build_body("a")
    headers = signed(ground, body)
    assert post(client, body, headers).status_code == 200
    assert post(client, body, headers).status_code == 401


def test_the_same_receipts_signed_anew_are_harmless(ground: Ground, client: FlaskClient) -> None:
    body = build_body("a")
    assert [post(client, body, signed(ground, body)).status_code for _ in range(3)] == [200] * 3
    assert kept(ground) == 1


@pytest.mark.parametrize("age", [-301_000, 301_000])
def test_an_old_or_early_signature_is_refused(ground: Ground, client: FlaskClient, age: int) -> None:
    body = build_body("a")
    assert post(client, body, signed(ground, body, now=ground.clock.now() + age)).status_code == 401


def test_a_call_without_a_signature_or_with_another_key_is_refused(ground: Ground, client: FlaskClient) -> None:
    body = build_body("a")
    assert post(client, body, {"Content-Type": "application/json"}).status_code == 401
    assert post(client, body, signed(ground, body, secret="x" * 43)).status_code == 401
    assert post(client, body, signed(ground, body, path="/sms/other/receipts")).status_code == 401
    assert kept(ground) == 0


def test_an_altered_body_is_refused_before_it_is_read(ground: Ground, client: FlaskClient) -> None:
    body = build_body("a")
    assert post(client, body.replace(b'"a"', b'"b"'), signed(ground, body)).status_code == 401
    assert post(client, b"{", signed(ground, body)).status_code == 401


def test_both_keys_are_taken_while_one_replaces_the_other(ground: Ground, client: FlaskClient) -> None:
    with begin(ground.engine) as db:
        ground.secrets.set(db, "main.key.next", "n" * 43, ground.clock.now())
    ground.secrets.forget()
    body = build_body("a")
    assert post(client, body, signed(ground, body)).status_code == 200
    assert post(client, body, signed(ground, body, secret="n" * 43)).status_code == 200


def test_signed_nonsense_is_a_bad_request(ground: Ground, client: FlaskClient) -> None:
    answer = post(client, b"{", signed(ground, b"{"))
    assert (answer.status_code, answer.json) == (400, {"code": "body_invalid"})


def test_a_full_batch_of_receipts_is_taken_and_a_larger_one_refused(ground: Ground, client: FlaskClient) -> None:
    body = build_body(*(build_reference(number.to_bytes(16, "big"), 1) for number in range(1_000)))
    assert len(body) > 64 * 1024
    assert post(client, body, signed(ground, body)).status_code == 200
    large = body + b" " * 256 * 1024
    assert post(client, large, signed(ground, large)).status_code == 413


def test_an_unknown_link_is_not_found(ground: Ground, client: FlaskClient) -> None:
    body = build_body("a")
    path = "/sms/nobody/receipts"
    assert post(client, body, signed(ground, body, path=path), path).status_code == 404


def test_without_redis_a_replay_cannot_be_told_so_nothing_is_taken(ground: Ground, news: News) -> None:
    client = make_door(replace(ground, redis=make_redis("unix:///nowhere.sock")), news).test_client()
    body = build_body("a")
    assert post(client, body, signed(ground, body)).status_code == 503
    assert kept(ground) == 0


def test_the_sandbox_reports_what_it_received(ground: Ground, token: Flask, news: News) -> None:
    """From the gateway's call to the delivered message, over two real connections."""
    with serve(token) as web, run_sandbox(ground, public_url=web):
        owed = [make_reply(text="长" * 100), make_reply()]
        owe_all(ground, *owed)
        send_due(ground, news)
        wait_until(lambda: {state_of(ground, item) for item in owed} == {State.DELIVERED})
    assert news.kinds == ["accepted"] * 2
