"""The pages' forms: codes, faults, inquiries, and whose they are."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis

from config.ground import Ground
from config.times.clock import FixedClock
from tests.miniprogram_api.citizens import codes_owed, set_limit
from tests.wechat.forms import ACCOUNTS, CARDS, PHONE, faults, hidden, make_app, post, receive_code, send


def test_asking_for_a_code_tells_where_it_went_and_keeps_what_was_typed(ground: Ground, browser: FlaskClient) -> None:
    page = post(browser, phone="+86 138 0013 8000", id_tail="12345X", action="code")
    assert "验证码已发到 138****8000，5 分钟内有效" in page.text
    assert "请在 60 秒后重新获取" in page.text
    assert 'value="12345X"' in page.text
    assert len(codes_owed(ground)) == 1


def test_asking_again_at_once_meets_a_clock_not_a_fault(ground: Ground, browser: FlaskClient) -> None:
    receive_code(ground, browser)
    page = post(browser, phone=PHONE, action="code")
    assert re.search(r"请在 \d+ 秒后重新获取", page.text)
    assert faults(page) == []
    assert len(codes_owed(ground)) == 1


def test_used_up_codes_are_a_page_that_says_when(ground: Ground, browser: FlaskClient, clock: FixedClock) -> None:
    set_limit(ground, "codes_per_phone_day_web", 1)
    receive_code(ground, browser)
    clock.advance(61_000)
    page = post(browser, phone=PHONE, action="code")
    assert page.status_code == 429
    assert "次数已用完" in page.text
    assert "<b data-when>明天 14:05</b>" in page.text


def test_a_wrong_form_names_all_faults_and_sends_nothing(ground: Ground, browser: FlaskClient) -> None:
    page = post(browser, phone="1380013800", id_tail="12345")
    assert "<title>错误：查互联网账号" in page.text
    assert "有 5 处需要修改" in page.text
    assert re.findall(r'<li><a href="#([a-z_]+)">', page.text) == ["phone", "id_tail", "code", "consent", "consent_id"]
    assert faults(page) == [
        "手机号码应是 11 位，现在 10 位",
        "还差 1 位，请填写最后六位",
        "请填写短信里的 6 位验证码",
        "请先阅读并勾选同意，再提交",
        "请勾选同意提供身份证信息，再提交",
    ]
    assert 'value="1380013800"' in page.text
    assert page.text.count('aria-invalid="true"') == 5


def test_a_wrong_code_is_emptied_and_the_rest_is_kept(ground: Ground, browser: FlaskClient) -> None:
    code = receive_code(ground, browser)
    wrong = f"{(int(code) + 1) % 1_000_000:06}"
    page = post(browser, **ACCOUNTS, code=wrong)
    assert faults(page) == ["验证码不正确，请以最新一条短信为准，还可输入 4 次"]
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
    assert "正在核验并查询" in page.text
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
    assert other.headers["Location"] == "/internet-accounts"
    told = browser.get("/internet-accounts").text
    assert "您刚才已提交过" in told
    assert f'<a href="{first.headers["Location"]}">查看进度</a>' in told


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


@pytest.mark.parametrize("minutes", [31, 60, 13 * 60])
def test_a_form_that_lay_idle_gets_its_code_all_the_same(
    ground: Ground, browser: FlaskClient, clock: FixedClock, minutes: int
) -> None:
    """pages fault A7: a session that ran out threw the form away, although a new one costs nothing."""
    page = browser.get("/internet-accounts")
    clock.advance(minutes * 60_000)
    told = send(browser, page, phone=PHONE, id_tail="12345X", consent="yes", consent_id="yes", action="code")
    assert "验证码已发到 138****8000" in told.text
    assert 'value="12345X"' in told.text and "checked" in told.text
    assert send(browser, told, **ACCOUNTS, code=codes_owed(ground)[-1]).headers["Location"].startswith("/inquiries/")


def test_a_form_from_a_browser_without_cookies_is_told_so(app: Flask) -> None:
    """pages fault A8: it is said what is missing, not that the page is too old."""
    browser = app.test_client(use_cookies=False)
    page = browser.get("/internet-accounts")
    answer = browser.post("/internet-accounts", data={"session": hidden(page, "session"), "phone": PHONE})
    assert answer.status_code == 401
    assert "浏览器没有保存 Cookie" in answer.text


@pytest.mark.parametrize(
    ("choice", "leads_to", "after"),
    [
        ("size=elder", "/internet-accounts", 'data-size="elder"'),
        ("lang=en", "/internet-accounts", '<html lang="en"'),
        ("privacy", "/privacy", '<html lang="zh-CN"'),
    ],
)
def test_a_choice_in_the_middle_of_a_form_keeps_all_that_was_typed(
    ground: Ground, browser: FlaskClient, choice: str, leads_to: str, after: str
) -> None:
    """pages fault A5: large letters, English and the privacy notice wiped the form and its countdown."""
    told = send(browser, browser.get("/internet-accounts"), phone=PHONE, action="code")
    typed = ACCOUNTS | {"code": "123456"}
    data = {name: hidden(told, name) for name in ("session", "key", "sent")} | typed | {"choice": choice}
    answer = browser.post("/internet-accounts", data=data)
    assert (answer.status_code, answer.headers["Location"]) == (303, leads_to)
    for secret in (PHONE, "12345X", "123456"):
        assert secret not in str(answer.headers)
    page = browser.get("/internet-accounts")
    for value in (PHONE, "12345X", "123456"):
        assert f'value="{value}"' in page.text
    assert "checked" in page.text and after in page.text
    assert 'data-wait="60"' in page.text and "138****8000" in page.text
    assert hidden(page, "key") == hidden(told, "key")
    assert PHONE not in browser.get("/internet-accounts").text  # shown once


def test_what_was_typed_is_gone_after_ten_minutes(browser: FlaskClient, clock: FixedClock) -> None:
    page = browser.get("/internet-accounts")
    browser.post("/internet-accounts", data={"session": hidden(page, "session"), "choice": "privacy", "phone": PHONE})
    clock.advance(10 * 60_000)
    assert PHONE not in browser.get("/internet-accounts").text


def test_every_press_is_answered_with_a_redirect(ground: Ground, browser: FlaskClient) -> None:
    """pages fault A13: Back asked whether to send the form again. Codes, faults, refusals and choices alike."""
    page = browser.get("/internet-accounts")
    told = {name: hidden(page, name) for name in ("session", "key")}
    for typed in (
        {"phone": PHONE, "action": "code"},
        {"phone": PHONE, "action": "code"},
        {"phone": "1", "action": "code"},
        ACCOUNTS | {"code": ""},
        ACCOUNTS | {"code": "1234567"},
        {"choice": "lang=en"},
    ):
        assert browser.post("/internet-accounts", data=told | typed).status_code == 303


def test_a_second_press_still_tells_that_a_code_was_sent(browser: FlaskClient, clock: FixedClock) -> None:
    told = send(browser, browser.get("/internet-accounts"), phone=PHONE, action="code")
    clock.advance(20_000)
    again = send(browser, told, phone=PHONE, action="code")
    assert "验证码已发到 138****8000" in again.text
    assert "请在 40 秒后重新获取" in again.text


def test_after_five_wrong_codes_the_words_are_true(ground: Ground, browser: FlaskClient) -> None:
    """pages fault A9: five tries used up read as "expired", with a button that had another name."""
    page = send(browser, browser.get("/internet-accounts"), phone=PHONE, action="code")
    wrong = f"{(int(codes_owed(ground)[-1]) + 1) % 1_000_000:06}"
    for left in (4, 3, 2, 1, 0, 0):
        page = send(browser, page, **ACCOUNTS, code=wrong)
        assert left or faults(page) == ["已输错 5 次，这个验证码不能再用，请点“重新获取”"]
    assert re.search(r'id="get"[^>]*>重新获取<', page.text)


def test_a_code_that_is_too_old_has_expired(ground: Ground, browser: FlaskClient, clock: FixedClock) -> None:
    page = send(browser, browser.get("/internet-accounts"), phone=PHONE, action="code")
    clock.advance(6 * 60_000)
    page = send(browser, page, **ACCOUNTS, code=codes_owed(ground)[-1])
    assert faults(page) == ["验证码已过期，请点“重新获取”"]
    assert re.search(r'id="get"[^>]*>重新获取<', page.text)
    assert "分钟内有效" not in page.text


def test_a_code_that_was_never_sent_is_told_so(browser: FlaskClient) -> None:
    page = post(browser, **ACCOUNTS, code="123456")
    assert faults(page) == ["还没有向这个号码发送验证码，请先获取"]
    assert re.search(r'id="get"[^>]*>获取验证码<', page.text)


def test_a_code_used_in_another_tab_leads_to_its_inquiry(ground: Ground, browser: FlaskClient) -> None:
    """pages fault A17."""
    here = send(browser, browser.get("/internet-accounts"), phone=PHONE, action="code")
    there = browser.get("/internet-accounts")
    code = codes_owed(ground)[-1]
    send(browser, there, **ACCOUNTS, code=code)
    page = send(browser, here, **ACCOUNTS, code=code)
    assert "您刚才已提交过" in page.text and 'href="/inquiries">查看进度' in page.text


def test_a_whole_id_number_is_cut_to_its_last_six_on_request(browser: FlaskClient) -> None:
    """pages fault A17."""
    page = post(browser, phone=PHONE, id_tail="1101 0519 4912 3100 2x", consent="yes", consent_id="yes", code="123456")
    assert faults(page) == ["这是整个身份证号码，只需要最后六位。 "]
    page = send(browser, page, phone=PHONE, id_tail="1101 0519 4912 3100 2x", choice="tail")
    assert 'value="31002X"' in page.text


@pytest.mark.parametrize("name", ["王小明1", "12", "1"])
def test_a_name_with_digits_is_told_what_is_wrong(browser: FlaskClient, name: str) -> None:
    page = post(browser, "phone-cards", **CARDS | {"name": name, "code": "123456"})
    assert faults(page) == ["姓名只能有汉字、字母和“·”，请对照身份证填写"]


def test_too_many_submissions_are_told_when(ground: Ground, browser: FlaskClient) -> None:
    """pages fault A12: twenty minutes to wait read as "a few"."""
    set_limit(ground, "submissions_per_session_hour", 1)
    page = browser.get("/internet-accounts")
    page = send(browser, page, **ACCOUNTS, code="123456")
    page = send(browser, page, **ACCOUNTS, code="123457")
    assert page.status_code == 429
    assert re.search(r"请在 <b data-when>今天 15:05</b> 之后再试", page.text)


def test_what_is_not_available_keeps_the_form(ground: Ground, browser: FlaskClient) -> None:
    """pages fault A12: nothing was being submitted when a code was asked for."""
    page = browser.get("/internet-accounts")
    told = {"session": hidden(page, "session"), "key": hidden(page, "key")}
    with Redis(unix_socket_path="/nowhere/redis.sock") as nobody:
        dark = make_app(replace(ground, redis=nobody)).test_client()
        dark.set_cookie("onecert", hidden(page, "session"))
        answer = dark.post("/internet-accounts", data=told | {"phone": PHONE, "action": "code"})
        assert dark.get("/internet-accounts").status_code == 503
        kept = dark.get_cookie("onecert-draft", path="/internet-accounts")
    assert answer.status_code == 303 and kept is not None
    browser.set_cookie("onecert-draft", kept.value, path="/internet-accounts")
    page = browser.get("/internet-accounts")
    assert "没有发送验证码" in page.text and f'value="{PHONE}"' in page.text
