"""`onecert config`: look at the catalogue, check, compare, apply, roll back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import click
from sqlalchemy.exc import IntegrityError

from config import audit
from config.bootstrap import missing_secrets
from config.catalogue.document import default_document, diff, load_catalogue
from config.catalogue.holidays import find_calendar_warnings
from config.catalogue.launch import find_launch_faults, find_launch_warnings
from config.catalogue.rules import find_warnings
from config.catalogue.schema import Catalogue
from config.commands.secrets import secret
from config.commands.setup.secret_file import import_secrets
from config.commands.terminal import (
    change_options,
    confirm,
    json_option,
    needs_ground,
    plain_errors,
    print_json,
    print_table,
)
from config.db.engine import begin
from config.errors import CatalogueInvalid, ConfigError
from config.ground import Ground
from config.times.clock import SystemClock
from config.times.formats import rfc3339, shanghai

document_argument = click.argument(
    "document", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path)
)


@click.group("config")
def config_group() -> None:
    """The catalogue and its secrets."""


@config_group.command()
@click.option("--number", type=int, help="An earlier version instead of the one in force.")
@json_option
@needs_ground
def show(ground: Ground, number: int | None, as_json: bool) -> None:
    """Print the catalogue in force, comments and all; a good start for an edited one."""
    text = ground.catalogues.document(number)
    if as_json:
        print_json(load_catalogue(text, number or ground.catalogues.current().version).model_dump(mode="json"))
    else:
        click.echo(text, nl=False)


@config_group.command("default")
def print_default() -> None:
    """Print the catalogue that OneCert brings, to begin with; needs no database."""
    click.echo(default_document(), nl=False)


@config_group.command("schema")
def print_schema() -> None:
    """Print the catalogue's JSON Schema, for editors: `#:schema ./catalogue.schema.json` in the first line."""
    print_json(Catalogue.model_json_schema())


@config_group.command()
@document_argument
@json_option
@plain_errors
def check(document: Path, as_json: bool) -> None:
    """Tell every fault of a catalogue; needs no database."""
    try:
        catalogue = _load_fit(document)[1]
    except CatalogueInvalid as faults:
        if as_json:
            print_json({"good": False, "faults": faults.detail.splitlines()})
            raise click.exceptions.Exit(1) from None
        _refuse(document, faults)
    warnings = _warnings(catalogue, SystemClock().now())
    if as_json:
        print_json({"good": True, "warnings": warnings})
        return
    _print_warnings(warnings)
    click.echo(f"{document}: good; {describe(catalogue)}")


@config_group.command("diff")
@document_argument
@json_option
@needs_ground
def diff_command(ground: Ground, document: Path, as_json: bool) -> None:
    """Show what a document would change: + added, - removed, ~ changed."""
    changes = diff(_in_force(ground), read_document(document)[0])
    if as_json:
        print_json(changes)
    else:
        click.echo("\n".join(changes) or "nothing would change")


@config_group.command()
@document_argument
@click.option("--note", default="", help="Why, for the history.")
@change_options
@click.pass_context
@needs_ground
def apply(ground: Ground, ctx: click.Context, document: Path, note: str, dry_run: bool, yes: bool) -> None:
    """Put a document in force, as the next version."""
    text, catalogue = read_document(document, _load_fit)
    old = _in_force(ground)
    if text == old:
        click.echo("nothing changes")
        return
    changes = diff(old, text)
    click.echo("\n".join(changes) or "only comments and order of keys change")
    _print_warnings(_warnings(catalogue, ground.clock.now()))
    if confirm(ctx, f"apply {document} ({len(changes)} changes)", yes, dry_run):
        put_in_force(ground, text, note or f"apply {document.name}", "catalogue.apply")


@config_group.command()
@json_option
@needs_ground
def history(ground: Ground, as_json: bool) -> None:
    """List every version, the newest first."""
    rows = [
        {"number": version.number, "applied": rfc3339(version.applied_at), "by": version.actor, "note": version.note}
        for version in ground.catalogues.history()
    ]
    print_table(rows, ["number", "applied", "by", "note"], as_json)


@config_group.command()
@click.argument("number", type=int)
@change_options
@click.pass_context
@needs_ground
def rollback(ground: Ground, ctx: click.Context, number: int, dry_run: bool, yes: bool) -> None:
    """Put an earlier version in force again, as the next version."""
    text = ground.catalogues.document(number)
    changes = diff(_in_force(ground), text)
    click.echo("\n".join(changes) or "nothing would change")
    if changes and confirm(ctx, f"roll back to version {number} ({len(changes)} changes)", yes, dry_run):
        put_in_force(ground, text, f"rollback to {number}", "catalogue.rollback")


def _in_force(ground: Ground) -> str:
    """The document that is to be replaced; nothing where there is none, or one that cannot be believed: it is told."""
    try:
        return ground.catalogues.document() if ground.catalogues.history() else ""
    except CatalogueInvalid as fault:
        click.echo(f"warning: {fault.detail}", err=True)
        return ""


def read_document(path: Path, load: Callable[[Path], tuple[str, Catalogue]] | None = None) -> tuple[str, Catalogue]:
    """A document's text and what it means. Ends the command with a line for each fault."""
    try:
        return (load or _load)(path)
    except CatalogueInvalid as faults:
        _refuse(path, faults)


def _load_fit(path: Path) -> tuple[str, Catalogue]:
    """Load a document that is to be put in force: with a real address it holds nothing of a trial."""
    text, catalogue = _load(path)
    if faults := find_launch_faults(catalogue):
        raise CatalogueInvalid("\n".join(faults))
    return text, catalogue


def _load(path: Path) -> tuple[str, Catalogue]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read as UTF-8 text ({type(error).__name__})") from None
    return text, load_catalogue(text)


def _refuse(path: Path, faults: CatalogueInvalid) -> NoReturn:
    for fault in faults.detail.splitlines():
        click.echo(f"{path}: {fault}", err=True)
    raise click.exceptions.Exit(1)


def put_in_force(ground: Ground, text: str, note: str, action: str) -> None:
    """Add the next version and its audit row, and say what is still to do."""
    try:
        with begin(ground.engine) as db:
            number = ground.catalogues.apply(db, text, note, audit.current_actor(), ground.clock.now())
            audit.record(db, ground, action, f"version {number}", note)
            missing = missing_secrets(ground, db)
    except IntegrityError:
        raise ConfigError("somebody else applied a catalogue at the same time; look at it and try again") from None
    click.echo(f"version {number} is in force; every process follows within seconds")
    for name in missing:
        click.echo(f"warning: the secret {name} is missing; `onecert config secret set {name}` sets it", err=True)


def describe(catalogue: Catalogue) -> str:
    """Summarise a catalogue's contents in a few words."""
    applications = sum(len(partner.applications) for partner in catalogue.partners)
    return (
        f"{len(catalogue.entrances)} entrances, {len(catalogue.services)} services, "
        f"{len(catalogue.enterprises())} enterprises with {applications} applications, "
        f"{len(catalogue.carriers())} carriers, {len(catalogue.links)} links"
    )


def _warnings(catalogue: Catalogue, now: int) -> list[str]:
    today = shanghai(now).date()
    return find_warnings(catalogue) + find_launch_warnings(catalogue) + find_calendar_warnings(catalogue, today)


def _print_warnings(warnings: list[str]) -> None:
    for warning in warnings:
        click.echo(f"warning: {warning}", err=True)


secret.add_command(import_secrets)
config_group.add_command(secret)


COMMANDS = [config_group]
