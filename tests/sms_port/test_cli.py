"""`onecert message`: what became of a message, without its number or words."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from config import audit
from config.db.engine import reading
from config.ground import Ground
from sms_port.cli import message_group
from sms_port.ledger.inbound import Inbound, record_texts
from sms_port.ledger.messages import Lane, Owed
from sms_port.links.link import Unknown
from sms_port.sending.claims import claim
from sms_port.sending.gateway import send_due
from sms_port.sending.link_pool import LinkPool
from sms_port.sending.results import record
from sms_port.sending.routing import Cooldown, routes_for
from tests.sms_port.messages import PHONE, REPLY, News, Sandbox, make_code, make_reply, owe_all


@pytest.fixture
def database_url(sqlite_schema: Path, tmp_path: Path) -> str:
    """Commands read only: one database server is enough."""
    shutil.copy(sqlite_schema, tmp_path / "onecert.db")
    return f"sqlite:///{tmp_path / 'onecert.db'}"


def run(ground: Ground, *words: str, stdin: str = "") -> Result:
    return CliRunner().invoke(message_group, words, obj=ground, input=stdin)


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
    assert [(each["link"], each["result"]) for each in shown["tries"]] == [("main", "accepted")]
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


def test_a_message_whose_id_holds_a_row_of_digits_is_audited_under_its_whole_id(ground: Ground, news: News) -> None:
    name = in_doubt(ground, news, replace(make_reply(), id=bytes.fromhex("ab13800138000cdef0123456789abcde")))
    assert run(ground, "resend", name, "--yes").exit_code == 0
    with reading(ground.engine) as db:
        assert [entry.subject for entry in audit.listing(db, 1)] == [name]


def in_doubt(ground: Ground, news: News, owed: Owed) -> str:
    owe_all(ground, owed)
    routes = routes_for(ground.catalogues.current(), owed.lane, Cooldown(), ground.clock.now())
    claims = claim(ground, news, owed.lane, routes, 10)
    attempts = [claimed.attempt for claimed in claims]
    record(ground, news, attempts, {one.reference: Unknown("timeout") for one in attempts}, asked=False)
    return owed.id.hex()


def test_a_reply_in_doubt_is_resent_once_on_demand_and_audited(ground: Ground, news: News) -> None:
    name = in_doubt(ground, news, make_reply())
    assert "would resend" in run(ground, "resend", name, "--dry-run").stdout
    assert run(ground, "resend", name, "--yes").exit_code == 0
    assert json.loads(run(ground, "show", name, "--json").stdout)[0]["state"] == "due"
    assert run(ground, "resend", name, "--yes").exit_code == 1
    with reading(ground.engine) as db:
        assert [(entry.action, entry.subject) for entry in audit.listing(db, 1)] == [("message.resend", name)]


def test_a_code_is_never_resent(ground: Ground, news: News) -> None:
    result = run(ground, "resend", in_doubt(ground, news, make_code(ground)), "--yes")
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1


def test_opt_outs_are_listed_masked_and_removed(ground: Ground) -> None:
    record_texts(ground, [Inbound("main", "a", PHONE, "10699000", "TD")])
    (row,) = json.loads(run(ground, "optout", "list", "--json").stdout)
    assert row["phone"] == "138****8000"
    assert run(ground, "optout", "remove", "--yes", stdin=PHONE + "\n").exit_code == 0
    assert json.loads(run(ground, "optout", "list", "--json").stdout) == []
    assert run(ground, "optout", "remove", "--yes", stdin=PHONE + "\n").exit_code == 1


@pytest.mark.parametrize("typed", ["+86 138-0013-8000", "008613800138000\r\n", "１３８ ００１３ ８０００"])
def test_an_opt_out_is_removed_by_any_spelling_of_the_number(ground: Ground, typed: str) -> None:
    record_texts(ground, [Inbound("main", "a", PHONE, "10699000", "TD")])
    removed = run(ground, "optout", "remove", "--yes", stdin=typed)
    assert removed.stdout == "138****8000 gets codes again\n"
    assert json.loads(run(ground, "optout", "list", "--json").stdout) == []


@pytest.mark.parametrize("typed", ["", "\n", "138001380001", "01012345678", "138****8000", "13800138000 13900139000"])
def test_what_is_no_number_is_told_as_such_and_not_repeated(ground: Ground, typed: str) -> None:
    refused = run(ground, "optout", "remove", "--yes", stdin=typed)
    assert (refused.exit_code, refused.output) == (
        1,
        "Error: standard input must have one mobile number, of 11 digits\n",
    )


def test_the_health_of_links_is_shown(ground: Ground, news: News) -> None:
    pool = LinkPool(ground, news)
    pool.capacity(Lane.CODE)
    pool.record_health()
    link, other = json.loads(run(ground, "links", "--json").stdout)
    assert (link["status"], other["status"]) == ("up", None)
    pool.close()
