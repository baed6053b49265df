"""WeChat's message push of a mini program: checked like an official account's, and whoever takes the consent back is
forgotten.

Source: wechatpy #681, WxJava #2458, WeiXinMPSDK #2939 (the platform requires the deletion); the events' own page.
"""

from __future__ import annotations

import json

import pytest
import requests
from sqlalchemy import select

from config.db.engine import begin, reading
from config.ground import Ground
from config.times.clock import FixedClock
from miniprogram_api.sandbox.wechat import openid_of
from query.access.endings import has_left_since
from query.access.tickets import Ticket, build_ticket, parse_ticket
from query.models import notice
from query.notices import _person, owe_notice
from tests.conftest import on_sqlite
from tests.miniprogram_api.applets import Client, Platforms
from tests.miniprogram_api.citizens import PHONE, problem
from tests.support.servers import PATIENCE_S, serve
from tests.wechat.pushing import WeChat
from wechat.webhook.account_keys import read_account
from wechat.webhook.body import Format
from wechat.webhook.player import Played, build_event, build_push, build_text
from wechat.webhook.push import Mode

pytestmark = on_sqlite
CODE = "wechat-applet"
EVENTS = ["user_info_modified", "user_authorization_revoke", "user_authorization_cancellation"]


@pytest.fixture
def wechat(ground: Ground) -> WeChat:
    return WeChat(ground)


def play(
    ground: Ground, message: dict[str, str | int], openid: str, form: Format = "xml", mode: Mode = "safe"
) -> Played:
    keys = read_account(ground, CODE).keys
    return build_push(keys, message, openid=openid, mode=mode, form=form, now=ground.clock.now())


@pytest.mark.parametrize("form", ["xml", "json"])
@pytest.mark.parametrize("event", EVENTS)
def test_who_takes_the_consent_back_has_no_session_any_more(
    ground: Ground,
    wechat: WeChat,
    applet: Client,
    platforms: Platforms,
    clock: FixedClock,
    event: str,
    form: Format,
) -> None:
    assert applet.log_in(CODE, platforms.login_code(CODE)).status_code == 201
    ann = openid_of(ground.catalogues.current().entrance(CODE).app_id, "ann")  # type: ignore[union-attr]
    clock.advance(2_000)
    told = build_event(event) | {"OpenID": ann, "RevokeInfo": "1", "AppID": "wx1"}
    response = wechat.send(CODE, play(ground, told, "gh_platform", form))
    assert (response.status_code, response.data) == (200, b"success")
    sent = applet.call("POST", "/verification-codes", {"service": "internet-accounts", "phone": PHONE})
    problem(sent, 401, "session_invalid")
    clock.advance(2_000)
    assert applet.log_in(CODE, platforms.login_code(CODE)).status_code == 201


@pytest.mark.parametrize("form", ["xml", "json"])
@pytest.mark.parametrize("event", EVENTS)
def test_over_http_what_is_held_of_the_openid_is_deleted_and_nobody_elses(
    ground: Ground, wechat: WeChat, event: str, form: Format
) -> None:
    """All that is bound to an openid (docs/data-map.md): owed and sent notices, tickets, sessions."""
    now = ground.clock.now()
    for number, openid in enumerate(("oAnn", "oAnn", "oBob")):
        assert owe_notice(ground, entrance=CODE, openid=openid, reference=f"48271935604{number}")
    tickets = {openid: build_ticket(ground.keys, Ticket(CODE, openid, now - 2_000)) for openid in ("oAnn", "oBob")}
    told = build_event(event) | {"OpenID": "oAnn", "RevokeInfo": "1,2", "PluginID": "", "OpenPID": ""}
    played = play(ground, told, "gh_platform", form)
    with serve(wechat.app) as url:
        for _ in range(2):  # WeChat sends it again when our answer is lost
            answer = requests.post(f"{url}/wechat/{CODE}?{played.query}", played.body, timeout=PATIENCE_S)
            assert (answer.status_code, answer.content) == (200, b"success")
    with reading(ground.engine) as db:
        assert db.execute(select(notice.c.person)).scalars().all() == [_person(ground, CODE, "oBob")]
    assert has_left_since(ground, CODE, "oAnn", parse_ticket(ground.keys, tickets["oAnn"], now).issued_at)
    assert not has_left_since(ground, CODE, "oBob", parse_ticket(ground.keys, tickets["oBob"], now).issued_at)


def test_an_event_about_somebody_else_ends_nobodys_session(
    ground: Ground, wechat: WeChat, applet: Client, platforms: Platforms
) -> None:
    applet.log_in(CODE, platforms.login_code(CODE))
    assert wechat.send(CODE, play(ground, build_event("user_info_modified"), "oSomebodyElse")).data == b"success"
    sent = applet.call("POST", "/verification-codes", {"service": "internet-accounts", "phone": PHONE})
    assert sent.status_code == 202


def test_a_mini_program_is_answered_nothing(ground: Ground, wechat: WeChat) -> None:
    for message in (build_text("查询"), build_event("subscribe"), build_event("debug_demo"), build_text("a]]>\x10")):
        for form in ("xml", "json"):
            response = wechat.send(CODE, play(ground, message, "oAnn", form))
            assert (response.status_code, response.data) == (200, b"success")


def test_the_checks_are_those_of_an_official_account(ground: Ground, wechat: WeChat, clock: FixedClock) -> None:
    event = build_event("user_info_modified")
    right = play(ground, event, "oAnn")
    official = read_account(ground, "gxwbwx").keys
    foreign = build_push(official, event, openid="oAnn", mode="safe", form="xml", now=clock.now())
    assert wechat.send(CODE, foreign).status_code == 403
    assert wechat.send(CODE, play(ground, event, "oAnn", mode="plain")).status_code == 403
    assert wechat.send("gxwbwx", right).status_code == 403
    clock.advance(301_000)
    assert wechat.send(CODE, right).status_code == 403


def test_without_push_in_the_catalogue_there_is_no_such_address(ground: Ground, wechat: WeChat) -> None:
    played = play(ground, build_event("user_info_modified"), "oAnn")
    document = ground.catalogues.document()
    assert "push = true" in document
    with begin(ground.engine) as db:
        ground.catalogues.apply(db, document.replace("push = true", "push = false"), "", "test", ground.clock.now())
    assert wechat.send(CODE, played).status_code == 404
    assert wechat.send("alipay-applet", played).status_code == 404


def test_json_of_the_platform_with_nested_lists_is_acknowledged(ground: Ground, wechat: WeChat) -> None:
    body = json.dumps({"Event": "wxa_media_check", "result": {"suggest": "pass"}, "detail": [{"a": 1}]})
    assert wechat.send(CODE, play(ground, build_event("wxa_media_check") | json.loads(body), "oAnn", "json")).data == (
        b"success"
    )
