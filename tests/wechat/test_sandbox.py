"""The sandbox's WeChat platform, by its documented answers."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient

from config.ground import Ground
from config.sandbox.behaviour import Behaviour
from tests.conftest import on_sqlite
from wechat.sandbox import Platform, make_blueprint

pytestmark = on_sqlite

APP_ID = "wx00000000000000a1"
MENU = {"button": [{"name": "一证通查", "type": "click", "key": "ONECERT"}]}


@pytest.fixture
def behaviour() -> Behaviour:
    return Behaviour()


@pytest.fixture
def platform() -> Platform:
    return Platform()


@pytest.fixture
def client(ground: Ground, behaviour: Behaviour, platform: Platform) -> Iterator[FlaskClient]:
    app = Flask(__name__)
    app.register_blueprint(make_blueprint(ground, behaviour, platform))
    with app.test_client() as client:
        yield client


@pytest.fixture
def wish(ground: Ground) -> dict[str, object]:
    secret = ground.secrets.get("gxwbwx.app_secret")
    return {"grant_type": "client_credential", "appid": APP_ID, "secret": secret}


def fetch_token(client: FlaskClient, wish: dict[str, object], **changes: object) -> dict[str, object]:
    answer: dict[str, object] = client.post("/wechat/cgi-bin/stable_token", json={**wish, **changes}).get_json()
    return answer


def test_the_stable_token_stays_the_same_until_it_is_forced(
    client: FlaskClient, platform: Platform, wish: dict[str, object]
) -> None:
    first, second = fetch_token(client, wish), fetch_token(client, wish)
    assert first["access_token"] == second["access_token"]
    assert fetch_token(client, wish, force_refresh=True)["access_token"] != first["access_token"]
    assert platform.tokens.fetches == 3


def test_a_token_call_without_its_parts_gets_the_platforms_errcodes(
    client: FlaskClient, wish: dict[str, object]
) -> None:
    assert fetch_token(client, wish, secret="")["errcode"] == 41004
    assert fetch_token(client, wish, secret="another")["errcode"] == 40125
    assert fetch_token(client, wish, appid="wx1")["errcode"] == 40013
    assert fetch_token(client, wish, grant_type="")["errcode"] == 40002
    assert client.post("/wechat/cgi-bin/stable_token", data=b"x").get_json()["errcode"] == 47001


def test_a_menu_is_kept_for_whoever_has_the_token(client: FlaskClient, wish: dict[str, object]) -> None:
    where = f"access_token={fetch_token(client, wish)['access_token']}"
    assert client.get(f"/wechat/cgi-bin/menu/get?{where}").get_json()["errcode"] == 46003
    assert client.post(f"/wechat/cgi-bin/menu/create?{where}", json=MENU).get_json() == {"errcode": 0, "errmsg": "ok"}
    assert client.get(f"/wechat/cgi-bin/menu/get?{where}").get_json() == {"menu": MENU}
    assert client.get("/wechat/cgi-bin/menu/get?access_token=x").get_json()["errcode"] == 40001
    assert client.post(f"/wechat/cgi-bin/menu/create?{where}", json={"button": []}).get_json()["errcode"] == 40016


def test_a_page_learns_an_openid_by_a_code_that_works_once(client: FlaskClient, wish: dict[str, object]) -> None:
    asked = {"appid": APP_ID, "redirect_uri": "https://one.example/back?a=1", "state": "s"}
    there = client.get("/wechat/connect/oauth2/authorize", query_string=asked)
    back = urlsplit(there.location)
    query = dict(parse_qsl(back.query))
    assert there.status_code == 302 and query["a"] == "1" and query["state"] == "s"
    exchange = {"appid": APP_ID, "secret": wish["secret"], "code": query["code"], "grant_type": "authorization_code"}
    assert client.get("/wechat/sns/oauth2/access_token", query_string=exchange).get_json()["openid"].startswith("o")
    assert client.get("/wechat/sns/oauth2/access_token", query_string=exchange).get_json()["errcode"] == 40163
    exchange["code"] = "never issued"
    assert client.get("/wechat/sns/oauth2/access_token", query_string=exchange).get_json()["errcode"] == 40029


@pytest.mark.parametrize(("mode", "status"), [("500", 500), ("429", 429), ("garbage", 200), ("ok", 200)])
def test_the_platform_behaves_as_it_is_told(
    client: FlaskClient, behaviour: Behaviour, wish: dict[str, object], mode: str, status: int
) -> None:
    behaviour.set("wechat", mode)
    response = client.post("/wechat/cgi-bin/stable_token", json=wish)
    assert (response.status_code, response.is_json) == (status, mode == "ok")


def test_the_ticket_of_pages_needs_a_token(client: FlaskClient, wish: dict[str, object]) -> None:
    token = fetch_token(client, wish)["access_token"]
    assert client.get(f"/wechat/cgi-bin/ticket/getticket?access_token={token}").get_json()["errcode"] == 0
    assert client.get("/wechat/cgi-bin/ticket/getticket").get_json()["errcode"] == 40001
