"""Visits: who signs in, who is signed out, and what the browser is told to keep (security faults S18, S19)."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from config.ground import Ground
from query.access.errors import SessionInvalid
from query.access.sessions import read_session
from query.access.tickets import Ticket, build_ticket
from tests.conftest import on_sqlite
from tests.wechat.forms import ACCOUNTS, hidden, make_app, post, receive_code

pytestmark = on_sqlite
FORM = "/internet-accounts"


def ticket_of(ground: Ground, openid: str) -> str:
    return build_ticket(ground.keys, Ticket("gxwbwx", openid, ground.clock.now()))


def come(browser: FlaskClient, ticket: str, **headers: str) -> str:
    """Follow a ticket's link; returns the token of the form that it leads to."""
    answer = browser.get(FORM, query_string={"ticket": ticket}, headers=headers)
    assert answer.headers["Location"] == FORM
    return hidden(browser.get(FORM), "session")


def whose(ground: Ground, token: str, *, viewing: bool = False) -> str | None:
    return read_session(ground, token, viewing=viewing).openid


def accepted(ground: Ground, browser: FlaskClient) -> str:
    answer = post(browser, **ACCOUNTS, code=receive_code(ground, browser))
    return answer.headers["Location"].rpartition("/")[2]


def test_a_link_on_another_sites_page_signs_nobody_in(ground: Ground, browser: FlaskClient) -> None:
    """Login CSRF: the attacker's ticket replaced the victim's session (S18)."""
    own = come(browser, ticket_of(ground, "oVictim"))
    after = come(browser, ticket_of(ground, "oAttacker"), **{"Sec-Fetch-Site": "cross-site"})
    assert whose(ground, own) == whose(ground, after) == "oVictim"


@pytest.mark.parametrize("site", ["none", "same-origin", ""])
def test_a_link_in_a_chat_signs_in(ground: Ground, browser: FlaskClient, site: str) -> None:
    headers = {"Sec-Fetch-Site": site} if site else {}
    assert whose(ground, come(browser, ticket_of(ground, "oCitizen"), **headers)) == "oCitizen"


def test_the_same_citizens_next_link_goes_on_with_the_visit(ground: Ground, browser: FlaskClient) -> None:
    first = come(browser, ticket_of(ground, "oCitizen"))
    second = come(browser, ticket_of(ground, "oCitizen"))
    assert read_session(ground, first).sid == read_session(ground, second).sid


def test_a_visit_that_another_citizen_takes_over_ends_but_for_its_inquiries(
    ground: Ground, browser: FlaskClient
) -> None:
    """ASVS 7.2.4: the session before lived on."""
    before = come(browser, ticket_of(ground, "oFirst"))
    reference = accepted(ground, browser)
    come(browser, ticket_of(ground, "oSecond"))
    with pytest.raises(SessionInvalid):
        read_session(ground, before)
    assert whose(ground, before, viewing=True) == "oFirst"
    assert browser.get(f"/inquiries/{reference}").status_code == 404  # its page was never opened here
    assert browser.get(f"/inquiries/{reference}", headers={"Authorization": f"Bearer {before}"}).status_code == 200


def test_the_progress_page_logs_out(ground: Ground, browser: FlaskClient) -> None:
    """ASVS 7.4.4 and 14.3.1: no page had a logout."""
    reference = accepted(ground, browser)
    page = browser.get(f"/inquiries/{reference}").text
    assert re.search(
        f'<form class="acts" method="post" action="/inquiries"><button [^>]*value="{reference}">退出并从本机移除<', page
    )
    token = re.findall('data-session="([^"]+)"', page)[0]
    answer = browser.post("/inquiries", data={"reference": reference})
    assert (answer.status_code, answer.headers["Clear-Site-Data"]) == (303, '"cache", "storage"')
    for viewing in (False, True):
        with pytest.raises(SessionInvalid):
            read_session(ground, token, viewing=viewing)
    assert browser.get(f"/inquiries/{reference}").status_code == 404
    assert not browser.get_cookie("onecert")
    ground.redis.flushall()
    assert browser.get(f"/inquiries/{reference}", headers={"Authorization": f"Bearer {token}"}).status_code == 404


def test_another_sites_post_logs_nobody_out(ground: Ground, browser: FlaskClient) -> None:
    """A browser sends it without our cookies, since they are SameSite=Lax."""
    token = come(browser, ticket_of(ground, "oCitizen"))
    answer = make_app(ground).test_client().post("/inquiries")
    assert "Clear-Site-Data" not in answer.headers
    assert not [one for one in answer.headers.getlist("Set-Cookie") if one.startswith("onecert=")]
    assert whose(ground, token) == "oCitizen"


def test_over_https_every_cookie_is_bound_to_this_host_or_this_page(ground: Ground) -> None:
    """ASVS 3.3.1: three cookies had no prefix (S19)."""
    secure = replace(ground, settings=replace(ground.settings, public_url="https://onecert.example"))
    browser = make_app(secure).test_client()
    answers = [browser.get("/?size=elder&lang=en", base_url="https://onecert.example")]
    page = browser.get(FORM, base_url="https://onecert.example")
    answers += [page]
    told = {name: hidden(page, name) for name in ("session", "key", "sent")}
    answers += [browser.post(FORM, data=told | {"phone": "1"}, base_url="https://onecert.example")]
    cookies = [cookie for answer in answers for cookie in answer.headers.getlist("Set-Cookie")]
    assert {cookie.partition("=")[0] for cookie in cookies} == {
        *("__Host-onecert", "__Host-onecert-size", "__Host-onecert-lang", "__Secure-onecert-draft"),
    }
    for cookie in cookies:
        assert {"Secure", "HttpOnly", "SameSite=Lax"} <= set(cookie.split("; "))
        assert "Path=/;" in f"{cookie};" or cookie.startswith("__Secure-")
        assert "Domain=" not in cookie
    assert 'data-size="elder"' in browser.get(FORM, base_url="https://onecert.example").text


def test_an_inquiry_is_withdrawn_on_its_page_by_its_owner(ground: Ground, browser: FlaskClient) -> None:
    reference = accepted(ground, browser)
    address = f"/inquiries/{reference}"
    page = browser.get(address).text
    assert f'action="{address}/withdraw"' in page and "确认撤回" in page
    stranger = make_app(ground).test_client()
    assert stranger.post(f"{address}/withdraw").status_code == 404
    answer = browser.post(f"{address}/withdraw")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/inquiries/withdrawn")
    assert "已撤回" in browser.get("/inquiries/withdrawn").text
    assert browser.get(address).status_code == 404
    assert browser.post(f"{address}/withdraw").status_code == 404
