"""`onecert account menu diff|push` and `account token`, against the sandbox's platform on a port."""

from __future__ import annotations

import json

from click.testing import CliRunner, Result

from config import audit
from config.db.engine import reading
from config.ground import Ground
from tests.conftest import on_sqlite
from tests.wechat.played_platform import Played
from wechat.cli import account

pytestmark = on_sqlite


def run(ground: Ground, *words: str) -> Result:
    return CliRunner().invoke(account, words, obj=ground)


def pushes(ground: Ground) -> list[audit.Entry]:
    with reading(ground.engine) as db:
        return [entry for entry in audit.listing(db) if entry.action == "menu.push"]


def test_a_menu_is_pushed_once_and_only_on_a_difference(ground: Ground, played: Played) -> None:
    assert run(ground, "menu", "diff", "gxwbwx").stdout.endswith("+ 政务服务\n+ └── 一证通查  (click ONECERT)\n")
    first = run(ground, "menu", "push", "gxwbwx", "--yes")
    assert first.exit_code == 0 and first.stdout.endswith("pushed to gxwbwx\n"), first.output
    again = run(ground, "menu", "push", "gxwbwx", "--yes")
    assert again.exit_code == 0 and "nothing to push" in again.stdout
    assert run(ground, "menu", "diff", "gxwbwx").stdout == ""
    assert played.asked("menu/create") == 1
    assert [(entry.subject, entry.detail) for entry in pushes(ground)] == [
        ("gxwbwx", f"the menu of version {ground.catalogues.current().version} of the catalogue")
    ]


def test_a_dry_run_changes_nothing_and_nobody_is_asked(ground: Ground, played: Played) -> None:
    dry = run(ground, "menu", "push", "gxwbwx", "--dry-run")
    assert dry.exit_code == 0 and "would push this menu to gxwbwx" in dry.stdout
    unasked = run(ground, "menu", "push", "gxwbwx")
    assert unasked.exit_code == 1 and "--yes" in unasked.stderr
    assert played.asked("menu/create") == 0 and pushes(ground) == []


def test_a_token_is_shown_masked(ground: Ground, played: Played) -> None:
    shown = json.loads(run(ground, "token", "gxwbwx", "--json").stdout)[0]
    token = played.platform.token(played.account).value
    assert shown["characters"] == len(token) and shown["token"] == f"{token[:4]}…{token[-4:]}"
    assert token not in run(ground, "token", "gxwbwx").output
    assert played.memory.tokens.fetches == 1


def test_a_refusal_of_the_platform_is_one_line(ground: Ground, played: Played) -> None:
    played.behaviour.set("wechat", "40164")
    refused = run(ground, "menu", "diff", "gxwbwx")
    assert refused.exit_code == 1 and "40164" in refused.stderr and refused.stderr.count("Error: ") == 1
