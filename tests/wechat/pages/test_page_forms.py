"""The pages' forms: codes, faults, inquiries, and whose they are."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from config.ground import Ground
from config.times.clock import FixedClock
from tests.miniprogram_api.citizens import codes_owed, set_limit
from tests.wechat.forms import ACCOUNTS, CARDS, PHONE, faults, hidden, post, receive_code


def test_asking_for_a_code_tells_where_it_went_and_keeps_what_was_typed(ground: Ground, browser: FlaskClient) -> None:
    page = post(browser, phone="+86 138 0013 8000", id_tail="12345X", action="code")
    assert page.status_code == 200
    assert "验证码已发到 138****8000，5 分钟内有效" in page.text
    assert "请在 60 秒后重新获取" in page.text
    assert 'value="12345X"' in page.text
    assert len(codes_owed(ground)) == 1


def test_asking_again_at_once_meets_a_clock_not_a_fault(ground: Ground, browser: FlaskClient) -> None:
    receive_code(ground, browser)
    page = post(browser, phone=PHONE, action="code")
    assert page.status_code == 200
    assert re.search(r"请在 \d+ 秒后重新获取", page.text)
    assert faults(page) == []
    assert len(codes_owed(ground)) == 1


def test_used_up_codes_are_a_page_that_says_when(ground: Ground, browser: FlaskClient, clock: FixedClock) -> None:
    set_limit(ground, "codes_per_phone_day", 1)
    receive_code(ground, browser)
    clock.advance(61_000)
    page = post(browser, phone=PHONE, action="code")
    assert page.status_code == 429
    assert "次数已用完" in page.text
    assert "<b data-when>明天 14:05</b>" in page.text


def test_a_wrong_form_names_all_faults_and_sends_nothing(ground: Ground, browser: FlaskClient) -> None:
    page = post(browser, phone="1380013800", id_tail="12345")
    assert page.status_code == 422
    assert "有 4 处需要修改" in page.text
    assert faults(page) == [
        "手机号码应是 11 位，现在 10 位",
        "还差 1 位，请填写最后六位",
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
    assert other.status_code == 409
    assert "您刚才已提交过" in other.text


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
