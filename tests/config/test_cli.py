"""`onecert config | key | audit`: what is said, what is changed, and what is written down."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import delete, update

from config import audit
from config.catalogue.document import default_document
from config.catalogue.store import catalogue_version
from config.commands import audit as audits
from config.commands import catalogue, keys
from config.commands.secrets import check_secret
from config.crypto.rsa_keys import make_private_key, public_half
from config.db.engine import begin, reading
from config.errors import ConfigError
from config.ground import Ground

GROUPS = [*catalogue.COMMANDS, *keys.COMMANDS, *audits.COMMANDS]
cli = click.Group("onecert", commands={group.name or "": group for group in GROUPS})
FEWER_CODES = default_document().replace("codes_per_phone_day = 5", "codes_per_phone_day = 4")


class Terminal:
    """A command line that stands on the test's own Ground."""

    def __init__(self, ground: Ground, directory: Path) -> None:
        self.ground, self.directory = ground, directory

    def run(self, *words: str, stdin: str | None = None) -> Result:
        return CliRunner().invoke(cli, list(words), obj=self.ground, input=stdin, catch_exceptions=False)

    def file(self, text: str, name: str = "my.toml") -> str:
        path = self.directory / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    def actions(self) -> list[str]:
        with reading(self.ground.engine) as db:
            return [entry.action for entry in reversed(audit.listing(db))][1:]


@pytest.fixture
def terminal(ground: Ground, tmp_path: Path) -> Terminal:
    return Terminal(ground, tmp_path)


def test_show_prints_a_document_that_can_be_applied_again(terminal: Terminal) -> None:
    assert terminal.run("config", "show").stdout == default_document()


def test_show_as_json_has_the_addresses_filled_in(terminal: Terminal) -> None:
    shown = json.loads(terminal.run("config", "show", "--json").stdout)
    assert shown["version"] == 1
    assert shown["links"][0]["url"] == "http://127.0.0.1:8001/sms"


def test_check_says_what_a_good_document_holds_without_a_database(tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_text(default_document(), encoding="utf-8")
    done = CliRunner().invoke(cli, ["config", "check", str(path)])
    assert done.exit_code == 0
    assert "good; 8 entrances, 2 services, 8 enterprises with 11 applications, 4 carriers, 2 links" in done.stdout


def test_check_tells_each_fault_in_a_line_of_its_own(terminal: Terminal) -> None:
    path = terminal.file(default_document().replace("batch_size = 500", 'batch_size = "x"', 2))
    done = terminal.run("config", "check", path)
    assert done.exit_code == 1
    assert done.stderr.splitlines() == [
        f"{path}: partners[{code}].batch_size: write a whole number instead of a text in quotes"
        for code in ("tencent", "alibaba")
    ]


def test_check_tells_the_faults_as_json_too(terminal: Terminal) -> None:
    done = terminal.run("config", "check", terminal.file("operator = 1\n" + default_document()), "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["good"] is False
    assert json.loads(done.stdout)["faults"][0].startswith("the document: is not TOML")


def test_a_mark_of_byte_order_does_no_harm(terminal: Terminal) -> None:
    assert terminal.run("config", "check", terminal.file("\ufeff" + default_document())).exit_code == 0


def test_check_warns_of_what_is_unwise(terminal: Terminal) -> None:
    path = terminal.file(default_document().replace("政务服务", "政务服务与其他"))
    done = terminal.run("config", "check", path)
    assert done.exit_code == 0
    assert "warning: entrances[gxwbwx].menu: cannot be pushed" in done.stderr
    assert json.loads(terminal.run("config", "check", path, "--json").stdout)["warnings"]


@pytest.mark.parametrize("command", ["check", "apply"])
def test_what_is_not_verified_is_refused_beside_a_real_address(terminal: Terminal, command: str) -> None:
    """Source: review of texts, C1: `config check` refuses assumptions as soon as one address is not the sandbox's."""
    path = terminal.file(default_document().replace("{sandbox}/sms", "https://sms.example"))
    done = terminal.run("config", command, path, *(["--yes"] if command == "apply" else []))
    assert done.exit_code == 1
    assert f"{path}: operator.demonstration: write who really runs the service" in done.stderr
    assert f"{path}: partners[tencent].hotline: is not verified" in done.stderr
    assert "applications[toutiao].assumption" in done.stderr
    assert terminal.ground.catalogues.current().version == 1
    faults = json.loads(terminal.run("config", "check", path, "--json").stdout)
    assert faults["good"] is False and len(faults["faults"]) > 20


def test_a_file_that_is_not_text_is_refused(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "picture.toml").write_bytes(b"\xff\xfe\x00")
    done = terminal.run("config", "check", str(tmp_path / "picture.toml"))
    assert done.exit_code == 1
    assert "cannot be read as UTF-8 text" in done.stderr


def test_a_file_that_is_not_there_is_wrong_usage(terminal: Terminal) -> None:
    assert terminal.run("config", "check", "nowhere.toml").exit_code == 2


def test_diff_shows_what_would_change(terminal: Terminal) -> None:
    path = terminal.file(FEWER_CODES)
    assert terminal.run("config", "diff", path).stdout == "~ limits.codes_per_phone_day = 5 -> 4\n"
    assert json.loads(terminal.run("config", "diff", path, "--json").stdout) == [
        "~ limits.codes_per_phone_day = 5 -> 4"
    ]
    assert terminal.run("config", "diff", terminal.file(default_document())).stdout == "nothing would change\n"


def test_apply_puts_a_document_in_force_and_writes_one_audit_row(terminal: Terminal) -> None:
    done = terminal.run("config", "apply", terminal.file(FEWER_CODES), "--note", "fewer codes", "--yes")
    assert done.exit_code == 0
    assert terminal.ground.catalogues.current().limits.codes_per_phone_day == 4
    assert terminal.actions() == ["catalogue.apply"]
    history = json.loads(terminal.run("config", "history", "--json").stdout)
    assert [(row["number"], row["note"]) for row in history] == [(2, "fewer codes"), (1, "the default")]


def test_apply_only_tells_at_a_dry_run(terminal: Terminal) -> None:
    done = terminal.run("config", "apply", terminal.file(FEWER_CODES), "--dry-run")
    assert done.exit_code == 0
    assert "would apply" in done.stdout
    assert terminal.ground.catalogues.current().version == 1
    assert terminal.actions() == []


def test_apply_asks_and_without_anybody_to_ask_does_nothing(terminal: Terminal) -> None:
    done = terminal.run("config", "apply", terminal.file(FEWER_CODES))
    assert done.exit_code == 1
    assert "nobody is here to ask" in done.stderr
    assert terminal.ground.catalogues.current().version == 1


def test_apply_of_what_is_in_force_changes_nothing(terminal: Terminal) -> None:
    assert terminal.run("config", "apply", terminal.file(default_document())).stdout == "nothing changes\n"
    assert len(terminal.ground.catalogues.history()) == 1


def test_apply_refuses_a_bad_document_before_it_asks(terminal: Terminal) -> None:
    done = terminal.run("config", "apply", terminal.file("port_number = 1"), "--yes")
    assert done.exit_code == 1
    assert terminal.actions() == []


def test_apply_names_the_secrets_that_are_still_missing(terminal: Terminal) -> None:
    moved = default_document().replace('code = "main"', 'code = "second"')
    done = terminal.run("config", "apply", terminal.file(moved), "--yes")
    assert "the secret second.key is missing; `onecert config secret set second.key` sets it" in done.stderr


def test_rollback_brings_an_earlier_document_back(terminal: Terminal) -> None:
    terminal.run("config", "apply", terminal.file(FEWER_CODES), "--yes")
    assert "would roll back to version 1 (1 changes)" in terminal.run("config", "rollback", "1", "--dry-run").stdout
    assert terminal.run("config", "rollback", "1", "--yes").exit_code == 0
    assert terminal.ground.catalogues.document() == default_document()
    assert terminal.actions() == ["catalogue.apply", "catalogue.rollback"]


@pytest.mark.parametrize("words", [("rollback", "1"), ("apply", FEWER_CODES)], ids=["rollback", "apply"])
def test_a_catalogue_that_was_altered_in_the_database_is_mended_by_command(
    terminal: Terminal, words: tuple[str, str]
) -> None:
    terminal.run("config", "apply", terminal.file(default_document() + "# a second version\n"), "--yes")
    with begin(terminal.ground.engine) as db:
        db.execute(update(catalogue_version).where(catalogue_version.c.number == 2).values(document="eve = 1"))
    verb, what = words
    done = terminal.run("config", verb, what if verb == "rollback" else terminal.file(what), "--yes")
    assert done.exit_code == 0, done.stderr
    assert "warning: version 2 of the catalogue was altered in the database; roll back" in done.stderr
    assert terminal.ground.catalogues.current().version == 3


def test_rollback_to_nowhere_is_told_in_one_line(terminal: Terminal) -> None:
    done = terminal.run("config", "rollback", "7", "--yes")
    assert done.exit_code == 1
    assert done.stderr == "Error: the catalogue has no version 7; `onecert config history` lists them\n"


def test_a_secret_is_read_from_standard_input_and_never_shown(terminal: Terminal) -> None:
    value = "a-long-and-secret-key-0123456789"
    done = terminal.run("config", "secret", "set", "tencent.key", "--yes", stdin=value + "\n")
    assert done.exit_code == 0
    assert terminal.ground.secrets.get("tencent.key") == value
    assert terminal.actions() == ["secret.set"]
    listed = terminal.run("config", "secret", "list").stdout
    assert "tencent.key" in listed
    assert value not in done.output + listed + terminal.run("audit", "list").output


def test_a_successor_stands_beside_its_secret_until_it_is_removed(terminal: Terminal) -> None:
    terminal.run("config", "secret", "set", "tencent.key.next", "--yes", stdin="n" * 32)
    assert terminal.ground.secrets.both("tencent.key")[1] == "n" * 32
    assert terminal.run("config", "secret", "remove", "tencent.key.next", "--yes").exit_code == 0
    assert len(terminal.ground.secrets.both("tencent.key")) == 1
    assert terminal.actions() == ["secret.set", "secret.remove"]


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("gxwbwx.aes_key", "short", "exactly 43 letters and digits"),
        ("gxwbwx.token", "no spaces!", "3 to 32 letters and digits"),
        ("tencent.key", "hunter2", "at least 16 characters"),
        ("tencent.key", "", "at least 16 characters"),
        ("main.key", "hunter2", "at least 16 characters"),
        ("cmpp.key", "", "at least 16 characters"),
        ("gxwbwx.app_secret", "", "no blank"),
        ("gxwbwx.app_secret", "a1b2c3d4 e5f6", "no blank"),
        ("gxwbwx.app_secret", "a1b2c3d4\te5f6", "control or invisible character"),
        ("gxwbwx.app_secret.next", "a1b2c3d4e5f6\u200b", "control or invisible character"),
        ("tencent.key", "\ufeff" + "k" * 32, "control or invisible character"),
        ("tencent.key", "k" * 16 + "\u2028" + "k" * 16, "control or invisible character"),
        ("tencent.key", "k" * 32 + "\u3164", "control or invisible character"),
        ("main.key", "k" * 32 + " ", "blank at an end"),
        ("Tencent key", "k" * 32, "no secret can have the name"),
    ],
)
def test_a_secret_that_cannot_be_right_is_refused_without_being_told(
    terminal: Terminal, name: str, value: str, told: str
) -> None:
    before = terminal.ground.secrets.listing()
    done = terminal.run("config", "secret", "set", name, "--yes", stdin=value)
    assert done.exit_code == 1
    assert told in done.stderr
    assert not value or value not in done.output
    assert terminal.ground.secrets.listing() == before


@pytest.mark.parametrize("name", ["alipay-applet.platform_key", "alipay-applet.platform_key.next"])
def test_our_own_public_key_is_no_key_of_the_platforms(terminal: Terminal, name: str) -> None:
    """door fault F16, row 52 (yansongda #276; shadowsocks-manager #456)."""
    ours = public_half(terminal.ground.secrets.get("alipay-applet.private_key"))
    done = terminal.run("config", "secret", "set", name, "--yes", stdin=ours)
    assert done.exit_code == 1 and "public half of alipay-applet.private_key" in done.stderr
    theirs = public_half(make_private_key())
    assert terminal.run("config", "secret", "set", name, "--yes", stdin=theirs).exit_code == 0


def test_a_secret_that_nothing_uses_is_pointed_out(terminal: Terminal) -> None:
    done = terminal.run("config", "secret", "set", "tensent.key", "--dry-run", stdin="k" * 32)
    assert "does not use tensent.key; did you mean tencent.key?" in done.stderr
    assert done.exit_code == 0


def test_a_missing_secret_is_listed_without_a_date(terminal: Terminal) -> None:
    terminal.run("config", "secret", "remove", "jd.key", "--yes")
    rows = json.loads(terminal.run("config", "secret", "list", "--json").stdout)
    assert {"name": "jd.key", "set": None} in rows


def test_keys_are_listed_and_rotated(terminal: Terminal) -> None:
    assert [row["id"] for row in json.loads(terminal.run("key", "list", "--json").stdout)] == [1]
    assert "would make a new data key" in terminal.run("key", "rotate", "--dry-run").stdout
    assert terminal.run("key", "rotate", "--yes").exit_code == 0
    rows = json.loads(terminal.run("key", "list", "--json").stdout)
    assert [(row["id"], row["current"]) for row in rows] == [(1, True), (2, False)]
    assert terminal.actions() == ["key.rotate"]


def test_the_audit_holds_until_a_row_is_altered(terminal: Terminal) -> None:
    terminal.run("key", "rotate", "--yes")
    assert terminal.run("audit", "verify").exit_code == 0
    rows = json.loads(terminal.run("audit", "list", "--json").stdout)
    assert [row["action"] for row in rows] == ["key.rotate", "bootstrap"]
    with begin(terminal.ground.engine) as db:
        db.execute(update(audit.audit).where(audit.audit.c.id == 1).values(detail="nothing"))
    done = terminal.run("audit", "verify")
    assert done.exit_code == 1
    assert "from row 1 on" in done.stderr


def test_an_audit_cut_off_at_its_end_is_named_and_a_new_head_is_told_each_time(terminal: Terminal) -> None:
    terminal.run("key", "rotate", "--yes")
    with begin(terminal.ground.engine) as db:
        db.execute(delete(audit.audit).where(audit.audit.c.id == 2))
    done = terminal.run("audit", "verify")
    assert (done.exit_code, "row 2 and what came after it are cut off" in done.stderr) == (1, True)
    with begin(terminal.ground.engine) as db:
        db.execute(delete(audit.audit_head))
    assert "the audit's head does not fit" in terminal.run("audit", "verify").stderr
    terminal.run("key", "rotate", "--yes")
    assert "row 2: the head was begun anew here" in terminal.run("audit", "verify").stdout


def test_wrong_usage_is_another_status(terminal: Terminal) -> None:
    assert terminal.run("config", "rollback", "one").exit_code == 2
    assert terminal.run("config", "whatever").exit_code == 2


def test_a_carriers_secret_may_be_as_short_as_its_contract_says(terminal: Terminal) -> None:
    assert terminal.run("config", "secret", "set", "cmpp.key", "--yes", stdin="888888\n").exit_code == 0
    assert terminal.ground.secrets.get("cmpp.key") == "888888"


def test_an_smpp_password_that_would_be_cut_is_refused() -> None:
    check_secret("abroad.key", "12345678", "smpp")
    with pytest.raises(ConfigError, match="8 characters at most"):
        check_secret("abroad.key", "123456789", "smpp")
