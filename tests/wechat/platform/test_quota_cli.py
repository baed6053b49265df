"""`onecert account quota`: what is left of the day, what is paused, and lifting it."""

from __future__ import annotations

import json

import pytest
from flask import Flask

from config import audit
from config.db.engine import reading
from config.ground import Ground
from config.platforms.errors import PlatformRefused
from config.sandbox.behaviour import Behaviour
from miniprogram_api.sandbox.wechat import make_blueprint as make_applets
from tests.conftest import on_sqlite
from tests.miniprogram_api.applets import point_at
from tests.support.servers import serve
from tests.wechat.platform.test_menu_cli import run
from tests.wechat.played_platform import Played

pytestmark = on_sqlite
MENU = "/cgi-bin/menu/get"


def rows(ground: Ground) -> dict[str, dict[str, object]]:
    done = run(ground, "quota", "gxwbwx", "--json")
    assert done.exit_code == 0, done.output
    return {row["path"]: row for row in json.loads(done.stdout)}


def test_the_quota_of_each_call_is_shown(ground: Ground, played: Played) -> None:
    before = rows(ground)
    played.platform.live_menu(played.account)
    after = rows(ground)
    assert before[MENU]["daily_limit"] == 100_000
    assert int(str(after[MENU]["used"])) > int(str(before[MENU]["used"]))
    assert "paused_s" not in after[MENU]


@pytest.mark.parametrize("mode", ["45009", "48001"])
def test_a_pause_is_shown_and_ended_by_clearing(ground: Ground, played: Played, mode: str) -> None:
    """door fault F19: 45009 stopped a call until midnight, and no command could lift that."""
    account = played.account.model_copy(update={"base_url": f"{played.url}"})
    played.platform.token(account)
    played.behaviour.set("wechat", mode)
    with pytest.raises(PlatformRefused):
        played.platform.live_menu(account)
    assert rows(ground)[MENU]["reason"] in (int(mode), f"not told ({mode})")
    assert int(str(rows(ground)[MENU]["paused_s"])) > 0
    if mode != "45009":
        played.behaviour.set("wechat", "ok")
    dry = run(ground, "quota", "gxwbwx", "--clear", "--dry-run", "--yes")
    assert dry.exit_code == 0 and played.memory.cleared == 0
    done = run(ground, "quota", "gxwbwx", "--clear", "--yes")
    assert done.exit_code == 0, done.output
    assert played.memory.cleared == 1
    assert played.platform.live_menu(account) is None
    assert "paused_s" not in rows(ground)[MENU]
    with reading(ground.engine) as db:
        assert [entry.subject for entry in audit.listing(db) if entry.action == "quota.clear"] == ["gxwbwx"]


def test_a_quota_of_tokens_is_cleared_with_the_apps_secret(ground: Ground, played: Played) -> None:
    played.behaviour.set("wechat", "45009")
    with pytest.raises(PlatformRefused):
        played.platform.token(played.account)
    done = run(ground, "quota", "gxwbwx", "--clear", "--yes")
    assert done.exit_code == 0, done.output
    assert played.memory.cleared == 1 and played.asked("clear_quota/v2") == 1
    assert played.platform.token(played.account).value


def test_a_mini_program_has_quotas_too(ground: Ground) -> None:
    """45009 at the phone button could be cleared in WeChat's back office alone: the command knew accounts only."""
    behaviour, sandbox = Behaviour(), Flask("sandbox")
    sandbox.register_blueprint(make_applets(ground, behaviour))
    with serve(sandbox) as url:
        point_at(ground, url)
        behaviour.set("wechat", "45009")
        done = run(ground, "quota", "wechat-applet", "--clear", "--yes", "--json")
        assert done.exit_code == 0, done.output
        assert [row["path"] for row in json.loads(done.stdout)] == ["/wxa/business/getuserphonenumber"]
        assert json.loads(done.stdout)[0]["daily_limit"] == 100_000
        assert behaviour.mode("wechat")[0] == "ok"
        unknown = run(ground, "quota", "alipay-applet")
        assert unknown.exit_code == 1 and "mini program" in unknown.stderr
    ground.http.close()
