"""`onecert config secret`: tokens and keys that the catalogue names. A value is read, never shown."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Callable
from contextlib import suppress

import click
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

from config import audit
from config.catalogue.document import required_secrets
from config.commands.terminal import change_options, confirm, json_option, needs_ground, print_table, read_input
from config.crypto.rsa_keys import load_private_key, load_public_key
from config.db.engine import begin
from config.errors import ConfigError, SecretMissing
from config.ground import Ground
from config.phone_numbers import without_invisible
from config.times.formats import rfc3339

MIN_KEY_CHARS, MAX_SMPP_CHARS = 16, 8
THEIR_KEYS = ("cmpp", "smpp", "aliyun")
PASTED_TEXTS = ("private_key", "platform_key")
"""Kinds that may have several lines."""
SHAPES = {
    "aes_key": (r"[A-Za-z0-9]{43}", "an EncodingAESKey has exactly 43 letters and digits"),
    "content_key": (r"[A-Za-z0-9+/]{22}==", "Alipay's content key is 16 bytes in base64, 24 characters"),
    "token": (r"[A-Za-z0-9]{3,32}", "a token has 3 to 32 letters and digits"),
    "app_secret": (r"[!-~]{8,128}", "an app secret has letters and digits and no blank; WeChat's has 32"),
}
LOADERS: dict[str, Callable[[str], object]] = {"private_key": load_private_key, "platform_key": load_public_key}


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
    check_whose(ground, name, value)
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
    if kind not in PASTED_TEXTS and _has_unseen(value):
        raise ConfigError(f"{name}: has a blank at an end, or a control or invisible character; copy it again")
    if kind in SHAPES:
        shape, wanted = SHAPES[kind]
        if not re.fullmatch(shape, value):
            raise ConfigError(f"{name}: {wanted}")
    if kind in LOADERS:
        LOADERS[kind](value)
    if kind == "key":
        _check_key(name, value, driver)


def _has_unseen(value: str) -> bool:
    bare = without_invisible(value).strip()
    return value != bare or any(unicodedata.category(sign) in ("Cc", "Zl", "Zp") for sign in value)


def check_whose(ground: Ground, name: str, value: str) -> None:
    """Refuse our own public key in the place of the platform's. Raises ConfigError."""
    entrance, _, kind = name.removesuffix(".next").rpartition(".")
    if kind == "platform_key" and load_public_key(value).public_numbers() in own_keys(ground, entrance):
        raise ConfigError(f"{name}: this is the public half of {entrance}.private_key; take the platform's own key")


def own_keys(ground: Ground, entrance: str) -> list[RSAPublicNumbers]:
    """The public halves of an entrance's private keys; none while they are not set."""
    with suppress(SecretMissing):
        texts = ground.secrets.both(f"{entrance}.private_key")
        return [load_private_key(text).public_key().public_numbers() for text in texts]
    return []


def _check_key(name: str, value: str, driver: str) -> None:
    if driver == "smpp" and len(value) > MAX_SMPP_CHARS:
        raise ConfigError(f"{name}: an SMPP password has {MAX_SMPP_CHARS} characters at most")
    if len(value) < (1 if driver in THEIR_KEYS else MIN_KEY_CHARS):
        raise ConfigError(
            f"{name}: a key needs at least {MIN_KEY_CHARS} characters; `openssl rand -base64 32` makes one"
        )
