"""Complaints of peer SDKs' users, held against our calls to the platform (a real one is played on a port)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest

from config.bootstrap import bootstrap
from config.ground import Ground
from config.platforms.errors import PlatformAway, PlatformRefused
from config.platforms.wechat_errcodes import ErrcodeAction
from config.queue.bell import make_redis
from config.settings import Settings
from config.times.clock import FixedClock
from tests.conftest import on_sqlite
from tests.support.instances import clean_environment
from tests.wechat.played_platform import Played, played_platform, replace_account
from wechat.platform.client import Platform

pytestmark = on_sqlite
MENU = {"button": [{"name": "一证通查", "type": "click", "key": "ONECERT"}]}


@pytest.fixture
def played(ground: Ground) -> Iterator[Played]:
    with played_platform(ground) as played:
        yield played


def test_two_workers_one_token(ground: Ground, played: Played) -> None:
    workers = [played.platform, Platform(ground)]
    first, second = (worker.token(played.account) for worker in workers)
    assert first.value == second.value
    assert played.memory.tokens.fetches == 1


def test_sixteen_cold_processes_make_one_fetch(ground: Ground, played: Played, settings: Settings) -> None:
    bootstrap(ground, lambda engine: None, played.url.removesuffix("/wechat"))
    played.behaviour.set("wechat", "slow", 0.7)
    environment = clean_environment(
        settings.data,
        ONECERT_DATABASE_URL=settings.database_url,
        ONECERT_REDIS_URL=settings.redis_url,
        ONECERT_MASTER_KEY="MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY=",
    )
    command = [sys.executable, "-m", "tests.wechat.cold_processes", "16"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=240)
    assert len(done.stdout.split()) == 16, done.stderr
    assert len(set(done.stdout.split())) == 1
    assert played.memory.tokens.fetches == 1


def test_sixteen_threads_that_meet_a_wrong_secret_make_one_fetch(played: Played) -> None:
    played.behaviour.set("wechat", "40125")
    start = Barrier(16)

    def want(_number: int) -> int:
        start.wait()
        with pytest.raises(PlatformRefused) as refused:
            played.platform.token(played.account)
        return refused.value.errcode

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(want, range(16))) == {40125}
    assert played.asked("stable_token") == 1


def test_a_40001_storm_makes_at_most_two_token_calls(
    ground: Ground, played: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("config.platforms.access_tokens.DROP_EVERY_MS", 600_000)  # longer than any storm here
    played.platform.token(played.account)
    played.behaviour.set("wechat", "40001")

    def call(_number: int) -> int:
        with pytest.raises(PlatformRefused) as refused:
            Platform(ground).live_menu(played.account)
        return refused.value.errcode

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(call, range(120))) == {40001}
    assert played.memory.tokens.fetches <= 2


def test_a_token_that_ended_early_is_replaced_once_and_the_call_made_again(ground: Ground, played: Played) -> None:
    played.platform.create_menu(played.account, MENU)
    played.memory.tokens.end(played.account.app_id)
    assert played.platform.live_menu(played.account) == MENU
    assert played.memory.tokens.fetches == 2


def test_a_token_is_dropped_only_if_it_is_the_one_that_failed(ground: Ground, played: Played) -> None:
    platform, account = played.platform, played.account
    old = platform.token(account)
    platform.client(account).session.drop(old)
    new = platform.token(account)
    platform.client(account).session.drop(old)
    assert platform.token(account).sealed == new.sealed
    assert played.memory.tokens.fetches == 2


def test_a_token_is_never_forced(ground: Ground, played: Played) -> None:
    first = played.platform.token(played.account)
    played.platform.client(played.account).session.drop(first)
    assert played.platform.token(played.account).value == first.value
    assert played.memory.tokens.forced == 0


def test_a_token_is_renewed_before_its_end_while_others_go_on_with_it(
    ground: Ground, played: Played, clock: FixedClock
) -> None:
    first = played.platform.token(played.account)
    clock.advance(7200_000 - 301_000)
    assert played.platform.token(played.account).sealed == first.sealed
    clock.advance(62_000)
    played.memory.tokens.end(played.account.app_id)
    assert played.platform.token(played.account).value != first.value
    assert played.memory.tokens.fetches == 2


def test_a_token_goes_on_while_its_renewal_fails(played: Played, clock: FixedClock) -> None:
    first = played.platform.token(played.account)
    clock.advance(7200_000 - 200_000)
    played.behaviour.set("wechat", "500")
    assert played.platform.token(played.account).value == first.value
    clock.advance(195_000)
    with pytest.raises(PlatformAway):
        played.platform.token(played.account)


def test_two_accounts_have_two_tokens(played: Played) -> None:
    other = replace_account(played.account, code="caict", app_id="wx00000000000000a3")
    assert played.platform.token(played.account).value != played.platform.token(other).value


def test_an_account_and_its_sandbox_have_two_tokens(ground: Ground, played: Played) -> None:
    for url in (played.url, played.url.replace("127.0.0.1", "localhost")):
        played.platform.token(replace_account(played.account, base_url=url))
    assert len(ground.redis.keys("platform-token:*:value")) == played.memory.tokens.fetches == 2


def test_redis_holds_no_token_in_clear(ground: Ground, played: Played) -> None:
    token = played.platform.token(played.account).value.encode()
    ticket = played.platform.script_ticket(played.account).value.encode()
    values = [ground.redis.get(key) or b"" for key in ground.redis.keys("*")]
    assert values and not any(token in value or ticket in value for value in values)


def test_the_ticket_of_pages_is_fetched_once_too(ground: Ground, played: Played) -> None:
    first, second = (Platform(ground).script_ticket(played.account) for _ in range(2))
    assert first.value == second.value
    assert played.asked("getticket") == 1


@pytest.mark.parametrize(
    ("mode", "calls", "action"),
    [
        ("-1", 3, ErrcodeAction.RETRY),
        ("45011", 1, ErrcodeAction.MINUTE),
        ("40164", 1, ErrcodeAction.STOP),
        ("45009", 1, ErrcodeAction.QUOTA),
    ],
)
def test_a_busy_platform_is_asked_three_times_and_any_other_fault_once(
    ground: Ground, played: Played, mode: str, calls: int, action: ErrcodeAction
) -> None:
    played.behaviour.set("wechat", mode)
    for _ in range(2):
        with pytest.raises(PlatformRefused) as refused:
            played.platform.token(played.account)
        assert refused.value.action is action
        (pause,) = ground.redis.keys("wechat:pause:*")
        ground.redis.persist(pause)  # some are of five seconds
    assert played.asked("stable_token") == calls, "and the second time nobody is asked at all"


def test_a_used_up_quota_is_left_alone_until_midnight(ground: Ground, played: Played) -> None:
    played.platform.token(played.account)
    played.behaviour.set("wechat", "45009")
    with pytest.raises(PlatformRefused):
        played.platform.live_menu(played.account)
    played.behaviour.set("wechat", "ok")
    with pytest.raises(PlatformRefused):
        played.platform.live_menu(played.account)
    pauses = [key for key in ground.redis.keys("wechat:pause:*") if b"menu/get" in key]
    assert 35_000 < ground.redis.ttl(pauses[0]) <= 35_700, "14:05 in Shanghai: 9 h 55 min"


def test_a_notice_is_not_sent_again_when_its_answer_was_lost(played: Played) -> None:
    played.platform.token(played.account)
    played.behaviour.set("wechat", "garbage")
    with pytest.raises(PlatformAway) as away:
        played.platform.send_notice(played.account, "o1", "t", {"phrase2": "受理成功"})
    assert away.value.sent
    assert played.asked("bizsend") == 1


def test_without_redis_there_is_no_token_and_no_call(ground: Ground, played: Played) -> None:
    away = Platform(replace(ground, redis=make_redis("redis://127.0.0.1:1")))
    for ask in (away.token, away.script_ticket, away.live_menu):
        with pytest.raises(PlatformAway) as fault:
            ask(played.account)
        assert not fault.value.sent
    assert not played.memory.asked


def test_an_alarm_names_the_code_and_the_request_and_no_secret(
    ground: Ground, played: Played, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    played.behaviour.set("wechat", "40164")
    with pytest.raises(PlatformRefused):
        played.platform.token(played.account)
    shown = "".join([*capfd.readouterr(), caplog.text])
    assert "platform_alarm" in shown and "40164" in shown and "rid" in shown
    assert ground.secrets.get("gxwbwx.app_secret") not in shown
