"""Page identity: a page opened in WeChat learns the openid, and is the same page when it does not."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from config.db.engine import begin
from config.ground import Ground
from config.queue.bell import make_redis
from config.times.clock import FixedClock
from query.access.sessions import Session, read_session
from tests.conftest import on_sqlite
from tests.support.doors import make_door
from tests.wechat.played_platform import Played
from wechat.pages.views import make_blueprint
from wechat.webhook.views import install

pytestmark = on_sqlite

WECHAT = {"User-Agent": "Mozilla/5.0 (iPhone) MicroMessenger/8.0.49"}
START = "/login/gxwbwx/internet-accounts"


def make_browser(ground: Ground) -> FlaskClient:
    app = Flask("pages", static_folder=None)
    app.register_blueprint(make_blueprint(ground, make_door(ground)))
    install(app, ground)
    return app.test_client()


@pytest.fixture
def browser(ground: Ground) -> FlaskClient:
    return make_browser(ground)


@pytest.mark.parametrize(
    "agent",
    [
        "Mozilla/5.0 (iPhone) MicroMessenger/7.0.1 wxwork/4.1.36 Language/zh",
        "Mozilla/5.0 (Linux; Android 14) WXWork/4.1 micromessenger/7",
        "Mozilla/5.0 (iPhone) AlipayClient/10.5",
        "Mozilla/5.0 (Windows NT 10.0) Chrome/126",
        "",
    ],
)
def test_outside_wechats_own_browser_the_page_opens_without_a_login(browser: FlaskClient, agent: str) -> None:
    """WeCom's browser calls itself WeChat's too; its visitors would end at WeChat's fault page."""
    response = browser.get(START, headers={"User-Agent": agent})
    assert (response.status_code, urlsplit(response.location).path) == (303, "/internet-accounts")


def leave(browser: FlaskClient, path: str = START) -> str:
    """Start the login; the address at WeChat's."""
    response = browser.get(path, headers=WECHAT)
    assert response.status_code == 303
    return response.location


def follow(there: str) -> str:
    """Let WeChat send the visitor back; the path and query of our page."""
    back = urlsplit(requests.get(there, allow_redirects=False, timeout=60).headers["Location"])
    return f"{back.path}?{back.query}"


def visit(ground: Ground, browser: FlaskClient) -> Session | None:
    """The session that the browser holds."""
    cookie = browser.get_cookie("onecert")
    return read_session(ground, cookie.value) if cookie else None


def test_a_page_opened_in_wechat_knows_the_openid_and_no_address_shows_it(
    ground: Ground, browser: FlaskClient, played: Played
) -> None:
    there = leave(browser)
    asked = parse_qs(urlsplit(there).query)
    assert asked["scope"] == ["snsapi_base"] and there.endswith("#wechat_redirect")
    assert asked["redirect_uri"] == [f"{ground.settings.public_url.rstrip('/')}/login/gxwbwx"]
    assert asked["state"][0].isalnum() and len(asked["state"][0]) == 32
    back = browser.get(follow(there))
    session = visit(ground, browser)
    assert (back.status_code, back.location) == (303, "/internet-accounts")
    assert session is not None and session.entrance == "gxwbwx" and (session.openid or "").startswith("oSandbox")
    assert all("HttpOnly" in cookie and "SameSite=Lax" in cookie for cookie in back.headers.getlist("Set-Cookie")[1:])
    assert browser.get(back.location).status_code == 200


def test_a_state_works_once(browser: FlaskClient, played: Played) -> None:
    path = follow(leave(browser))
    assert browser.get(path).location == "/internet-accounts"
    again = browser.get(path)
    assert again.location == "/" and played.asked("oauth2/access_token") == 1


def test_a_state_works_in_its_own_browser_only(ground: Ground, browser: FlaskClient, played: Played) -> None:
    path, victim = follow(leave(browser)), make_browser(ground)
    assert victim.get(path).location == "/"
    assert visit(ground, victim) is None and played.asked("oauth2/access_token") == 0


def test_a_state_of_one_account_does_not_work_at_another(browser: FlaskClient, played: Played) -> None:
    path = follow(leave(browser)).replace("/login/gxwbwx", "/login/caict")
    assert browser.get(path).location == "/"
    assert played.asked("oauth2/access_token") == 0


def test_a_snapshot_user_is_bound_to_nothing(ground: Ground, browser: FlaskClient, played: Played) -> None:
    played.behaviour.set("wechat", "snapshot")
    assert browser.get(follow(leave(browser))).location == "/internet-accounts"
    assert visit(ground, browser) is None


def test_a_used_code_restarts_once_and_then_the_page_goes_on_without(
    ground: Ground, browser: FlaskClient, played: Played
) -> None:
    played.memory.used.add("old")
    state = parse_qs(urlsplit(leave(browser)).query)["state"][0]
    again = browser.get(f"/login/gxwbwx?code=old&state={state}")
    assert "/connect/oauth2/authorize?" in again.location
    state = parse_qs(urlsplit(again.location).query)["state"][0]
    assert browser.get(f"/login/gxwbwx?code=old&state={state}").location == "/internet-accounts"
    assert visit(ground, browser) is None


@pytest.mark.parametrize("mode", ["500", "garbage", "40125", "-1", "45009"])
def test_whatever_wechat_answers_the_page_opens(browser: FlaskClient, played: Played, mode: str) -> None:
    path = follow(leave(browser))
    played.behaviour.set("wechat", mode)
    assert browser.get(path).location == "/internet-accounts"


def test_outside_wechat_refused_or_switched_off_the_page_opens_at_once(browser: FlaskClient, played: Played) -> None:
    assert browser.get(START).location == "/internet-accounts", "another browser"
    assert leave(browser, "/login/caict/phone-cards") == "/phone-cards", "an account without it"
    state = parse_qs(urlsplit(leave(browser)).query)["state"][0]
    assert browser.get(f"/login/gxwbwx?state={state}").location == "/internet-accounts", "the citizen refused"
    assert browser.get("/login/nobody/internet-accounts", headers=WECHAT).status_code == 404
    assert browser.get("/login/gxwbwx/elsewhere", headers=WECHAT).status_code == 404


def test_without_redis_the_page_opens_at_once(ground: Ground, played: Played) -> None:
    browser = make_browser(replace(ground, redis=make_redis("redis://127.0.0.1:1")))
    assert leave(browser) == "/internet-accounts"


def change(ground: Ground, line: str) -> None:
    """Give the account gxwbwx a line more in the catalogue."""
    document = ground.catalogues.document().replace('original_id = "gh_0000000000a1"', f'{line}\noriginal_id = "gh_1"')
    with begin(ground.engine) as db:
        ground.catalogues.apply(db, document, "", "test", ground.clock.now())


def test_the_host_is_proven_for_our_own_accounts_only(ground: Ground, browser: FlaskClient) -> None:
    change(ground, 'domain_proof = "Ab12Cd34Ef56Gh78"')
    proof = browser.get("/MP_verify_Ab12Cd34Ef56Gh78.txt")
    assert (proof.status_code, proof.data, proof.mimetype) == (200, b"Ab12Cd34Ef56Gh78", "text/plain")
    assert browser.get("/MP_verify_stranger.txt").status_code == 404
    assert browser.get("/MP_verify_.txt").status_code == 404


def ask_config(browser: FlaskClient, url: str, account: str = "gxwbwx") -> TestResponse:
    return browser.get(f"/wechat/{account}/script-config", query_string={"url": url})


def test_pages_of_allowed_hosts_get_a_signature_and_no_others(
    ground: Ground, browser: FlaskClient, played: Played, clock: FixedClock
) -> None:
    change(ground, 'script_hosts = ["one.example"]')
    url = "https://one.example/internet-accounts?a=1"
    told = ask_config(browser, url + "#top")
    config = told.get_json()
    ticket = played.platform.script_ticket(played.account).value
    signed = f"jsapi_ticket={ticket}&noncestr={config['nonce']}&timestamp={config['timestamp']}&url={url}"
    assert config["signature"] == hashlib.sha1(signed.encode(), usedforsecurity=False).hexdigest()
    assert config["app_id"] == played.account.app_id and ticket not in told.text
    for foreign in ("https://evil.example/", "https://one.example@evil.example/", "//one.example", "", "https://["):
        refused = ask_config(browser, foreign)
        assert (refused.status_code, refused.data) == (404, b"")
    assert ask_config(browser, url, "caict").status_code == 404
    played.behaviour.set("wechat", "500")
    assert ask_config(browser, url).status_code == 200, "the ticket is kept"
