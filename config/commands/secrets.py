"""`onecert config secret`: tokens and keys that the catalogue names. A value is read, never shown."""

from __future__ import annotations

import difflib
import re

import click

from config import audit
from config.catalogue.document import required_secrets
from config.commands.terminal import change_options, confirm, json_option, needs_ground, print_table, read_input
from config.crypto.rsa_keys import load_private_key, load_public_key
from config.db.engine import begin
from config.errors import ConfigError, SecretMissing
from config.ground import Ground
from config.times.formats import rfc3339

MIN_KEY_CHARS, MAX_SMPP_CHARS = 16, 8
THEIR_KEYS = ("cmpp", "smpp", "aliyun")


@click.group()
def secret() -> None:
    """Tokens and keys that the catalogue names."""


@secret.command("set")
@click.argument("name")
@change_options
@click.pass_context
@needs_ground
def set_secret(ground: Ground, ctx: click.Context, name: str, dry_run: bool, yes: bool) -> None:
    """Seal a secret under NAME; the value is read from standard input, never from the command line.

    NAME.next is a successor that is accepted beside NAME while the other side changes over.
    """
    known = required_secrets(ground.catalogues.current())
    if name.removesuffix(".next") not in known:
        near = difflib.get_close_matches(name.removesuffix(".next"), known, n=1)
        click.echo(
            f"note: the catalogue in force does not use {name}" + (f"; did you mean {near[0]}?" if near else ""),
            err=True,
        )
    value = read_input(name, hidden=True).strip("\r\n")
    check_secret(name, value, _driver(ground, name))
    if confirm(ctx, f"set the secret {name}", yes, dry_run):
        with begin(ground.engine) as db:
            ground.secrets.set(db, name, value, ground.clock.now())
            audit.record(db, ground, "secret.set", name)
        click.echo(f"{name} is set")


@secret.command("remove")
@click.argument("name")
@change_options
@click.pass_context
@needs_ground
def remove_secret(ground: Ground, ctx: click.Context, name: str, dry_run: bool, yes: bool) -> None:
    """Delete a secret, such as a `.next` that is no longer needed."""
    if name not in dict(ground.secrets.listing()):
        raise SecretMissing(f"there is no secret {name}; `onecert config secret list` shows them")
    if confirm(ctx, f"remove the secret {name}", yes, dry_run):
        with begin(ground.engine) as db:
            ground.secrets.remove(db, name)
            audit.record(db, ground, "secret.remove", name)
        click.echo(f"{name} is removed")


@secret.command("list")
@json_option
@needs_ground
def list_secrets(ground: Ground, as_json: bool) -> None:
    """List the names of all secrets that are set or needed, and when they were set."""
    set_at = dict(ground.secrets.listing())
    names = [*set_at, *(name for name in required_secrets(ground.catalogues.current()) if name not in set_at)]
    rows = [{"name": name, "set": rfc3339(set_at[name]) if name in set_at else None} for name in names]
    print_table(rows, ["name", "set"], as_json)


def _driver(ground: Ground, name: str) -> str:
    """The driver of the link whose key this is; "" when it is no link's."""
    link = ground.catalogues.current().link(name.removesuffix(".next").removesuffix(".key"))
    return link.driver if link else ""


def check_secret(name: str, value: str, driver: str = "") -> None:
    """Refuse a value that cannot be what its name says; the value itself is never told.

    Of links, only the `http` ones have keys of our own choosing: a carrier's contract may say six digits.
    """
    kind = name.removesuffix(".next").rsplit(".", 1)[-1]
    if kind == "aes_key" and not re.fullmatch(r"[A-Za-z0-9]{43}", value):
        raise ConfigError(f"{name}: an EncodingAESKey has exactly 43 letters and digits")
    if kind == "private_key":
        load_private_key(value)
    if kind == "platform_key":
        load_public_key(value)
    if kind == "content_key" and not re.fullmatch(r"[A-Za-z0-9+/]{22}==", value):
        raise ConfigError(f"{name}: Alipay's content key is 16 bytes in base64, 24 characters")
    if kind == "token" and not re.fullmatch(r"[A-Za-z0-9]{3,32}", value):
        raise ConfigError(f"{name}: a token has 3 to 32 letters and digits")
    if kind == "key":
        _check_key(name, value, driver)


def _check_key(name: str, value: str, driver: str) -> None:
    if driver == "smpp" and len(value) > MAX_SMPP_CHARS:
        raise ConfigError(f"{name}: an SMPP password has {MAX_SMPP_CHARS} characters at most")
    if len(value) < (1 if driver in THEIR_KEYS else MIN_KEY_CHARS):
        raise ConfigError(
            f"{name}: a key needs at least {MIN_KEY_CHARS} characters; `openssl rand -base64 32` makes one"
        )
