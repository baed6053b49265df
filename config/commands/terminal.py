"""Shared by every file of commands: the Ground, tables or JSON, confirmation, errors in one line.

`plain_errors` (and `needs_ground`, which includes it) turns an expected failure into one line on standard error and
exit status 1; click itself answers wrong usage with 2.
"""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Concatenate, ParamSpec, TypeVar

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from config.errors import ConfigError, OneCertError
from config.ground import Ground, make_ground
from config.settings import load_settings
from config.telemetry.log import configure_logging

P = ParamSpec("P")
R = TypeVar("R")
Command = TypeVar("Command", bound=Callable[..., Any])
UNLIMITED_WIDTH = 10_000

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def change_options(command: Command) -> Command:
    """`--dry-run` and `--yes`, for every command that changes something."""
    command = click.option("--yes", is_flag=True, help="Do not ask.")(command)
    return click.option("--dry-run", is_flag=True, help="Only say what would be done.")(command)


def plain_errors(command: Callable[P, R]) -> Callable[P, R]:
    """An expected failure becomes one line on standard error and exit status 1."""

    @functools.wraps(command)
    def call(*args: P.args, **options: P.kwargs) -> R:
        try:
            return command(*args, **options)
        except OneCertError as error:
            raise click.ClickException(" | ".join((error.detail or error.code).splitlines())) from None

    return call


def needs_ground(command: Callable[Concatenate[Ground, P], R]) -> Callable[P, R]:
    """Give the command a Ground, made once from the environment, as first argument; errors as in `plain_errors`."""

    @functools.wraps(command)
    @plain_errors
    def call(*args: P.args, **options: P.kwargs) -> R:
        return command(ground_of(click.get_current_context()), *args, **options)

    return call


def ground_of(ctx: click.Context, *, founding: bool = False) -> Ground:
    """The Ground of this run of the command line; `founding`: an embedded database may be made where there is none."""
    root = ctx.find_root()
    if not isinstance(root.obj, Ground):
        settings = load_settings(os.environ, founding=founding)
        # A person reads this terminal: what the command did is on it already.
        configure_logging("error" if settings.log_level == "error" else "warning")
        root.obj = make_ground(settings)
        root.call_on_close(root.obj.engine.dispose)
    ground: Ground = root.obj
    return ground


def print_json(value: Any) -> None:
    """Print a value as JSON."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def print_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], as_json: bool) -> None:
    """Rows as a table of these columns, or as a JSON list of objects with all they hold."""
    if as_json:
        print_json(rows)
        return
    table = Table(*columns, box=SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(*("" if row.get(column) is None else str(row.get(column)) for column in columns))
    width = None if sys.stdout.isatty() else UNLIMITED_WIDTH
    Console(width=width, markup=False, highlight=False, emoji=False).print(table)


def read_input(ask: str = "", *, hidden: bool = False) -> str:
    """Standard input as it is; where somebody sits at the keyboard and `ask` says for what, the line that is typed.

    Raises ConfigError when it is not UTF-8.
    """
    if ask and _is_asked():
        return str(click.prompt(ask, hide_input=hidden, err=True))
    try:
        return sys.stdin.read()
    except UnicodeDecodeError:
        raise ConfigError("standard input is not UTF-8 text") from None


def confirm(ctx: click.Context, text: str, yes: bool, dry_run: bool) -> bool:
    """Return whether to go on: False at `--dry-run`, True at `--yes`, else the answer at the terminal.

    `text` says what is about to be done, such as `disable tencent`. Ends the command with status 1 at a no,
    and where nobody can be asked.
    """
    if dry_run:
        click.echo(f"would {text}")
        return False
    if yes:
        return True
    if not _is_asked():
        raise click.ClickException(f"nobody is here to ask whether to {text}; add --yes")
    if not click.confirm(f"{text[:1].upper()}{text[1:]}?", err=True):
        ctx.exit(1)
    return True


def _is_asked() -> bool:
    """Return whether standard input is a terminal."""
    return sys.stdin.isatty()
