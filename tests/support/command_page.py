"""docs/cli.md, made from the commands' own help: `python -m tests.support.command_page > docs/cli.md`."""

from __future__ import annotations

import os
from collections.abc import Iterator

import click

WIDTH = 100
HEAD = """# Commands

Every command, as its `--help` says. Made by `make cli-page`; a test keeps it current.

Completion of words in the shell: `eval "$(_ONECERT_COMPLETE=bash_source onecert)"` in `~/.bashrc`
(`zsh_source`, or `_ONECERT_COMPLETE=fish_source onecert | source` for fish).

Exit status: 0 done, 1 an error in one line on standard error, 2 wrong usage.
"""


def commands(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command that is no group, with its words, in the order of the alphabet."""
    if not isinstance(command, click.Group):
        yield path, command
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found is not None
        yield from commands(found, (*path, name))


def page() -> str:
    """The whole page."""
    from app import cli  # noqa: PLC0415 - the page about it needs it only when it is made

    parts = [HEAD]
    for path, command in commands(cli):
        words = " ".join(("onecert", *path))
        context = click.Context(command, info_name=words, max_content_width=WIDTH, terminal_width=WIDTH)
        parts.append(f"## `{words}`\n\n```\n{command.get_help(context)}\n```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    os.environ.pop("COLUMNS", None)
    click.echo(page(), nl=False)
