"""Switching the behaviour of the sandbox's sides."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from config.sandbox.behaviour import Behaviour, BehaviourUnknown, make_blueprint


@pytest.fixture
def behaviour() -> Behaviour:
    return Behaviour()


@pytest.fixture
def client(behaviour: Behaviour) -> FlaskClient:
    app = Flask("sandbox")
    app.register_blueprint(make_blueprint(behaviour))
    return app.test_client()


def test_everyone_behaves_until_told_otherwise(behaviour: Behaviour) -> None:
    assert behaviour.mode("tencent") == ("ok", None)


def test_a_side_plays_what_it_was_told_last(client: FlaskClient, behaviour: Behaviour) -> None:
    assert client.post("/behaviour", json={"side": "tencent", "mode": "slow", "seconds": 2}).status_code == 204
    assert behaviour.mode("tencent") == ("slow", 2.0)
    assert client.post("/behaviour", json={"side": "tencent", "mode": "ok"}).status_code == 204
    assert behaviour.mode("tencent") == ("ok", None)


@pytest.mark.parametrize(
    ("side", "mode"),
    [
        *(("tencent", mode) for mode in ("ok", "slow", "500", "garbage", "silent", "retry", "callback", "429")),
        *(("china-mobile", mode) for mode in ("mismatch", "inactive", "not_ours", "silent")),
        *(("gateway", mode) for mode in ("reject", "timeout_after_accept", "no_receipt", "429")),
        ("wechat", "40001"),
        ("alipay", "silent"),
    ],
)
def test_every_mode_of_every_side_is_known(behaviour: Behaviour, side: str, mode: str) -> None:
    behaviour.set(side, mode)
    assert behaviour.mode(side)[0] == mode


@pytest.mark.parametrize(("side", "mode"), [("nobody", "ok"), ("tencent", "mismatch"), ("gateway", "40001")])
def test_what_is_not_known_is_refused_with_what_is(behaviour: Behaviour, side: str, mode: str) -> None:
    with pytest.raises(BehaviourUnknown, match="it is one of"):
        behaviour.set(side, mode)


@pytest.mark.parametrize(
    "body",
    [
        '{"side":"tencent"}',
        "[]",
        "no json",
        '{"side":"tencent","mode":"slow","seconds":-1}',
        '{"side":"tencent","mode":"slow","until":5}',
        '{"side":"tencent","mode":"waltz"}',
        '{"side":"somebody","mode":"ok"}',
    ],
)
def test_a_wrong_wish_is_a_problem_of_its_sender(client: FlaskClient, body: str) -> None:
    answer = client.post("/behaviour", data=body)
    assert answer.status_code == 400
    assert answer.content_type == "application/problem+json"
    assert answer.get_json()["code"] in ("body_invalid", "behaviour_unknown")


def test_what_is_played_can_be_seen(client: FlaskClient, behaviour: Behaviour) -> None:
    """pages fault D: GET was 405, so what is played could not be seen."""
    behaviour.set("jd", "slow", 8)
    shown = client.get("/behaviour").json
    assert shown is not None
    assert shown["jd"] == {"mode": "slow", "seconds": 8}
    assert shown["tencent"] == {"mode": "ok", "seconds": None}
    assert {"gateway", "http", "cmpp", "wechat", "alipay", "china-mobile"} <= set(shown)


def test_both_gateways_are_told_at_once_or_each_by_itself(behaviour: Behaviour) -> None:
    behaviour.set("gateway", "reject")
    assert (behaviour.mode("http")[0], behaviour.mode("cmpp")[0]) == ("reject", "reject")
    behaviour.set("cmpp", "ok")
    assert (behaviour.mode("http")[0], behaviour.mode("cmpp")[0]) == ("reject", "ok")
    behaviour.set("gateway", "slow")
    assert (behaviour.mode("http")[0], behaviour.mode("cmpp")[0]) == ("slow", "slow")


def test_all_are_made_well_again(client: FlaskClient, behaviour: Behaviour) -> None:
    for side in ("jd", "gateway", "wechat"):
        behaviour.set(side, "500")
    assert client.post("/behaviour", json={"side": "*", "mode": "ok"}).status_code == 204
    assert {behaviour.mode(side)[0] for side in behaviour.sides()} == {"ok"}


def test_a_form_without_a_script_is_taken_from_the_sandboxs_own_page_only(
    client: FlaskClient, behaviour: Behaviour
) -> None:
    form = {"side": "jd", "mode": "silent"}
    foreign = client.post("/behaviour", data=form, headers={"Sec-Fetch-Site": "cross-site"})
    assert (foreign.status_code, behaviour.mode("jd")[0]) == (400, "ok")
    answer = client.post("/behaviour", data=form, headers={"Sec-Fetch-Site": "same-origin"})
    assert (answer.status_code, answer.headers["Location"], behaviour.mode("jd")[0]) == (303, "/", "silent")
