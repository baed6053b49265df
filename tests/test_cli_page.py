"""The page of all commands is current, and every command's help has an example that can be typed."""

from __future__ import annotations

import shlex
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from app import cli
from config.commands.setup.examples import EXAMPLES
from tests.support.command_page import commands, page

ROOT = Path(__file__).parents[1]
FOUND = {" ".join(path): command for path, command in commands(cli)}


def test_the_page_of_commands_is_current() -> None:
    assert (ROOT / "docs/cli.md").read_text() == page(), "run `make cli-page`"


def test_every_command_has_an_example_and_every_example_a_command() -> None:
    assert set(EXAMPLES) == set(FOUND)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_can_be_typed(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for file in ("catalogue.toml", "secrets.toml", "key.txt"):
        (tmp_path / file).touch()
    line = EXAMPLES[name].partition("onecert ")[2].partition(" > ")[0].partition(" < ")[0]
    words = shlex.split(line)
    assert words[: len(name.split())] == name.split()
    with FOUND[name].make_context(name, words[len(name.split()) :], resilient_parsing=False):
        pass
    assert EXAMPLES[name] in " ".join(FOUND[name].get_help(click.Context(FOUND[name])).split())


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_words_are_completed(shell: str) -> None:
    script = CliRunner().invoke(cli, prog_name="onecert", env={"_ONECERT_COMPLETE": f"{shell}_source"})
    assert script.exit_code == 0 and "onecert" in script.output
    current = "par" if shell == "fish" else "1"
    typed = {"COMP_WORDS": "onecert par", "COMP_CWORD": current, "_ONECERT_COMPLETE": f"{shell}_complete"}
    assert "partner" in CliRunner().invoke(cli, prog_name="onecert", env=typed).output
