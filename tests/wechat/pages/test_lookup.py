"""The progress on another device, by reference and last digits; and the way back to it on the same one."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from config.ground import Ground
from config.times.clock import FixedClock
from tests.miniprogram_api.citizens import set_limit
from tests.support.doors import make_door
from tests.wechat.forms import ACCOUNTS, CARDS, faults, post, receive_code

HOUR = 3_600_000


@pytest.fixture
def stranger(app: Flask) -> FlaskClient:
    return app.test_client()


def accepted(ground: Ground, browser: FlaskClient) -> str:
    """The reference of an inquiry that this browser submitted."""
    address = post(browser, **ACCOUNTS, code=receive_code(ground, browser)).headers["Location"]
    return address.removeprefix("/inquiries/")


def without_session(text: str) -> str:
    return re.sub(r'data-session="[^"]*"|name="session" value="[^"]*"', "", text)


@pytest.mark.parametrize("spelling", ["{0}{1}{2}", "{0} {1} {2}", "{0}-{1}-{2} "])
def test_a_reference_leads_to_its_progress_on_any_device(
    ground: Ground, browser: FlaskClient, stranger: FlaskClient, spelling: str
) -> None:
    """pages fault A10: no page took the reference."""
    reference = accepted(ground, browser)
    typed = spelling.format(*re.findall("....", reference))
    answer = stranger.post("/lookup", data={"reference": typed, "last": "８０００"})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/inquiries/{reference}")
    theirs, mine = stranger.get(f"/inquiries/{reference}"), browser.get(f"/inquiries/{reference}")
    assert theirs.status_code == 200 and "138****8000" in theirs.text
    assert 'data-session=""' in theirs.text
    assert without_session(mine.text) == without_session(theirs.text)
    assert "您最近的查询" not in stranger.get("/").text


def test_wrong_unknown_and_old_are_answered_alike(
    ground: Ground, browser: FlaskClient, stranger: FlaskClient, clock: FixedClock
) -> None:
    reference = accepted(ground, browser)
    unknown = str(int(reference) ^ 1)
    tries = [{"reference": reference, "last": "8001"}, {"reference": unknown, "last": "8000"}]
    told = [stranger.post("/lookup", data=each) for each in tries]
    clock.advance(48 * HOUR)
    told.append(stranger.post("/lookup", data={"reference": reference, "last": "8000"}))
    assert {answer.status_code for answer in told} == {404}
    assert len({answer.data for answer in told}) == 1
    assert "没有找到" in told[0].text
    assert not any("Set-Cookie" in answer.headers for answer in told)


def test_a_progress_that_was_looked_up_ends_with_its_48_hours(
    ground: Ground, browser: FlaskClient, stranger: FlaskClient, clock: FixedClock
) -> None:
    reference = accepted(ground, browser)
    clock.advance(47 * HOUR)
    stranger.post("/lookup", data={"reference": reference, "last": "8000"})
    assert stranger.get(f"/inquiries/{reference}").status_code == 200
    clock.advance(HOUR)
    assert stranger.get(f"/inquiries/{reference}").status_code == 404


def test_five_tries_an_hour(ground: Ground, browser: FlaskClient, stranger: FlaskClient, clock: FixedClock) -> None:
    reference = accepted(ground, browser)
    wrong = {"reference": reference, "last": "0000"}
    assert [stranger.post("/lookup", data=wrong).status_code for _ in range(6)] == [404] * 5 + [429]
    late = stranger.post("/lookup", data={"reference": reference, "last": "8000"})
    assert late.status_code == 429 and "<b data-when>今天 15:05</b> 之后再试" in late.text
    clock.advance(HOUR)
    assert stranger.post("/lookup", data={"reference": reference, "last": "8000"}).status_code == 303


def test_a_grant_is_for_one_progress(
    ground: Ground, browser: FlaskClient, stranger: FlaskClient, clock: FixedClock
) -> None:
    mine = accepted(ground, browser)
    clock.advance(61_000)
    code = receive_code(ground, browser, "phone-cards")
    theirs = post(browser, "phone-cards", **CARDS, code=code).headers["Location"]
    stranger.post("/lookup", data={"reference": mine, "last": "8000"})
    cookie = stranger.get_cookie("onecert-view", path=f"/inquiries/{mine}")
    assert cookie is not None
    stranger.set_cookie("onecert-view", cookie.value, path=theirs)
    assert stranger.get(theirs).status_code == 404


def test_what_is_wrong_with_the_fields_is_told_and_costs_no_try(ground: Ground, stranger: FlaskClient) -> None:
    set_limit(ground, "lookups_per_address_hour", 1)
    page = stranger.post("/lookup", data={"reference": "4827 1935 604", "last": "800"})
    assert page.status_code == 422
    assert faults(page) == ["受理编号是 12 位数字，现在 11 位", "请填写手机号码的后四位数字"]
    assert stranger.post("/lookup", data={"reference": "482719356041", "last": "8000"}).status_code == 404


def test_home_leads_back_to_the_last_inquiry_until_it_is_removed(
    ground: Ground, browser: FlaskClient, stranger: FlaskClient
) -> None:
    reference = accepted(ground, browser)
    assert "您最近的查询" not in browser.get("/").text  # its page was not seen yet
    browser.get(f"/inquiries/{reference}")
    home = browser.get("/").text
    for text in ("互联网账号，138****8000", "今天 14:05 受理", f'href="/inquiries/{reference}"'):
        assert text in home
    assert browser.get("/inquiries").headers["Location"] == f"/inquiries/{reference}"
    assert stranger.get("/inquiries").headers["Location"] == "/lookup"
    assert "您最近的查询" not in stranger.get("/").text
    assert browser.post("/inquiries").headers["Location"] == "/"
    assert "您最近的查询" not in browser.get("/").text


def test_home_forgets_after_48_hours(ground: Ground, browser: FlaskClient, clock: FixedClock) -> None:
    reference = accepted(ground, browser)
    browser.get(f"/inquiries/{reference}")
    clock.advance(47 * HOUR)
    assert "您最近的查询" in browser.get("/").text
    clock.advance(HOUR)
    assert "您最近的查询" not in browser.get("/").text


def test_home_forgets_when_the_visit_is_logged_out(ground: Ground, browser: FlaskClient) -> None:
    reference = accepted(ground, browser)
    page = browser.get(f"/inquiries/{reference}").text
    token = re.findall('data-session="([^"]+)"', page)[0]
    door = make_door(ground)
    door.end_session(door.read_session(token))
    assert "您最近的查询" not in browser.get("/").text


@pytest.mark.parametrize("address", ["/help", "/", "/internet-accounts"])
def test_the_page_is_named_where_people_look_for_it(browser: FlaskClient, address: str) -> None:
    assert 'href="/lookup"' in browser.get(address).text
    assert "“查进度”" in browser.get("/help").text
