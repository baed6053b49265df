"""The pages of objections and alerts: forms without JavaScript, progress, and bytes that no finding changes."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from config.db.engine import begin, reading
from config.ground import Ground
from config.times.clock import FixedClock
from enterprises.request_protocol import FINALS, REASONS
from query.inquiry import State
from query.models import inquiry
from query.objections.models import objection
from query.objections.rules.objection import Outcome
from query.objections.rules.objection import State as ObjectionState
from query.requests.models import request
from query.requests.store import Found, RequestState, seal_found
from query.watches.models import watch
from tests.miniprogram_api.citizens import codes_owed
from tests.wechat.forms import ACCOUNTS, PHONE, faults, hidden, post, receive_code


def post_objection(
    browser: FlaskClient, wish: str = "dispute", ticks: tuple[str, ...] = (), **typed: str
) -> TestResponse:
    page = browser.get(f"/objections?wish={wish}")
    assert page.status_code == 200
    form = {"session": hidden(page, "session"), "key": hidden(page, "key"), "wish": wish, "application": list(ticks)}
    answer = browser.post("/objections", data=form | typed)
    if answer.headers.get("Location") != f"/objections?wish={wish}":
        return answer
    return browser.get(answer.headers["Location"])


def receive_objection_code(ground: Ground, browser: FlaskClient) -> str:
    page = post_objection(browser, phone=PHONE, action="code")
    assert page.status_code == 200
    assert "验证码已发到 138****8000" in page.text
    return codes_owed(ground)[-1]


def apply(ground: Ground, browser: FlaskClient, wish: str = "dispute", *ticks: str) -> str:
    code = receive_objection_code(ground, browser)
    answer = post_objection(browser, wish, ticks or ("weixin", "jd"), **ACCOUNTS, code=code)
    assert answer.status_code == 303, answer.text
    assert re.fullmatch(r"/objections/\d{12}", answer.headers["Location"])
    return answer.headers["Location"]


def test_the_choice_leads_to_two_forms_and_to_the_guides(browser: FlaskClient) -> None:
    page = browser.get("/objections")
    assert re.findall(r'<a class="card" href="([^"]+)"', page.text) == [
        "/objections?wish=unbind",
        "/objections?wish=dispute",
        "/guides",
    ]
    home = browser.get("/").text
    assert home.count("<b>申请解绑</b>") == 2  # the entry of wide screens, the foot's row of phones
    assert re.findall(r'<div class="more wide">\s*<a href="([^"]+)">', home) == ["/objections"]
    assert browser.get("/objections?lang=en").status_code == 303


def test_the_working_days_that_are_told_are_the_catalogues(browser: FlaskClient, ground: Ground) -> None:
    document = ground.catalogues.document().replace("unbind_days = 5", "unbind_days = 7")
    with begin(ground.engine) as db:
        ground.catalogues.apply(db, document, "days", "test", ground.clock.now())
    assert re.findall(r"最迟 (\d+) 个工作日", browser.get("/objections").text) == ["7", "10"]
    assert "最迟 7 个工作日" in re.sub("<[^>]+>", "", browser.get("/objections?wish=unbind").text)


def test_every_application_is_listed_by_company_and_none_is_ticked(browser: FlaskClient, ground: Ground) -> None:
    page = browser.get("/objections?wish=unbind")
    companies = ground.catalogues.current().enterprises()
    codes = [one.code for company in companies for one in company.applications]
    assert re.findall(r'name="application" value="([^"]+)"', page.text) == codes
    assert " checked" not in page.text
    assert "最迟 5 个工作日" in re.sub("<[^>]+>", "", page.text)


def test_a_wrong_form_names_all_faults_and_keeps_what_was_typed(browser: FlaskClient) -> None:
    page = post_objection(browser, phone="1380013800", id_tail="12345")
    assert "<title>错误：" in page.text
    assert faults(page) == [
        "请至少勾选一个应用",
        "手机号码应是 11 位，现在 10 位",
        *faults(page)[2:4],
        "请阅读并勾选同意，再提交",
        "请勾选同意提供身份证信息，再提交",
    ]
    again = post_objection(browser, ticks=("jd",), phone=PHONE, id_tail="12345X")
    assert 'value="jd" checked' in again.text
    assert 'value="12345X"' in again.text


def test_a_right_form_leads_to_its_progress_page(ground: Ground, browser: FlaskClient, clock: FixedClock) -> None:
    address = apply(ground, browser)
    first = browser.get(address)
    assert "已受理" in first.text
    assert "企业最迟 12 月 4 日答复" in first.text
    assert "不是我注册的" in first.text
    assert "微信、京东" in first.text
    assert "已转给企业" not in first.text
    clock.advance(5_000)
    assert "已转给企业" in browser.get(address).text
    assert browser.application.test_client().get(address).status_code == 404


def test_what_is_open_stands_in_place_of_the_form_after_a_right_code(
    ground: Ground, browser: FlaskClient, clock: FixedClock
) -> None:
    apply(ground, browser)
    clock.advance(61_000)
    code = receive_objection_code(ground, browser)
    page = post_objection(browser, ticks=("qq",), **ACCOUNTS, code=code)
    assert page.status_code == 409
    assert "有一件申请正在办理" in page.text


FINDINGS = [
    (word, reason) for word in sorted(FINALS["dispute"]) for reason in sorted(REASONS.get(word, {None}), key=str)
]


def set_finding(ground: Ground, word: str | None, reason: str | None, *, closed: bool) -> None:
    """Return what the database holds after a company's word, or the carrier's mismatch (None)."""
    with begin(ground.engine) as db:
        row = db.execute(select(objection)).one()
        db.execute(request.delete())
        state = ObjectionState.CLOSED if closed else ObjectionState.RELAYED
        values: dict[str, Any] = {"state": state, "outcome": Outcome.UNMATCHED if word is None else Outcome.FOUND}
        values["closed_at"] = ground.clock.now() if closed else None
        if not closed and word is None:
            values["state"] = ObjectionState.CHECKING
        db.execute(update(objection).values(**values))
        if word is not None:
            found = seal_found(ground, b"r" * 16, Found(word, reason))
            item = {"id": b"r" * 16, "owner": row.id, "kind": "dispute", "partner": "tencent", "application": "weixin"}
            times = {"due_at": 1, "tries": 1, "failed": 0, "made_at": 1, "done_at": 2, "round": 0}
            db.execute(request.insert().values(**item, **times, state=RequestState.DONE, finding=found))


@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.parametrize("dress", ["", "?size=elder", "?lang=en"])
def test_the_bytes_of_the_page_and_of_the_api_are_equal_for_all_findings(
    ground: Ground, browser: FlaskClient, clock: FixedClock, closed: bool, dress: str
) -> None:
    address = apply(ground, browser)
    clock.advance(3_600_000)
    if dress:
        browser.get(f"/{dress}")
    seen = set()
    for word, reason in [*FINDINGS, (None, None)]:
        set_finding(ground, word, reason, closed=closed)
        answer = browser.get(address)
        assert answer.status_code == 200
        seen.add(answer.data)
    assert len(seen) == 1
    assert len(FINDINGS) == 11


def close_inquiry(ground: Ground, address: str) -> None:
    with begin(ground.engine) as db:
        mine = inquiry.c.reference == int(address.rsplit("/", 1)[1])
        closed = {"state": State.CLOSED, "closed_at": ground.clock.now(), "phone": None}
        db.execute(update(inquiry).where(mine).values(**closed))


def test_a_closed_inquiry_offers_what_is_next_and_turns_on_alerts(ground: Ground, browser: FlaskClient) -> None:
    answer = post(browser, **ACCOUNTS, code=receive_code(ground, browser))
    address = answer.headers["Location"]
    close_inquiry(ground, address)
    page = browser.get(address)
    assert "数量不对？申请处理" in page.text
    assert 'name="watch" value="yes">' in page.text
    form = {"session": hidden(page, "session"), "reference": address.rsplit("/", 1)[1]}
    unticked = browser.post("/watches", data=form)
    assert (unticked.status_code, unticked.headers["Location"]) == (303, f"{address}?watch=tick#watch")
    assert "请先勾选" in browser.get(f"{address}?watch=tick").text
    said = browser.post("/watches", data=form | {"watch": "yes"})
    assert said.headers["Location"] == f"{address}?watch=said#watch"
    assert "已提交，是否开启以短信为准" in browser.get(f"{address}?watch=said").text
    with reading(ground.engine) as db:
        assert len(db.execute(select(watch)).all()) == 1


def test_another_sites_post_turns_on_nothing(ground: Ground, browser: FlaskClient) -> None:
    answer = post(browser, **ACCOUNTS, code=receive_code(ground, browser))
    close_inquiry(ground, answer.headers["Location"])
    page = browser.get(answer.headers["Location"])
    stranger = browser.application.test_client()
    stranger.get("/objections?wish=dispute")
    form = {"session": hidden(page, "session"), "reference": answer.headers["Location"].rsplit("/", 1)[1]}
    assert stranger.post("/watches", data=form | {"watch": "yes"}).status_code in (401, 403)
    with reading(ground.engine) as db:
        assert db.execute(select(watch)).all() == []


def test_without_objections_in_the_catalogue_there_are_no_pages(ground: Ground, browser: FlaskClient) -> None:
    document = re.sub(
        r"\[objections\]\nunbind_days", "[objections]\nenabled = false\nunbind_days", ground.catalogues.document()
    )
    with begin(ground.engine) as db:
        ground.catalogues.apply(db, document, "off", "test", ground.clock.now())
    assert browser.get("/objections").status_code == 404
    assert "/objections" not in browser.get("/").text
