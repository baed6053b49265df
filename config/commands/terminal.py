"""Shared by every file of commands: the Ground, tables or JSON, confirmation, errors in one line.

`plain_errors` (and `needs_ground`, which includes it) turns an expected failure into one line on standard error and
exit status 1; click itself answers wrong usage with 2.
"""

from __future__ import annotations

import difflib
import functools
import json
import os
import sys
import termios
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

import click
from redis import RedisError

from config.commands.tables import draw
from config.errors import CALL_REASONS, CallError, ConfigError, OneCertError
from config.ground import Ground, make_ground
from config.settings import load_settings
from config.telemetry.log import configure_logging

P = ParamSpec("P")
R = TypeVar("R")
Command = TypeVar("Command", bound=Callable[..., Any])
SILENT_S: Final = 3.0
"""A command that still waits after this time says so."""
LASTING: Final = frozenset({"web", "worker", "gateway", "clock", "sandbox", "metrics", "up"})

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
            raise click.ClickException(explain(error)) from None
        except RedisError as error:
            why = f"Redis does not answer ({type(error).__name__}); check ONECERT_REDIS_URL and the server"
            raise click.ClickException(why) from None

    return call


def explain(error: OneCertError) -> str:
    """Return an expected failure as one line; of a call that failed also whom it was to reach, and why it may be."""
    text = " | ".join((error.detail or error.code).splitlines())
    call = error if isinstance(error, CallError) else error.__cause__
    if not isinstance(call, CallError) or not call.host:
        return text
    return f"the call to {call.host} failed: {CALL_REASONS.get(call.reason, call.reason)}"


def suggest(asked: str, known: Iterable[str], listing: str) -> str:
    """Return what to say after "there is no such …": the name that was probably meant, or the command that lists all.

    What was asked for is not repeated: it may be anything, even a number.
    """
    near = difflib.get_close_matches(asked, list(known), n=1)
    return f"; did you mean {near[0]}?" if near else f"; `{listing}` shows them"


@contextmanager
def _notice_while_waiting() -> Iterator[None]:
    """Say once that the command waits, after SILENT_S, where somebody watches."""
    ctx = click.get_current_context(silent=True)
    lasting = ctx is None or ctx.info_name in LASTING
    word = "waiting for an answer of the database, Redis or the other side ..."
    timer = threading.Timer(SILENT_S, functools.partial(click.echo, word, err=True))
    timer.daemon = True
    if sys.stderr.isatty() and not lasting:
        timer.start()
    try:
        yield
    finally:
        timer.cancel()


def needs_ground(command: Callable[Concatenate[Ground, P], R]) -> Callable[P, R]:
    """Give the command a Ground, made once from the environment, as first argument; errors as in `plain_errors`."""

    @functools.wraps(command)
    @plain_errors
    def call(*args: P.args, **options: P.kwargs) -> R:
        with _notice_while_waiting():
            return command(ground_of(click.get_current_context()), *args, **options)

    return call


def ground_of(ctx: click.Context, *, founding: bool = False) -> Ground:
    """The Ground of this run of the command line; `founding`: an embedded database may be made where there is none."""
    root = ctx.find_root()
    if not isinstance(root.obj, Ground):
        os.umask(0o077)  # whatever a command makes is its owner's alone
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
    draw(rows, columns)


def read_input(ask: str = "", *, hidden: bool = False) -> str:
    """Standard input as it is; where somebody sits at the keyboard and `ask` says for what, the line that is typed.

    A pasted PEM block is read to its END. Raises ConfigError when it is not UTF-8.
    """
    if ask and _is_asked():
        return _typed(ask) if hidden else str(click.prompt(ask, err=True))
    try:
        return sys.stdin.read()
    except UnicodeDecodeError:
        raise ConfigError("standard input is not UTF-8 text") from None


def _typed(ask: str) -> str:
    """Read a line without showing it; of a PEM block all lines."""
    with _without_echo():
        click.echo(f"{ask} (or from a file: < FILE): ", nl=False, err=True)
        lines = [sys.stdin.readline()]
        while lines[0].startswith("-----BEGIN ") and lines[-1] and not lines[-1].startswith("-----END "):
            lines.append(sys.stdin.readline())
    click.echo(err=True)
    if not lines[0]:
        raise click.Abort
    return "".join(lines)


@contextmanager
def _without_echo() -> Iterator[None]:
    before = None
    with suppress(termios.error, OSError, ValueError):  # no terminal: nothing is shown anyway
        before = termios.tcgetattr(sys.stdin)
        quiet = [*before]
        quiet[3] &= ~termios.ECHO
        # Not TCSAFLUSH: what was pasted already must not be lost.
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, quiet)
    try:
        yield
    finally:
        if before is not None:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


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
