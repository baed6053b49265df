"""Aliyun's callbacks, which nobody signs: only the address that the operator gave the vendor opens."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient

from config.db.engine import begin
from config.errors import OneCertError
from config.ground import Ground
from config.times.clock import FixedClock
from sms_port.cli import message_group
from sms_port.ledger.inbound import opt_outs
from sms_port.ledger.messages import RESEND_AFTER_MS, sweep
from sms_port.message_reference import build_reference
from sms_port.models import State
from sms_port.sending.gateway import send_due
from sms_port.views import make_blueprint
from tests.sms_port.aliyun_peers import REPORT, TEXT, run_cloud, use_aliyun
from tests.sms_port.messages import PHONE, News, make_code, make_reply, owe_all, problem, state_of


@pytest.fixture
def client(ground: Ground, news: News) -> FlaskClient:
    use_aliyun(ground, "http://127.0.0.1:9")
    app = Flask("web", static_folder=None)
    app.register_blueprint(make_blueprint(ground, news))
    app.register_error_handler(OneCertError, problem)
    return app.test_client()


def addresses(ground: Ground) -> dict[str, str]:
    done = CliRunner().invoke(message_group, ["callbacks", "cloud", "--json"], obj=ground)
    rows = json.loads(done.stdout)
    return {row["for"]: row["address"].removeprefix(ground.settings.public_url) for row in rows}


def test_a_report_settles_its_message_and_is_acknowledged(ground: Ground, news: News) -> None:
    """L01: as help.aliyun.com documents SmsReport."""
    with run_cloud() as cloud:
        use_aliyun(ground, cloud.url)
        code = make_code(ground)
        owe_all(ground, code)
        send_due(ground, news)
        assert state_of(ground, code) is State.ACCEPTED
        assert [call["OutId"] for call in cloud.calls] == [build_reference(code.id, 1)]
    app = Flask("web", static_folder=None)
    app.register_blueprint(make_blueprint(ground, news))
    reports = [REPORT | {"out_id": build_reference(code.id, 1)}]
    answer = app.test_client().post(addresses(ground)["receipts"], json=reports)
    assert answer.json == {"code": 0, "msg": "received"}
    assert state_of(ground, code) is State.DELIVERED


def test_a_lost_answer_is_found_out_and_no_code_is_sent_twice(ground: Ground, news: News, clock: FixedClock) -> None:
    with run_cloud() as cloud:
        use_aliyun(ground, cloud.url)
        cloud.raw = b"{"
        code = make_code(ground)
        owe_all(ground, code)
        send_due(ground, news)
        assert state_of(ground, code) is State.ACCEPTED
        assert len(cloud.named("SendSms")) == 1


def test_a_code_the_vendor_knows_nothing_of_is_given_up_and_not_sent_again(
    ground: Ground, news: News, clock: FixedClock
) -> None:
    with run_cloud() as cloud:
        use_aliyun(ground, cloud.url)
        cloud.raw, cloud.status = b"{", 500
        code = make_code(ground)
        owe_all(ground, code)
        send_due(ground, news)
        assert state_of(ground, code) is State.UNKNOWN
        clock.advance(RESEND_AFTER_MS)
        sweep(ground, news)
        send_due(ground, news)
        assert state_of(ground, code) is State.UNKNOWN_FINAL
        assert len(cloud.named("SendSms")) == 1


def test_a_reply_in_free_words_never_goes_there(ground: Ground, news: News) -> None:
    with run_cloud() as cloud:
        use_aliyun(ground, cloud.url)
        reply = make_reply()
        owe_all(ground, reply)
        send_due(ground, news)
        assert state_of(ground, reply) is State.DUE  # its own link cannot be reached just now
        assert cloud.calls == []


def test_a_citizens_text_counts(ground: Ground, client: FlaskClient) -> None:
    assert client.post(addresses(ground)["inbound"], json=[TEXT]).json == {"code": 0, "msg": "received"}
    assert [row["phone"] for row in opt_outs(ground)] == ["138****8000"]


def test_half_an_emoji_in_a_citizens_text_costs_nobody_anything(ground: Ground, client: FlaskClient) -> None:
    body = '[{"phone_number": "13900139000", "content": "\\ud83d"}, ' + json.dumps(TEXT) + "]"
    answer = client.post(addresses(ground)["inbound"], data=body, content_type="application/json")
    assert answer.json == {"code": 0, "msg": "received"}
    assert [row["phone"] for row in opt_outs(ground)] == ["138****8000"]


def test_another_address_is_no_door(ground: Ground, client: FlaskClient) -> None:
    for path in addresses(ground).values():
        token = path.split("/")[4]
        for wrong in (token[:-1] + ("0" if token[-1] != "0" else "1"), token[:-1], "x", "%E4%B8%80"):
            assert client.post(path.replace(token, wrong), json=[TEXT]).status_code == 404
        assert client.post(path.replace("/cloud/", "/main/"), json=[TEXT]).status_code == 404
        assert client.post(path.replace("/cloud/", "/nobody/"), json=[TEXT]).status_code == 404
    assert opt_outs(ground) == []


def test_the_address_changes_with_the_secret_and_the_old_one_opens_until_then(
    ground: Ground, client: FlaskClient
) -> None:
    old = addresses(ground)["inbound"]
    with begin(ground.engine) as db:
        ground.secrets.set(db, "cloud.key.next", "the next secret", ground.clock.now())
    ground.secrets.forget()
    assert client.post(old, json=[TEXT]).status_code == 200


def test_bad_bodies_are_refused_without_a_number_in_the_answer(ground: Ground, client: FlaskClient) -> None:
    for path in addresses(ground).values():
        answer = client.post(path, json={"phone_number": PHONE})
        assert (answer.status_code, PHONE in answer.text) == (400, False)


@pytest.mark.parametrize("link", ["main", "nobody"])
def test_only_an_aliyun_link_has_such_addresses(ground: Ground, link: str) -> None:
    assert CliRunner().invoke(message_group, ["callbacks", link], obj=ground).exit_code == 1
