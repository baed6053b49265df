"""The pages as a browser without JavaScript sees them, on a real door and a real ground."""

from __future__ import annotations

import gzip
import io
import re
from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from redis import Redis

from config.ground import Ground
from config.net.response_headers import CONTENT_SECURITY_POLICY
from config.times.clock import FixedClock
from query.access.tickets import Ticket, build_ticket
from tests.support.doors import make_door
from tests.support.factories import switch_off
from tests.wechat.forms import CARDS, PHONE, hidden, make_app, post
from wechat.pages.views import PAGES as ADDRESSES

PUBLIC = [*ADDRESSES.values(), "/internet-accounts", "/phone-cards", "/guides/tencent"]


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("path", PUBLIC)
def test_a_page_has_one_heading_its_language_and_nothing_inline(browser: FlaskClient, path: str, language: str) -> None:
    browser.set_cookie("onecert-lang", language)
    page = browser.get(path)
    assert page.status_code == 200
    assert page.text.count("<h1") - page.text.count("<template") == 1
    assert f'<html lang="{language}"' in page.text
    assert re.search(r"<title>[^<]+ - 一证通查</title>", page.text)
    assert not re.search(
        r"\sstyle=|\son[a-z]+=|data:|<style|https?://(?!www\.w3\.org|127\.0\.0\.1:8000/assets/)", page.text
    )
    assert not re.search(r"<script(?! type=\"application/json\")(?! src=\"/assets/)", page.text)


def test_every_answer_is_sealed_off_and_kept_nowhere(browser: FlaskClient) -> None:
    page = browser.get("/")
    assert page.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/", "/internet-accounts", "/inquiries/482719356041"])
def test_the_first_load_fits_in_sixty_kilobytes(browser: FlaskClient, path: str) -> None:
    page = browser.get(path)
    size = len(gzip.compress(page.data))
    for address in set(re.findall(r'(?:src|href)="(/assets/[^"]+)"', page.text)):
        asset = browser.get(address, headers={"Accept-Encoding": "gzip"})
        assert asset.status_code == 200
        size += len(asset.data)
    assert size <= 60 * 1024


def test_home_tells_the_catalogues_numbers(browser: FlaskClient) -> None:
    page = browser.get("/").text
    assert '<span class="phrase">11 个应用中关联了多少个账号</span>' in page
    assert "8 家企业的办法和客服热线" in page
    assert "您11月22日查询的手机号" in page


def test_a_service_that_is_switched_off_is_not_offered(ground: Ground, browser: FlaskClient) -> None:
    form = browser.get("/phone-cards")
    switch_off(ground, "phone-cards")
    home = browser.get("/")
    assert "/internet-accounts" in home.text and "/phone-cards" not in home.text
    late = browser.post(
        "/phone-cards", data={"session": hidden(form, "session"), "key": "k", **CARDS, "code": "123456"}
    )
    for page in (browser.get("/phone-cards"), late):
        assert page.status_code in (404, 503)
        assert "服务暂时无法使用" in page.text


def test_a_choice_is_kept_for_a_year_and_leaves_the_address(browser: FlaskClient) -> None:
    answer = browser.get("/help?size=elder&lang=en")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/help")
    assert all("Max-Age=31536000" in cookie for cookie in answer.headers.getlist("Set-Cookie"))
    page = browser.get("/help").text
    assert '<html lang="en" data-size="elder">' in page
    assert re.search(r'<a href="\?size=standard"[^>]*>Standard</a>', page)


def test_large_letters_show_the_notes_at_once(browser: FlaskClient) -> None:
    assert '<details class="fold" data-elder><' in browser.get("/internet-accounts").text
    browser.set_cookie("onecert-size", "elder")
    assert '<details class="fold" data-elder open>' in browser.get("/internet-accounts").text


@pytest.mark.parametrize("path", ["/guides/china-mobile", "/guides/nobody", "/inquiries/482719356041", "/strange"])
def test_whatever_is_not_there_is_the_same_page(browser: FlaskClient, path: str) -> None:
    page = browser.get(path)
    assert page.status_code == 404
    assert "没有找到" in page.text
    assert "不是在本机提交的" in page.text


@pytest.mark.parametrize(("method", "path"), [("POST", "/"), ("DELETE", "/help"), ("PUT", "/internet-accounts")])
def test_a_wrong_method_is_a_page_too_and_tells_the_right_ones(browser: FlaskClient, method: str, path: str) -> None:
    page = browser.open(path, method=method)
    assert (page.status_code, page.mimetype) == (405, "text/html")
    assert "没有找到" in page.text
    assert "GET" in page.headers["Allow"]


def test_an_unknown_address_of_the_api_stays_a_problem(browser: FlaskClient) -> None:
    assert browser.get("/api/v1/strange").content_type == "application/problem+json"


def test_a_ticket_opens_a_session_at_its_entrance_and_leaves_the_address(ground: Ground, browser: FlaskClient) -> None:
    ticket = build_ticket(ground.keys, Ticket("gxwbwx", "openid-1", ground.clock.now()))
    answer = browser.get(f"/phone-cards?ticket={ticket}")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/phone-cards")
    assert "HttpOnly" in answer.headers["Set-Cookie"]
    token = hidden(browser.get("/phone-cards"), "session")
    assert make_door(ground).read_session(token).entrance == "gxwbwx"


def test_an_old_or_foreign_ticket_reads_as_expired(ground: Ground, browser: FlaskClient, clock: FixedClock) -> None:
    ticket = build_ticket(ground.keys, Ticket("gxwbwx", "openid-1", ground.clock.now()))
    fresh = build_ticket(ground.keys, Ticket("gxwbwx", "openid-1", ground.clock.now() + 31 * 60_000))
    clock.advance(31 * 60_000)
    for bad in (ticket, "nonsense", "", fresh[:-1], fresh[:20]):
        page = browser.get(f"/internet-accounts?ticket={bad}")
        assert page.status_code == 401
        assert "已过期" in page.text


def test_without_redis_the_page_says_try_again(ground: Ground) -> None:
    with Redis(unix_socket_path="/nowhere/redis.sock") as nobody:
        page = make_app(replace(ground, redis=nobody)).test_client().get("/internet-accounts")
    assert page.status_code == 503
    assert page.headers["Retry-After"] == "5"
    assert "服务暂时无法使用" in page.text
    assert "8 家企业" in page.text


def test_an_asset_is_kept_for_ever_only_under_its_own_address(browser: FlaskClient) -> None:
    address = re.findall(r'href="(/assets/[^"]+pages\.css)"', browser.get("/").text)[0]
    assert browser.get(address).headers["Cache-Control"] == "public, max-age=31536000, immutable"
    old = browser.get("/assets/000000000000/pages.css")
    assert (old.status_code, old.headers["Cache-Control"]) == (200, "no-store")
    assert browser.get("/assets/000000000000/texts.toml").status_code == 404


def test_a_post_over_the_cap_is_refused(browser: FlaskClient) -> None:
    assert post(browser, phone="1" * 9000).status_code == 413


def test_a_post_over_the_cap_is_refused_though_it_names_no_length(browser: FlaskClient) -> None:
    typed = f"session={hidden(browser.get('/internet-accounts'), 'session')}&phone={PHONE}&action=code&more=".encode()
    answer = browser.post(
        "/internet-accounts",
        input_stream=io.BytesIO(typed + b"1" * 9000),
        content_type="application/x-www-form-urlencoded",
        headers={"Transfer-Encoding": "chunked"},
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert answer.status_code == 413
