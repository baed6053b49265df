"""`onecert message`: what became of a message, without its number or words."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from config.ground import Ground
from sms_port.cli import message_group
from sms_port.gateway import send_due
from sms_port.ledger import Owed
from tests.sms_port.letters import PHONE, REPLY, News, Sandbox, make_code, make_reply, owe_all


@pytest.fixture
def database_url(sqlite_schema: Path, tmp_path: Path) -> str:
    """Commands read only: one database server is enough."""
    shutil.copy(sqlite_schema, tmp_path / "onecert.db")
    return f"sqlite:///{tmp_path / 'onecert.db'}"


def run(ground: Ground, *words: str) -> Result:
    return CliRunner().invoke(message_group, words, obj=ground)


@pytest.fixture
def sent(ground: Ground, sandbox: Sandbox, news: News) -> Owed:
    owed = make_reply()
    owe_all(ground, owed)
    send_due(ground, news)
    return owed


def test_list_shows_the_states_of_messages(ground: Ground, sent: Owed) -> None:
    owe_all(ground, make_code(ground))
    rows = json.loads(run(ground, "list", "--json").stdout)
    assert sorted((row["lane"], row["state"], row["held"]) for row in rows) == [
        ("code", "due", True),
        ("reply", "accepted", False),
    ]
    assert [row["state"] for row in json.loads(run(ground, "list", "--state", "due", "--json").stdout)] == ["due"]


def test_show_tells_every_attempt(ground: Ground, sent: Owed) -> None:
    (shown,) = json.loads(run(ground, "show", sent.id.hex(), "--json").stdout)
    assert [(each["link"], each["closing"]) for each in shown["tries"]] == [("main", "accepted")]
    assert shown["receipts"] == []
    assert "accepted" in run(ground, "show", sent.id.hex()).stdout


def test_nothing_printed_holds_a_number_or_a_text(ground: Ground, sent: Owed) -> None:
    owed = make_reply()
    owe_all(ground, owed)
    printed = "".join(
        run(ground, *words, *how).output
        for words in (["list"], ["show", owed.id.hex()], ["show", sent.id.hex()], ["links"])
        for how in ([], ["--json"])
    )
    assert PHONE not in printed
    assert REPLY not in printed


@pytest.mark.parametrize("name", ["00", "no-id", "0" * 32])
def test_a_message_that_does_not_exist_is_an_error(ground: Ground, name: str) -> None:
    result = run(ground, "show", name)
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1


def test_links_are_listed(ground: Ground) -> None:
    link, _ = json.loads(run(ground, "links", "--json").stdout)
    assert (link["code"], link["driver"], link["unknown"]) == ("main", "http", 0)
