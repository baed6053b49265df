"""The base of every file of commands: options, questions, tables, errors."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from redis.exceptions import TimeoutError as RedisTimeout

from config.commands.lazy import LazyCommands
from config.commands.terminal import (
    change_options,
    confirm,
    json_option,
    needs_ground,
    plain_errors,
    print_table,
    read_input,
)
from config.errors import CatalogueInvalid, NoAnswerError, NotSentError
from config.ground import Ground
from config.settings import DATABASE_FILE

PEM = f"-----BEGIN PRIVATE KEY-----\n{chr(10).join(['MIIB' * 16] * 20)}\n-----END PRIVATE KEY-----\n"
ROWS: list[dict[str, Any]] = [
    {"code": "tencent", "name": "腾讯", "enabled": True},
    {"code": "jd", "name": "京东", "enabled": None},
]


@click.command()
@json_option
def listing(as_json: bool) -> None:
    print_table(ROWS, ["code", "name", "enabled"], as_json)


@click.command()
@change_options
@click.pass_context
def change(ctx: click.Context, dry_run: bool, yes: bool) -> None:
    if confirm(ctx, "disable tencent", yes, dry_run):
        click.echo("disabled")


@click.command()
@plain_errors
def fail() -> None:
    raise CatalogueInvalid("one fault\nanother fault")


@click.command()
@needs_ground
def where(ground: Ground) -> None:
    click.echo(str(ground.settings.data))


@click.group(cls=LazyCommands, lazy={})
def root() -> None: ...


@root.command()
@click.argument("words")
@plain_errors
def say(words: str) -> None:
    click.echo(f"{words}: {read_input()}")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("ONECERT_")]:
        monkeypatch.delenv(name)


def test_a_listing_is_a_table_or_json() -> None:
    runner = CliRunner()
    assert json.loads(runner.invoke(listing, ["--json"]).stdout) == ROWS
    lines = runner.invoke(listing).stdout.strip().splitlines()
    assert lines[0].split() == ["code", "name", "enabled"]
    assert [line.split()[0] for line in lines[2:4]] == ["tencent", "jd"]


def test_a_long_cell_is_not_cut_off_in_a_pipe() -> None:
    long = click.Command("long", callback=lambda: print_table([{"what": "x" * 300}], ["what"], False))
    assert "x" * 300 in CliRunner().invoke(long).stdout


def test_yes_acts_and_a_dry_run_does_not() -> None:
    assert CliRunner().invoke(change, ["--yes"]).stdout == "disabled\n"
    assert CliRunner().invoke(change, ["--dry-run", "--yes"]).stdout == "would disable tencent\n"


def test_nobody_to_ask_is_an_error_that_names_the_option() -> None:
    done = CliRunner().invoke(change, input="y\n")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == "Error: nobody is here to ask whether to disable tencent; add --yes\n"


@pytest.mark.parametrize(("answer", "status", "said"), [("y\n", 0, "disabled\n"), ("n\n", 1, ""), ("", 1, "")])
def test_a_person_is_asked(monkeypatch: pytest.MonkeyPatch, answer: str, status: int, said: str) -> None:
    monkeypatch.setattr("config.commands.terminal._is_asked", lambda: True)
    done = CliRunner().invoke(change, input=answer)
    assert (done.exit_code, done.stdout) == (status, said)
    assert "Disable tencent? [y/N]" in done.stderr


def test_an_expected_failure_is_one_line_and_status_one() -> None:
    done = CliRunner().invoke(fail)
    assert done.exit_code == 1
    assert done.stderr == "Error: one fault | another fault\n"


def test_the_ground_is_made_from_the_environment(tmp_path: Path) -> None:
    (tmp_path / DATABASE_FILE).touch()
    done = CliRunner().invoke(where, env={"ONECERT_DATA": str(tmp_path)})
    assert done.stdout == f"{tmp_path}\n"


def test_a_command_in_the_wrong_directory_says_so_and_makes_nothing_there(tmp_path: Path) -> None:
    done = CliRunner().invoke(where, env={"ONECERT_DATA": str(tmp_path / "elsewhere")})
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith(f"Error: ONECERT_DATA: there is no database in {tmp_path / 'elsewhere'};")
    assert len(done.stderr.splitlines()) == 1 and not list(tmp_path.iterdir())


def test_a_wrong_setting_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / DATABASE_FILE).touch()
    done = CliRunner().invoke(where, env={"ONECERT_DATA": str(tmp_path), "ONECERT_BIND": "everywhere"})
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: ONECERT_BIND: must be host:port")


def test_words_that_are_not_utf_8_are_wrong_usage() -> None:
    result = CliRunner().invoke(root, ["say", os.fsdecode(b"\xb2\xe9")])
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.endswith("Error: the command line is not UTF-8 text\n")
    assert CliRunner().invoke(root, ["say", "一证通查"], input="好").stdout == "一证通查: 好\n"


def test_standard_input_that_is_not_utf_8_is_an_error_of_one_line() -> None:
    result = CliRunner().invoke(root, ["say", "a"], input=b"\xb2\xe9")
    assert (result.exit_code, result.stderr) == (1, "Error: standard input is not UTF-8 text\n")


@pytest.mark.parametrize(
    ("pasted", "read"),
    [
        (PEM, PEM),
        ("a-secret\nthe next command\n", "a-secret\n"),
        ("-----BEGIN RSA PRIVATE KEY-----\nonly the beginning", "-----BEGIN RSA PRIVATE KEY-----\nonly the beginning"),
    ],
)
def test_a_pem_block_that_is_pasted_is_read_to_its_end(monkeypatch: pytest.MonkeyPatch, pasted: str, read: str) -> None:
    """Output 14: only its first line was taken, and `no RSA private key` said."""

    @click.command()
    def ask() -> None:
        click.echo(repr(read_input("gxwbwx.private_key", hidden=True)))

    monkeypatch.setattr("config.commands.terminal._is_asked", lambda: True)
    done = CliRunner().invoke(ask, input=pasted)
    assert done.stdout.strip() == repr(read)
    assert "< FILE" in done.stderr


def test_what_is_pasted_at_a_terminal_is_not_shown() -> None:
    """In a real terminal (a pty): nothing of the secret comes back, and the terminal is as it was."""
    ours, theirs = pty.openpty()
    program = "import sys; from config.commands.terminal import read_input as read; "
    program += "sys.stderr.write(str(len(read('a', hidden=True))))"
    child = subprocess.Popen([sys.executable, "-c", program], stdin=theirs, stdout=theirs, stderr=theirs)
    shown = b""
    while b"FILE): " not in shown:
        shown += os.read(ours, 1000)
    before = termios.tcgetattr(theirs)[3] & termios.ECHO
    os.write(ours, PEM.encode())
    assert child.wait(timeout=60) == 0
    shown += os.read(ours, 1000)
    assert before == 0 and termios.tcgetattr(theirs)[3] & termios.ECHO
    assert b"MIIB" not in shown and str(len(PEM)).encode() in shown
    os.close(ours)
    os.close(theirs)


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (NotSentError("dns", "onecert.invalid"), "the call to onecert.invalid failed: its name is unknown"),
        (NotSentError("refused", "127.0.0.1:8000"), "the call to 127.0.0.1:8000 failed: nobody listens there, or a"),
        (NoAnswerError("timeout", "h"), "the call to h failed: there was no answer in time"),
        (RedisTimeout("10.0.0.1 secret"), "Redis does not answer (TimeoutError); check ONECERT_REDIS_URL"),
    ],
)
def test_a_call_that_fails_names_the_address_and_never_a_path(raised: Exception, told: str) -> None:
    @click.command()
    @plain_errors
    def call() -> None:
        raise raised

    done = CliRunner().invoke(call)
    assert done.exit_code == 1 and done.stderr.startswith(f"Error: {told}")
    assert "secret" not in done.stderr


def test_var_itself_is_no_directory_of_ours(tmp_path: Path) -> None:
    """Output 16: under systemd's working directory / the default ./var made /var/metrics as root."""
    done = CliRunner().invoke(where, env={"ONECERT_DATA": "/var"})
    assert done.stderr.startswith("Error: ONECERT_DATA: would be /var")
