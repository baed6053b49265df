"""帮家人查 on pages: without JavaScript, and nothing on them depends on the relative."""

from __future__ import annotations

import re

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from config.db.engine import begin
from config.ground import Ground
from config.times.clock import FixedClock
from tests.conftest import on_sqlite
from tests.miniprogram_api.citizens import codes_owed, messages_owed

HELPER, FATHER = "13912345678", "13800138000"

pytestmark = on_sqlite


def hidden(text: str, name: str) -> str:
    found = re.search(f'name="{name}" value="([^"]*)"', text)
    assert found
    return found[1]


def post(browser: FlaskClient, **fields: str) -> TestResponse:
    session = hidden(browser.get("/help-family").text, "session")
    return browser.post("/help-family", data={"session": session, "phone": HELPER, **fields})


def offer(ground: Ground, browser: FlaskClient, relative: str = FATHER) -> TestResponse:
    assert post(browser, action="code").status_code == 200
    code = codes_owed(ground, HELPER)[-1]
    return post(browser, code=code, relative=relative, consent="yes")


def test_from_the_first_page_to_the_offer(ground: Ground, browser: FlaskClient) -> None:
    assert 'href="/help-family"' in browser.get("/").text
    answer = offer(ground, browser)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/help-family/sent")
    sent = browser.get("/help-family/sent").text
    assert "138****8000" in sent and "139****5678" in sent
    assert FATHER not in sent and HELPER not in sent
    assert [to for to, text in messages_owed(ground) if "想帮您查" in text] == [FATHER]


def test_the_sent_page_is_the_same_for_a_number_that_wants_none(
    ground: Ground, browser: FlaskClient, clock: FixedClock
) -> None:
    """Refused, blocked and missing numbers are compared over the API; the page shows what was typed."""
    offer(ground, browser, "13800138001")
    one = browser.get("/help-family/sent").text
    clock.advance(61_000)
    other = browser.application.test_client()
    offer(ground, other, "19900000001")
    two = other.get("/help-family/sent").text
    assert one.replace("138****8001", "*").replace("14:05", "14:06") == two.replace("199****0001", "*")


def test_what_is_missing_is_said_beside_its_field(browser: FlaskClient) -> None:
    answer = post(browser, phone="", relative="")
    assert answer.status_code == 422
    for told in ("请填写家人的手机号码", "请确认家人知道，勾选后再提交", "有 4 处需要修改"):
        assert told in answer.text


def test_ones_own_number_and_a_second_offer_are_told(ground: Ground, browser: FlaskClient, clock: FixedClock) -> None:
    assert "这是您自己的号码" in offer(ground, browser, HELPER).text
    code = codes_owed(ground, HELPER)[-1]
    assert post(browser, code=code, relative=FATHER, consent="yes").status_code == 303
    clock.advance(61_000)
    assert "30 天内已帮这位家人查过" in offer(ground, browser).text


def test_without_its_texts_it_is_not_offered(ground: Ground, browser: FlaskClient) -> None:
    lines = ground.catalogues.document().splitlines()
    document = "\n".join(line for line in lines if not line.startswith(("help-", "code-help")))
    with begin(ground.engine) as db:
        ground.catalogues.apply(db, document, "none", "test", ground.clock.now())
    ground.catalogues.forget()
    assert browser.get("/help-family").status_code == 404
    assert "/help-family" not in browser.get("/").text


def test_the_sent_page_is_not_there_for_who_has_sent_nothing(browser: FlaskClient) -> None:
    assert browser.get("/help-family/sent").headers["Location"] == "/help-family"
