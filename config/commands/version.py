"""`onecert --version`: the release, and the commit it was built from."""

from __future__ import annotations

import subprocess
from importlib.metadata import version
from pathlib import Path

import click

ROOT = Path(__file__).parents[2]
BUILT = ROOT / "config" / "commit.txt"
"""Written by a build; absent in a checkout, where git knows."""
GIT_S = 2.0


def read_commit() -> str:
    """Return the short hash of the commit this code is from; empty where that is unknown."""
    if BUILT.is_file():
        return BUILT.read_text(encoding="ascii").strip()
    if not (ROOT / ".git").exists():
        return ""
    command = ["git", "-C", str(ROOT), "rev-parse", "--short=10", "HEAD"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=GIT_S, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return found.stdout.strip()


def describe_version() -> str:
    """Return the release and, where known, the commit: `0.2.0 (1a2b3c4d5e)`."""
    commit = read_commit()
    return f"{version('onecert')} ({commit})" if commit else version("onecert")


def _print_version(ctx: click.Context, _option: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        click.echo(f"onecert {describe_version()}")
        ctx.exit()


version_option = click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the release and its commit, and exit.",
)
