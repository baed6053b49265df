"""`onecert config secret import`: many secrets at once, from one TOML file."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from typing import TextIO

import click

from config import audit
from config.catalogue.document import required_secrets
from config.commands.secrets import check_secret, check_whose
from config.commands.terminal import change_options, confirm, needs_ground, suggest
from config.db.engine import begin
from config.errors import ConfigError
from config.ground import Ground


@click.command("import")
@click.argument("file", metavar="FILE", type=click.File(encoding="utf-8"))
@change_options
@click.pass_context
@needs_ground
def import_secrets(ground: Ground, ctx: click.Context, file: TextIO, dry_run: bool, yes: bool) -> None:
    """Seal all secrets of a TOML file, or none; `-` reads it from standard input. Delete the file afterwards.

    \b
    Example of FILE:
      "gxwbwx.token" = "…"
      [alipay-applet]
      private_key = '''
      -----BEGIN PRIVATE KEY-----
      …
      '''
    """
    catalogue = ground.catalogues.current()
    found = parse_secrets(file)
    known = required_secrets(catalogue, of_disabled=True)
    for name, value in found.items():
        if name.removesuffix(".next") not in known:
            near = suggest(name.removesuffix(".next"), known, "onecert config secret list")
            raise ConfigError(f"{name}: the catalogue in force does not use it{near}")
        link = catalogue.link(name.removesuffix(".next").removesuffix(".key"))
        check_secret(name, value, link.driver if link else "")
        check_whose(ground, name, value)
    if confirm(ctx, f"set {len(found)} secrets: {', '.join(found)}", yes, dry_run):
        with begin(ground.engine) as db:
            for name, value in found.items():
                ground.secrets.set(db, name, value, ground.clock.now())
            audit.record(db, ground, "secret.import", f"{len(found)} secrets", ", ".join(found)[:500])
        click.echo(f"{len(found)} secrets are set")


def parse_secrets(file: TextIO) -> dict[str, str]:
    """Return the secrets of a TOML file by name. Raises ConfigError, never with a value."""
    try:
        document = tomllib.loads(file.read())
    except UnicodeDecodeError:
        raise ConfigError("the file is not UTF-8 text") from None
    except tomllib.TOMLDecodeError as fault:
        place = str(fault).rpartition("(at ")[2].rstrip(")")  # its words may hold a value
        raise ConfigError(f"the file is not TOML, at {place}") from None
    found = dict(_flatten(document))
    if not found:
        raise ConfigError("the file names no secret")
    return found


def _flatten(table: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{name}.")
        elif isinstance(value, str):
            yield name, value.strip("\r\n")
        else:
            raise ConfigError(f"{name}: write its value in quotes")
