"""A mini program's login: the code goes to its platform once, and what was used, foreign or made up opens nothing."""

from __future__ import annotations

import base64
import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import pytest
from flask import Flask

from config.crypto.rsa_keys import load_private_key, make_private_key, public_half
from config.db.engine import begin
from config.ground import Ground
from config.net.http_client import HttpClient, HttpResponse
from config.platforms import wechat_calls
from config.queue.bell import make_redis
from config.times.clock import FixedClock
from miniprogram_api.logins.alipay import find_refusal
from miniprogram_api.logins.alipay_protocol import parse_answer
from query.access.errors import LimiterUnavailable, PlatformUnavailable
from tests.conftest import on_sqlite
from tests.miniprogram_api.applets import ADDRESS, Client, Platforms, point_at
from tests.miniprogram_api.certificates import make_certificate
from tests.miniprogram_api.citizens import PHONE, problem, set_limit
from tests.support.doors import make_door
from tests.support.factories import key_pairs
from tests.support.servers import PATIENCE_S, free_port, wait_until

pytestmark = on_sqlite
APPLETS = ("wechat-applet", "alipay-applet")
MINUTE = 60_000
each_applet = pytest.mark.parametrize("entrance", APPLETS)


@each_applet
def test_a_login_code_opens_a_session_in_which_a_code_can_be_asked_for(
    entrance: str, applet: Client, platforms: Platforms
) -> None:
    opened = applet.log_in(entrance, platforms.login_code(entrance))
    assert (opened.status_code, opened.get_json()["expires_in"]) == (201, 1800)
    sent = applet.call("POST", "/verification-codes", {"service": "internet-accounts", "phone": PHONE})
    assert sent.status_code == 202


@each_applet
def test_a_used_code_is_refused_and_the_platform_is_not_asked_again(
    entrance: str, applet: Client, platforms: Platforms
) -> None:
    code = platforms.login_code(entrance)
    assert applet.log_in(entrance, code).status_code == 201
    platforms.behaviour.set("wechat", "500")
    platforms.behaviour.set("alipay", "500")
    problem(applet.log_in(entrance, code), 422, "login_code_used")


@each_applet
def test_of_twenty_that_bring_one_code_at_once_one_is_let_in(entrance: str, app: Flask, platforms: Platforms) -> None:
    code = platforms.login_code(entrance)
    with ThreadPoolExecutor(10) as pool:
        statuses = list(pool.map(lambda _: Client(app.test_client()).log_in(entrance, code).status_code, range(20)))
    assert sorted(statuses) == [201] + [422] * 19


def test_a_code_that_the_platform_knows_as_used_is_told_so_after_we_forgot(
    applet: Client, platforms: Platforms, ground: Ground
) -> None:
    code = platforms.login_code("wechat-applet")
    applet.log_in("wechat-applet", code)
    ground.redis.flushall()
    problem(applet.log_in("wechat-applet", code), 422, "login_code_used")


@each_applet
@pytest.mark.parametrize("code", ["", " ", "wrong-code", "中文", "a\nb", "x" * 512, "\u202e1"])
def test_an_empty_or_made_up_code_is_refused(entrance: str, code: str, applet: Client, platforms: Platforms) -> None:
    if code.startswith("x"):
        platforms.behaviour.set("wechat", "40029")
        platforms.behaviour.set("alipay", "40002")
    assert problem(applet.log_in(entrance, code), 422, "login_code_invalid")["field"] == "code"


@each_applet
def test_another_mini_programs_code_is_refused(entrance: str, applet: Client, platforms: Platforms) -> None:
    code = platforms.login_code(entrance, app_id="wx00000000000000ff")
    problem(applet.log_in(entrance, code), 422, "login_code_invalid")


def test_a_code_of_one_entrance_is_refused_at_the_other(applet: Client, platforms: Platforms) -> None:
    code = platforms.login_code("wechat-applet")
    assert applet.log_in("wechat-applet", code).status_code == 201
    problem(applet.log_in("alipay-applet", code), 422, "login_code_used")
    problem(applet.log_in("alipay-applet", platforms.login_code("wechat-applet")), 422, "login_code_invalid")


@each_applet
def test_a_code_over_five_minutes_old_is_refused(
    entrance: str, applet: Client, platforms: Platforms, clock: FixedClock
) -> None:
    code = platforms.login_code(entrance)
    clock.advance(5 * MINUTE)
    problem(applet.log_in(entrance, code), 422, "login_code_invalid")


@pytest.mark.parametrize(
    ("side", "entrance", "mode", "status", "code"),
    [
        ("wechat", "wechat-applet", "40226", 403, "login_refused"),
        ("wechat", "wechat-applet", "45011", 503, "unavailable"),
        ("wechat", "wechat-applet", "-1", 503, "unavailable"),
        ("wechat", "wechat-applet", "40013", 503, "unavailable"),
        ("wechat", "wechat-applet", "garbage", 503, "unavailable"),
        ("wechat", "wechat-applet", "500", 503, "unavailable"),
        ("alipay", "alipay-applet", "40004", 403, "login_refused"),
        ("alipay", "alipay-applet", "20000", 503, "unavailable"),
        ("alipay", "alipay-applet", "40006", 503, "unavailable"),
        ("alipay", "alipay-applet", "garbage", 503, "unavailable"),
        ("alipay", "alipay-applet", "429", 503, "unavailable"),
    ],
)
def test_what_a_platform_says_becomes_a_code_of_ours(
    side: str, entrance: str, mode: str, status: int, code: str, applet: Client, platforms: Platforms
) -> None:
    wanted = platforms.login_code(entrance)
    platforms.behaviour.set(side, mode)
    told = problem(applet.log_in(entrance, wanted), status, code)
    assert (status == 503) == ("retry_after" in told)


@each_applet
def test_a_code_that_certainly_was_not_used_may_be_tried_again(
    entrance: str, applet: Client, platforms: Platforms, ground: Ground
) -> None:
    code = platforms.login_code(entrance)
    point_at(ground, f"http://127.0.0.1:{free_port()}")
    problem(applet.log_in(entrance, code), 503, "unavailable")
    point_at(ground, platforms.url)
    assert applet.log_in(entrance, code).status_code == 201
    side = entrance.removesuffix("-applet")
    for mode in {"wechat": ("-1", "45011"), "alipay": ("20000", "40005")}[side] + ("429",):
        busy = platforms.login_code(entrance)
        platforms.behaviour.set(side, mode)
        problem(applet.log_in(entrance, busy), 503, "unavailable")
        platforms.behaviour.set(side, "ok")
        assert applet.log_in(entrance, busy).status_code == 201, mode


@pytest.fixture
def goes_on(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """A platform that is slow answers when this is set."""
    goes_on = threading.Event()
    monkeypatch.setattr(
        "config.sandbox.wechat_platform.time", SimpleNamespace(sleep=lambda _: goes_on.wait(PATIENCE_S))
    )
    yield goes_on
    goes_on.set()


@each_applet
def test_a_silent_platform_keeps_nobody_longer_than_its_time(
    entrance: str, platforms: Platforms, monkeypatch: pytest.MonkeyPatch, applet: Client, goes_on: threading.Event
) -> None:
    monkeypatch.setattr("miniprogram_api.logins.platform_call.READ_S", 0.2)
    monkeypatch.setattr(wechat_calls, "ATTENDED", replace(wechat_calls.ATTENDED, read_s=0.2))
    code = platforms.login_code(entrance)
    platforms.behaviour.set(entrance.removesuffix("-applet"), "slow")
    problem(applet.log_in(entrance, code), 503, "unavailable")


@each_applet
def test_a_silent_platform_holds_up_few_and_uses_up_nobodys_code(
    entrance: str, platforms: Platforms, ground: Ground, monkeypatch: pytest.MonkeyPatch, goes_on: threading.Event
) -> None:
    monkeypatch.setattr("query.access.door.SEATS", 1)
    door = make_door(ground)
    first, second = platforms.login_code(entrance), platforms.login_code(entrance)
    platforms.behaviour.set(entrance.removesuffix("-applet"), "slow")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(door.open_session, entrance, None, ADDRESS, code=first)
        wait_until(lambda: door._seats._taken)
        with pytest.raises(PlatformUnavailable):
            door.open_session(entrance, None, ADDRESS, code=second)
        door.open_session("web", None, ADDRESS)
        platforms.behaviour.set(entrance.removesuffix("-applet"), "ok")
        goes_on.set()
        waiting.result()
    assert door.open_session(entrance, None, ADDRESS, code=second).token


@each_applet
def test_a_citizen_has_one_budget_at_a_mini_program(
    entrance: str, applet: Client, platforms: Platforms, ground: Ground
) -> None:
    set_limit(ground, "logins_per_openid_hour", 2)
    answers = [applet.log_in(entrance, platforms.login_code(entrance)) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201, 201, 429]
    assert problem(answers[-1], 429, "limit_reached")["limit"] == "logins_per_openid_hour"
    assert applet.log_in(entrance, platforms.login_code(entrance, "bob")).status_code == 201


@each_applet
def test_a_mini_program_without_its_platforms_address_is_not_switched_on(
    entrance: str, applet: Client, ground: Ground
) -> None:
    kept = [
        line for line in ground.catalogues.document().splitlines() if "/applet" not in line and "gateway" not in line
    ]
    with begin(ground.engine) as db:
        ground.catalogues.apply(db, "\n".join(kept), "", "test", ground.clock.now())
    assert problem(applet.log_in(entrance, "abc"), 422, "login_unavailable")["field"] == "entrance"


def test_without_redis_no_code_is_taken(ground: Ground, platforms: Platforms) -> None:
    shut = make_door(replace(ground, redis=make_redis("redis://127.0.0.1:1")))
    with pytest.raises(LimiterUnavailable):
        shut.open_session("wechat-applet", None, ADDRESS, code=platforms.login_code("wechat-applet"))


@each_applet
def test_neither_logs_nor_redis_hold_a_code_a_secret_or_an_openid(
    entrance: str,
    applet: Client,
    platforms: Platforms,
    ground: Ground,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG, "miniprogram_api")
    code = platforms.login_code(entrance)
    applet.log_in(entrance, code)
    platforms.behaviour.set("wechat", "40013")
    platforms.behaviour.set("alipay", "40006")
    second = platforms.login_code(entrance)
    applet.log_in(entrance, second)
    printed = capsys.readouterr()
    said = printed.out + printed.err + caplog.text
    openids = [given.openid for given in platforms.played.given.values()]
    secret = ground.secrets.get("wechat-applet.app_secret")
    # The sandbox's own access log is another process's in real life, and names what it was asked.
    ours = "\n".join(line for line in said.splitlines() if "HTTP/1.1" not in line)
    for hidden in (code, second, secret, *openids):
        assert hidden not in ours
        for key in ground.redis.keys("*"):
            assert hidden.encode() not in cast("bytes", key) + (ground.redis.dump(key) or b"")


def test_in_certificate_mode_both_sides_name_their_certificates(
    applet: Client, platforms: Platforms, ground: Ground
) -> None:
    certificate = make_certificate(load_private_key(key_pairs()["sandbox_key"]), 4711)
    ours, roots = "ab" * 16, "_".join(["cd" * 16, "ef" * 16])
    mode = f'key_mode = "certificate"\napp_cert_sn = "{ours}"\nroot_cert_sn = "{roots}"'
    text = ground.catalogues.document().replace('key_mode = "public-key"', mode)
    with begin(ground.engine) as db:
        ground.catalogues.apply(db, text, "", "test", ground.clock.now())
        ground.secrets.set(db, "alipay-applet.platform_key", certificate, ground.clock.now())
    assert applet.log_in("alipay-applet", platforms.login_code("alipay-applet")).status_code == 201
    assert applet.call("POST", "/phone-numbers", platforms.credential("alipay-applet")).status_code == 200


def test_an_alipay_answer_that_alipay_did_not_sign_opens_nothing(
    applet: Client, platforms: Platforms, ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, genuine = platforms.login_code("alipay-applet"), HttpClient.post

    def forged(*args: object, **limits: object) -> object:
        answer = genuine(*args, **limits)  # type: ignore[arg-type]
        return replace(answer, body=answer.body.replace(b'"open_id":"o', b'"open_id":"p'))

    monkeypatch.setattr(HttpClient, "post", forged)
    problem(applet.log_in("alipay-applet", code), 503, "unavailable")


def alipay_says(monkeypatch: pytest.MonkeyPatch, body: bytes, status: int = 200) -> None:
    """From now on Alipay's gateway answers everything with this."""
    monkeypatch.setattr(HttpClient, "post", lambda *args, **limits: HttpResponse(status, {}, body))


def alipay_error(code: str, sub_code: str) -> str:
    return f'{{"code":"{code}","msg":"x","sub_code":"{sub_code}","sub_msg":"系统繁忙"}}'


@pytest.mark.parametrize(
    ("code", "sub_code", "status", "told"),
    [
        ("40002", "isv.unmatched-app-id", 422, "login_code_invalid"),
        ("40002", "isv.code-is-used", 422, "login_code_used"),
        ("40002", "isv.code-invalid", 422, "login_code_invalid"),
        ("40002", "ISV.CODE-EXPIRED", 422, "login_code_invalid"),
        ("40004", "aop.user-risk-control", 403, "login_refused"),
        ("20000", "isp.unknow-error", 503, "unavailable"),
        ("40004", "SYSTEM_ERROR", 503, "unavailable"),
        ("40004", "aop.ACQ.SYSTEM_ERROR", 503, "unavailable"),
        ("40006", "isv.insufficient-isv-permissions", 503, "unavailable"),
    ],
)
@pytest.mark.parametrize(
    "template", ['{{"error_response":{}}}', '{{"alipay_system_oauth_token_response":{}}}'], ids=["error", "response"]
)
@pytest.mark.parametrize("codec", ["utf-8", "gbk", "utf-8-sig"])
def test_an_unsigned_error_of_alipays_is_told_by_its_sub_code(
    code: str, sub_code: str, status: int, told: str, template: str, codec: str, ground: Ground, clock: FixedClock
) -> None:
    """door fault F5 and F10, rows 42 and 49 (yansongda/pay #992, #109; Alipay's own list), and own variants."""
    entrance = ground.catalogues.current().entrance("alipay-applet")
    assert entrance is not None
    body = template.format(alipay_error(code, sub_code)).encode(codec)
    answer = parse_answer(body, "alipay.system.oauth.token", [])
    refusal = find_refusal(answer.members, entrance)
    assert (refusal.status, refusal.code) == (status, told)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, f'{{"alipay_system_oauth_token_response":{alipay_error("20000", "isp.unknow-error")}}}'.encode("gbk")),
        (200, f'{{"error_response":{alipay_error("40004", "aop.ACQ.SYSTEM_ERROR")}}}'.encode()),
        (503, b"busy"),
        (429, b""),
    ],
)
def test_a_login_code_is_given_back_when_the_platform_was_busy(
    status: int, body: bytes, applet: Client, platforms: Platforms
) -> None:
    """door fault F5: the same code again was `login_code_used`."""
    code = platforms.login_code("alipay-applet")
    with pytest.MonkeyPatch.context() as busy:
        alipay_says(busy, body, status)
        problem(applet.log_in("alipay-applet", code), 503, "unavailable")
    assert applet.log_in("alipay-applet", code).status_code == 201


def test_every_successor_of_a_secret_is_used_while_it_changes(
    applet: Client, platforms: Platforms, ground: Ground
) -> None:
    """door fault F6: `.next` of platform_key, content_key and private_key was taken and never used."""
    pairs, now = key_pairs(), ground.clock.now()
    stranger = make_private_key()
    old = {
        "platform_key": public_half(stranger),
        "content_key": base64.b64encode(b"another key !!!!").decode(),
    }
    new = {name: ground.secrets.get(f"alipay-applet.{name}") for name in old} | {"private_key": stranger}
    with begin(ground.engine) as db:
        for name, value in old.items():
            ground.secrets.set(db, f"alipay-applet.{name}", value, now)
        for name, value in new.items():
            ground.secrets.set(db, f"alipay-applet.{name}.next", value, now)
    assert pairs["platform_key"] == new["platform_key"]
    assert applet.log_in("alipay-applet", platforms.login_code("alipay-applet")).status_code == 201
    assert applet.call("POST", "/phone-numbers", platforms.credential("alipay-applet")).status_code == 200
