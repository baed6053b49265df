"""The pages as a browser without JavaScript sees them, on a real door and a real ground."""

from __future__ import annotations

import gzip
import io
import re
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse

from config.catalogue import default_document
from config.clock import FixedClock
from config.db import begin
from config.ground import Ground
from config.tickets import Ticket, build_ticket
from miniprogram_api.door import Door
from miniprogram_api.problems import http_problem_response
from tests.miniprogram_api.citizens import codes_owed, set_limit
from wechat.headers import CONTENT_SECURITY_POLICY, add_headers
from wechat.pages import make_blueprint
from wechat.refusals import receive_strays

PHONE = "13800138000"
ACCOUNTS = {"phone": PHONE, "id_tail": "12345X", "consent": "yes"}
CARDS = {"phone": PHONE, "name": "张三", "id_number": "11010519491231002X", "consent": "yes"}
PUBLIC = ["/", "/internet-accounts", "/phone-cards", "/guides", "/guides/tencent", "/help", "/privacy"]


def make_app(ground: Ground) -> Flask:
    app = Flask("pages", static_folder=None)
    app.register_blueprint(make_blueprint(ground, Door(ground)))
    receive_strays(app, ground, http_problem_response)
    app.register_error_handler(HTTPException, http_problem_response)
    app.wsgi_app = add_headers(app.wsgi_app)  # type: ignore[method-assign]
    return app


@pytest.fixture
def app(ground: Ground) -> Flask:
    return make_app(ground)


@pytest.fixture
def browser(app: Flask) -> FlaskClient:
    return app.test_client()


def hidden(page: TestResponse, name: str) -> str:
    return re.findall(rf'<input type="hidden" name="{name}" value="([^"]+)"', page.text)[0]


def post(browser: FlaskClient, service: str = "internet-accounts", **typed: str) -> TestResponse:
    """Open the form, fill it in, send it."""
    page = browser.get(f"/{service}")
    return browser.post(f"/{service}", data={"session": hidden(page, "session"), "key": hidden(page, "key")} | typed)


def receive_code(ground: Ground, browser: FlaskClient, service: str = "internet-accounts") -> str:
    assert post(browser, service, phone=PHONE, action="code").status_code == 200
    return codes_owed(ground)[-1]


def faults(page: TestResponse) -> list[str]:
    return re.findall(r'said_bad" id="say-[a-z_]+"><svg.*?</svg><span>([^<]+)</span>', page.text)


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("path", PUBLIC)
def test_a_page_has_one_heading_its_language_and_nothing_inline(browser: FlaskClient, path: str, language: str) -> None:
    browser.set_cookie("onecert-lang", language)
    page = browser.get(path)
    assert page.status_code == 200
    assert page.text.count("<h1") - page.text.count("<template") == 1
    assert f'<html lang="{language}"' in page.text
    assert re.search(r"<title>[^<]+ - 一证通查</title>", page.text)
    assert not re.search(r"\sstyle=|\son[a-z]+=|data:|<style|https?://(?!www\.w3\.org)", page.text)
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
    assert "等 11 个应用里" in page
    assert "8 家企业的解绑办法" in page
    assert "您11月22日查询的" in page


def test_a_service_that_is_switched_off_is_not_offered(ground: Ground, browser: FlaskClient) -> None:
    form = browser.get("/phone-cards")
    document = default_document().replace('code = "phone-cards"', 'code = "phone-cards"\nenabled = false')
    with begin(ground.engine) as db:
        ground.catalogues.apply(db, document, "closed", "test", ground.clock.now())
    home = browser.get("/")
    assert "/internet-accounts" in home.text and "/phone-cards" not in home.text
    late = browser.post(
        "/phone-cards", data={"session": hidden(form, "session"), "key": "k", **CARDS, "code": "123456"}
    )
    for page in (browser.get("/phone-cards"), late):
        assert page.status_code in (404, 503)
        assert "服务暂时用不了" in page.text


def test_a_choice_is_kept_for_a_year_and_leaves_the_address(browser: FlaskClient) -> None:
    answer = browser.get("/help?size=elder&lang=en")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/help")
    assert all("Max-Age=31536000" in cookie for cookie in answer.headers.getlist("Set-Cookie"))
    page = browser.get("/help").text
    assert '<html lang="en" data-size="elder">' in page
    assert '<a href="?size=standard">Standard</a>' in page


def test_large_letters_show_the_notes_at_once(browser: FlaskClient) -> None:
    assert '<details class="fold"><' in browser.get("/internet-accounts").text
    browser.set_cookie("onecert-size", "elder")
    assert '<details class="fold" open>' in browser.get("/internet-accounts").text


def test_an_unverified_number_is_on_no_page(ground: Ground, browser: FlaskClient) -> None:
    companies = ground.catalogues.current().enterprises()
    for company in companies:
        page = browser.get(f"/guides/{company.code}").text
        assert company.name.zh in page
        assert company.hotline is None or company.hotline.number not in page
        assert "号码正在核实" in page
        assert "tel:" not in page
    assert len(companies) == 8


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


def test_asking_for_a_code_tells_where_it_went_and_keeps_what_was_typed(ground: Ground, browser: FlaskClient) -> None:
    page = post(browser, phone="+86 138 0013 8000", id_tail="12345X", action="code")
    assert page.status_code == 200
    assert "验证码已发到 138****8000，5 分钟内有效" in page.text
    assert "请 60 秒后再获取" in page.text
    assert 'value="12345X"' in page.text
    assert len(codes_owed(ground)) == 1


def test_asking_again_at_once_meets_a_clock_not_a_fault(ground: Ground, browser: FlaskClient) -> None:
    receive_code(ground, browser)
    page = post(browser, phone=PHONE, action="code")
    assert page.status_code == 200
    assert re.search(r"请 \d+ 秒后再获取", page.text)
    assert faults(page) == []
    assert len(codes_owed(ground)) == 1


def test_used_up_codes_are_a_page_that_says_when(ground: Ground, browser: FlaskClient, clock: FixedClock) -> None:
    set_limit(ground, "codes_per_phone_day", 1)
    receive_code(ground, browser)
    clock.advance(61_000)
    page = post(browser, phone=PHONE, action="code")
    assert page.status_code == 429
    assert "次数用完了" in page.text
    assert "<b data-when>明天 14:05</b>" in page.text


def test_a_wrong_form_names_all_faults_and_sends_nothing(ground: Ground, browser: FlaskClient) -> None:
    page = post(browser, phone="1380013800", id_tail="12345")
    assert page.status_code == 422
    assert "有 4 处要改" in page.text
    assert faults(page) == [
        "手机号码应是 11 位，现在 10 位",
        "少 1 位，要填最后六位",
        "请填写短信里的 6 位验证码",
        "请先阅读并勾选同意，再提交",
    ]
    assert 'value="1380013800"' in page.text
    assert page.text.count('aria-invalid="true"') == 4


def test_a_wrong_code_is_emptied_and_the_rest_is_kept(ground: Ground, browser: FlaskClient) -> None:
    code = receive_code(ground, browser)
    wrong = f"{(int(code) + 1) % 1_000_000:06}"
    page = post(browser, **ACCOUNTS, code=wrong)
    assert page.status_code == 422
    assert faults(page) == ["验证码不对，请看最新一条短信。还可试 4 次"]
    assert wrong not in page.text
    assert 'value="12345X"' in page.text


@pytest.mark.parametrize(("service", "typed"), [("internet-accounts", ACCOUNTS), ("phone-cards", CARDS)])
def test_a_right_form_leads_to_its_progress_page(
    ground: Ground, browser: FlaskClient, service: str, typed: dict[str, str]
) -> None:
    answer = post(browser, service, **typed, code=receive_code(ground, browser, service))
    assert answer.status_code == 303
    assert re.fullmatch(r"/inquiries/\d{12}", answer.headers["Location"])
    page = browser.get(answer.headers["Location"])
    assert page.status_code == 200
    assert "正在核对和查询" in page.text
    assert "138****8000" in page.text
    assert "11 月 24 日 14:05" in page.text
    for secret in (PHONE, "12345X", "11010519491231002X", "张三"):
        assert secret not in page.text


def test_the_same_form_twice_is_one_inquiry(ground: Ground, browser: FlaskClient) -> None:
    code = receive_code(ground, browser)
    page = browser.get("/internet-accounts")
    form = ACCOUNTS | {"code": code, "session": hidden(page, "session"), "key": hidden(page, "key")}
    first, second = (browser.post("/internet-accounts", data=form) for _ in range(2))
    assert first.headers["Location"] == second.headers["Location"]
    other = browser.post("/internet-accounts", data=form | {"id_tail": "654321"})
    assert other.status_code == 409
    assert "刚才那次已经提交" in other.text


def test_a_second_inquiry_within_a_day_is_told_when(ground: Ground, browser: FlaskClient, clock: FixedClock) -> None:
    assert post(browser, **ACCOUNTS, code=receive_code(ground, browser)).status_code == 303
    clock.advance(2 * 3_600_000)
    page = post(browser, **ACCOUNTS, code=receive_code(ground, browser))
    assert page.status_code == 429
    assert "<b data-when>明天 14:05</b>" in page.text
    assert "<span data-left>22 小时</span>" in page.text


def test_another_browser_sees_nothing_of_an_inquiry(app: Flask, ground: Ground, browser: FlaskClient) -> None:
    mine = post(browser, **ACCOUNTS, code=receive_code(ground, browser)).headers["Location"]
    stranger = app.test_client()
    stranger.get("/internet-accounts")
    theirs, none = stranger.get(mine), stranger.get("/inquiries/111111111111")
    assert theirs.status_code == none.status_code == 404
    assert theirs.text == none.text


def test_an_inquiry_can_be_looked_at_for_two_days_also_after_a_new_visit(
    ground: Ground, browser: FlaskClient, clock: FixedClock
) -> None:
    mine = post(browser, **ACCOUNTS, code=receive_code(ground, browser)).headers["Location"]
    assert browser.get(mine).status_code == 200
    clock.advance(47 * 3_600_000)
    browser.get("/internet-accounts")
    assert browser.get(mine).status_code == 200
    clock.advance(2 * 3_600_000)
    assert browser.get(mine).status_code == 404


def test_a_form_of_another_visit_counts_as_expired(app: Flask, browser: FlaskClient) -> None:
    browser.get("/internet-accounts")
    token = hidden(app.test_client().get("/internet-accounts"), "session")
    page = browser.post("/internet-accounts", data=ACCOUNTS | {"session": token, "code": "123456"})
    assert page.status_code == 401
    assert "已过期" in page.text


def test_a_form_that_lay_too_long_has_expired(browser: FlaskClient, clock: FixedClock) -> None:
    page = browser.get("/internet-accounts")
    clock.advance(31 * 60_000)
    answer = browser.post("/internet-accounts", data=ACCOUNTS | {"session": hidden(page, "session"), "code": "1"})
    assert answer.status_code == 401
    assert 'href="/internet-accounts"' in answer.text


def test_a_ticket_opens_a_session_at_its_entrance_and_leaves_the_address(ground: Ground, browser: FlaskClient) -> None:
    ticket = build_ticket(ground.keys, Ticket("gxwbwx", "openid-1", ground.clock.now()))
    answer = browser.get(f"/phone-cards?ticket={ticket}")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/phone-cards")
    assert "HttpOnly" in answer.headers["Set-Cookie"]
    token = hidden(browser.get("/phone-cards"), "session")
    assert Door(ground).read_session(token).entrance == "gxwbwx"


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
    assert "服务暂时用不了" in page.text
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
