"""`/verify`: the whole SMS in one field, three verdicts, and nothing of it shown again."""

from __future__ import annotations

import re

from flask.testing import FlaskClient
from sqlalchemy import select

from config.db.engine import begin, reading
from config.ground import Ground
from query.inquiry import Outcome
from query.models import inquiry
from query.proofs.verdict import add_code
from query.reply import Reply
from tests.conftest import on_sqlite
from tests.wechat.forms import ACCOUNTS, post, receive_code

pytestmark = on_sqlite
COUNTS = "138****8000共关联2个账号：微信2个。本短信不含链接。"


def shown(ground: Ground) -> str:
    text = f"【一证通查】您11月22日查询的手机号{COUNTS}"
    return add_code(ground, Reply(text, text, Outcome.ANSWERED), "tencent", ground.clock.now()).text


def test_a_genuine_text_matches_and_is_not_given_back(ground: Ground, browser: FlaskClient) -> None:
    assert 'href="/verify"' in browser.get("/").text
    page = browser.get("/verify")
    assert "任何人不得把出示本短信作为办卡、求职、租房的条件" in page.text
    text = shown(ground)
    answer = browser.post("/verify", data={"text": text})
    assert answer.status_code == 200
    assert "这条短信由本服务发出" in answer.text.replace('</span><span class="phrase">', "")
    assert "****8000" not in answer.text and "微信2" not in answer.text
    assert "这不是身份证明" in answer.text


def test_an_altered_text_does_not_and_an_old_one_is_expired(ground: Ground, browser: FlaskClient) -> None:
    text = shown(ground)
    assert "不符" in browser.post("/verify", data={"text": text.replace("微信2", "微信3")}).text
    assert "核验码已过期" in browser.post("/verify", data={"text": text.replace("11月22日", "3月2日")}).text


def test_what_is_missing_is_said_and_nothing_is_spent(ground: Ground, browser: FlaskClient) -> None:
    for _ in range(4):
        for text, told in (("", "请填写短信全文"), ("138****8000", "没有找到核验码")):
            answer = browser.post("/verify", data={"text": text})
            assert answer.status_code == 422
            assert told in answer.text
            assert "****8000" not in answer.text
    assert "相符" in browser.post("/verify", data={"text": shown(ground)}).text


def test_five_tries_an_hour_and_address(ground: Ground, browser: FlaskClient) -> None:
    text = shown(ground)
    tries = [browser.post("/verify", data={"text": text}).status_code for _ in range(6)]
    assert tries == [200] * 5 + [429]


def test_the_audience_of_the_form_goes_with_the_inquiry(ground: Ground, browser: FlaskClient) -> None:
    page = browser.get("/internet-accounts").text
    assert re.findall('<option value="([^"]*)"', page)[:2] == ["", "police"]
    answer = post(browser, **ACCOUNTS, audience="police", code=receive_code(ground, browser))
    assert answer.status_code == 303, answer.text
    with reading(ground.engine) as db:
        assert db.execute(select(inquiry.c.audience)).scalars().all() == ["police"]


def test_without_its_text_there_is_no_code_and_no_page(ground: Ground, browser: FlaskClient) -> None:
    lines = ground.catalogues.document().splitlines()
    document = "\n".join(line for line in lines if not line.startswith("verification-code"))
    with begin(ground.engine) as db:
        ground.catalogues.apply(db, document, "none", "test", ground.clock.now())
    ground.catalogues.forget()
    assert browser.get("/verify").status_code == 404
    assert "/verify" not in browser.get("/").text
    assert "核验码" not in browser.get("/internet-accounts").text
