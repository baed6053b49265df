"""The root of the command line: a command's module is loaded when the command is called, and not for another one.

Everything together takes a second to load; `--help`, `--version` and completion need none of it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from config.errors import OneCertError

ENV_FILE = Path(".env")


class LazyCommands(click.Group):
    """A group whose `lazy` says for each command the module with it in its list COMMANDS, and its line of help."""

    def __init__(self, *args: Any, lazy: Mapping[str, tuple[str, str]], **options: Any) -> None:
        super().__init__(*args, **options)
        self.lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the alphabet."""
        return sorted({*self.lazy, *super().list_commands(ctx)})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a command; None: there is none of this name."""
        if cmd_name in self.lazy and cmd_name not in self.commands:
            module = import_module(self.lazy[cmd_name][0])
            found = next(command for command in module.COMMANDS if command.name == cmd_name)
            import_module("config.commands.setup.examples").add_examples(found, cmd_name)
            self.add_command(found)
        return super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without loading one."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, self.lazy[name][1]) for name in sorted(self.lazy)])

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As any group. Words that are not UTF-8 are wrong usage, not a fault somewhere behind it: UsageError."""
        if any(map(_is_torn, args)):
            raise click.UsageError("the command line is not UTF-8 text", ctx)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command with the settings of `.env`, if the directory has one."""
        if ENV_FILE.is_file():
            try:
                import_module("config.env_file").read_env_file(Path.cwd(), os.environ)
            except OneCertError as error:
                raise click.ClickException(error.detail) from None
        return super().invoke(ctx)


def _is_torn(word: str) -> bool:
    """Return whether the text came as bytes that are not UTF-8; Python keeps those as surrogates."""
    return any("\ud800" <= sign <= "\udfff" for sign in word)
