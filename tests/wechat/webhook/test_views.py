"""The webhook over HTTP, with real database and Redis: what WeChat sees."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from config.db.engine import begin
from config.ground import Ground
from config.processes import request_metrics
from config.queue.bell import make_redis
from config.times.clock import FixedClock
from query.access.tickets import Ticket, parse_ticket
from tests.conftest import on_sqlite
from tests.support.factories import switch_off
from tests.wechat.pushes import OPENID
from tests.wechat.pushing import ACCOUNTS, TAP, WeChat
from wechat.webhook.body import Format
from wechat.webhook.crypto import sign
from wechat.webhook.player import build_event, build_push, build_text, read_answer


def test_the_platform_confirms_our_address(wechat: WeChat) -> None:
    seconds, token = str(wechat.ground.clock.now() // 1000), wechat.keys("gxwbwx").tokens[0]
    stamp = {"timestamp": seconds, "nonce": "n", "signature": sign(token, seconds, "n"), "echostr": "5837106492<b>"}
    response = wechat.client().get("/wechat/gxwbwx", query_string=stamp)
    assert (response.status_code, response.data, response.mimetype) == (200, b"5837106492<b>", "text/plain")
    refused = wechat.client().get("/wechat/gxwbwx", query_string={**stamp, "nonce": "m"})
    assert (refused.status_code, refused.data) == (403, b"")


@pytest.mark.parametrize("form", ["xml", "json"])
@pytest.mark.parametrize("code", ACCOUNTS)
def test_the_menu_tap_is_answered_with_two_ticketed_links(wechat: WeChat, code: str, form: Format) -> None:
    text = wechat.ask(code, form=form)
    links = re.findall(r'<a href="([^"]+)\?ticket=([A-Za-z0-9_-]+)">', text)
    public = wechat.ground.settings.public_url
    assert [page for page, _ in links] == [f"{public}/internet-accounts", f"{public}/phone-cards"]
    now = wechat.ground.clock.now()
    assert parse_ticket(wechat.ground.keys, links[0][1], now) == Ticket(code, OPENID, now)
    assert len(text.encode()) <= 2048


def test_the_menu_tap_does_not_offer_a_service_that_is_switched_off(wechat: WeChat) -> None:
    switch_off(wechat.ground, "phone-cards")
    text = wechat.ask("gxwbwx")
    assert "/internet-accounts?ticket=" in text and "phone-cards" not in text and "移动电话卡" not in text


def test_a_compatible_account_takes_both_kinds(wechat: WeChat) -> None:
    assert wechat.ask("gxb-antifraud", build_text("查询"), "plain").startswith("您想查哪一项？")
    assert wechat.ask("gxb-antifraud", build_text("查询"), "compatible").startswith("您想查哪一项？")
    assert wechat.ask("gxb-antifraud", build_text("查询"), "safe").startswith("您想查哪一项？")


def test_a_safe_account_refuses_an_unencrypted_push(wechat: WeChat) -> None:
    response = wechat.send("gxwbwx", wechat.play("gxwbwx", mode="plain"))
    assert (response.status_code, response.data) == (403, b"")


def test_two_accounts_crossed_are_refused(wechat: WeChat) -> None:
    for mine, theirs in [("gxwbwx", "gxb-antifraud"), ("caict", "gxwbwx"), ("gxb-antifraud", "caict")]:
        response = wechat.send(theirs, wechat.play(mine))
        assert (response.status_code, response.data) == (403, b"")


@pytest.mark.parametrize("code", ["nobody", "web", "alipay-applet", "GXWBWX"])
def test_what_is_no_official_account_is_not_found(wechat: WeChat, code: str) -> None:
    response = wechat.send(code, wechat.play("gxwbwx"))
    assert (response.status_code, response.data) == (404, b"")


@pytest.mark.parametrize("account", ["caict", "nobody"])
def test_a_push_counts_under_its_rule(wechat: WeChat, monkeypatch: pytest.MonkeyPatch, account: str) -> None:
    """Pushes do not pass through Flask, which names the routes: they counted as refused by a layer."""
    seen: list[tuple[str, str]] = []
    monkeypatch.setattr(request_metrics, "count_request", lambda route, status, _s: seen.append((route, status)))
    app = wechat.app
    app.wsgi_app = request_metrics.count_requests(app, app.wsgi_app)  # type: ignore[method-assign, assignment]
    status = wechat.send(account, wechat.play("caict")).status
    assert seen == [("/wechat/<account>", status[:3])]


@pytest.mark.parametrize("code", ACCOUNTS)
def test_a_retry_gets_the_same_bytes(wechat: WeChat, code: str, clock: FixedClock) -> None:
    played = wechat.play(code)
    first = wechat.send(code, played)
    clock.advance(5_000)
    again = wechat.send(code, played)
    assert first.data == again.data != b"success"
    assert first.content_type == again.content_type


def test_a_message_is_known_by_its_number_and_not_by_its_second(wechat: WeChat) -> None:
    texts = [build_text("查询"), build_text("查询")]
    first, second = (wechat.send("caict", wechat.play("caict", text)) for text in texts)
    retry = wechat.send("caict", wechat.play("caict", texts[0]))
    assert first.data == retry.data != second.data


def test_two_events_of_one_tap_are_kept_apart(wechat: WeChat) -> None:
    assert wechat.ask("gxb-antifraud", build_event("subscribe")).startswith("您好，这里可以免费查询")
    assert wechat.ask("gxb-antifraud").startswith("您想查哪一项？")
    assert wechat.ask("gxb-antifraud", build_event("CLICK", "OTHER")) == ""


def test_the_same_person_and_second_at_another_account_is_another_push(wechat: WeChat) -> None:
    assert wechat.ask("gxwbwx") != wechat.ask("caict") != ""


OLD = {"CreateTime": 1_348_831_860}
"""A push whose own time is not near: its answer cannot follow from it, and is remembered."""


@pytest.mark.parametrize("code", ACCOUNTS)
def test_a_retry_gets_the_same_bytes_whatever_clock_wechat_has(wechat: WeChat, code: str, clock: FixedClock) -> None:
    for message in (TAP | OLD, TAP | {"CreateTime": clock.now() // 1000 + 31}):
        played = wechat.play(code, message)
        first = wechat.send(code, played)
        clock.advance(5_000)
        assert first.data == wechat.send(code, played).data != b"success"
        assert "您想查哪一项？" in read_answer(wechat.keys(code), first.data)


def test_a_retry_is_answered_alike_by_another_process_without_redis(wechat: WeChat, clock: FixedClock) -> None:
    other = WeChat(replace(wechat.ground, redis=make_redis("redis://127.0.0.1:1")))
    for code in ACCOUNTS:
        played = wechat.play(code)
        first = wechat.send(code, played)
        clock.advance(10_000)
        assert other.send(code, played).data == first.data


@on_sqlite
@pytest.mark.parametrize("old", [{}, OLD], ids=["composed", "remembered"])
def test_a_retry_storm_answers_once(wechat: WeChat, old: dict[str, Any]) -> None:
    played = wechat.play("gxwbwx", TAP | old)
    start = threading.Barrier(16)

    def try_once(_number: int) -> bytes:
        start.wait()
        return wechat.send("gxwbwx", played).data

    with ThreadPoolExecutor(16) as pool:
        bodies = list(pool.map(try_once, range(16)))
    answers = set(bodies) - {b"success"}
    assert len(answers) == 1
    assert wechat.send("gxwbwx", played).data in answers


def test_without_redis_every_try_is_answered(ground: Ground) -> None:
    wechat = WeChat(replace(ground, redis=make_redis("redis://127.0.0.1:1")))
    for _ in range(2):
        assert wechat.ask("gxwbwx").startswith("您想查哪一项？")


def test_redis_holds_neither_openid_nor_answer_in_clear(wechat: WeChat) -> None:
    wechat.ask("caict", build_text("查询") | OLD)
    keys: list[Any] = [
        key for key in wechat.ground.redis.keys("*") if key != b"stamps"
    ]  # MACs, tests/config/crypto/test_stamps.py
    held = b" ".join([*keys, *(cast("bytes", wechat.ground.redis.get(key) or b"") for key in keys)])
    assert keys and OPENID.encode() not in held and "查".encode() not in held and b"ticket" not in held
    assert all(0 < wechat.ground.redis.ttl(key) <= 60 for key in keys)


def test_events_without_an_answer_are_acknowledged(wechat: WeChat) -> None:
    for event in ("unsubscribe", "VIEW", "user_authorization_revoke", "never_heard_of"):
        response = wechat.send("gxwbwx", wechat.play("gxwbwx", build_event(event)))
        assert (response.status_code, response.data) == (200, b"success")


def test_a_new_follower_is_greeted_only_where_that_is_switched_on(wechat: WeChat) -> None:
    assert wechat.ask("gxb-antifraud", build_event("subscribe")).startswith("您好")
    assert wechat.ask("caict", build_event("subscribe")) == ""


def test_a_changed_token_and_key_are_taken_beside_the_old_ones(wechat: WeChat) -> None:
    ground, old = wechat.ground, wechat.keys("gxwbwx")
    played_before = wechat.play("gxwbwx")
    with begin(ground.engine) as db:
        ground.secrets.set(db, "gxwbwx.token.next", "a-new-token", ground.clock.now())
        ground.secrets.set(db, "gxwbwx.aes_key.next", "A" * 43, ground.clock.now())
    ground.secrets.forget()
    new = replace(old, tokens=("a-new-token",), aes_keys=(bytes(32),))
    played_after = build_push(new, build_text("查询"), openid=OPENID, mode="safe", form="xml", now=ground.clock.now())
    assert read_answer(old, wechat.send("gxwbwx", played_before).data).startswith("您想查哪一项？")
    assert read_answer(new, wechat.send("gxwbwx", played_after).data).startswith("您想查哪一项？")


@on_sqlite
def test_a_tap_while_the_database_is_away_is_told_that_the_service_is_down(
    wechat: WeChat, clock: FixedClock, tmp_path: Path
) -> None:
    assert wechat.ask("gxwbwx", build_text("你好")).startswith("抱歉，没能识别")
    known, played_later = wechat.keys("gxwbwx"), clock.ms + 60_000
    taps = {
        text: build_push(known, message, openid=OPENID, mode="safe", form="xml", now=played_later)
        for text, message in {"服务暂时无法使用": TAP, "抱歉": build_text("你好")}.items()
    }
    with database_away(wechat.ground, tmp_path):
        clock.advance(60_000)
        for text, played in taps.items():
            assert read_answer(known, wechat.send("gxwbwx", played).data).startswith(text)
        never_read = wechat.send("caict", taps["抱歉"])
    assert (never_read.status_code, never_read.data) == (503, b"")


@contextmanager
def database_away(ground: Ground, directory: Path) -> Iterator[None]:
    """The database's file is moved away, and back at the end."""
    ground.engine.dispose()
    shutil.move(directory / "onecert.db", directory / "away.db")
    (directory / "onecert.db").mkdir()
    yield
    (directory / "onecert.db").rmdir()
    shutil.move(directory / "away.db", directory / "onecert.db")


@on_sqlite
def test_logs_name_neither_citizen_nor_words_nor_secrets(
    wechat: WeChat, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    wechat.ask("caict", build_text("我的身份证号是11010519491231002X"))
    wechat.send("caict", wechat.play("caict", build_event("never_heard_of", "SECRET-KEY")))
    wechat.send("gxwbwx", wechat.play("caict"))
    shown = "".join([*capfd.readouterr(), caplog.text])
    assert "never_heard_of" in shown
    for secret in (OPENID, "身份证", "11010519491231002X", "SECRET-KEY", wechat.keys("caict").tokens[0]):
        assert secret not in shown
