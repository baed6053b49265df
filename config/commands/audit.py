"""`onecert audit`: administrators' actions, listed and verified."""

from __future__ import annotations

import click

from config import audit
from config.commands.terminal import json_option, needs_ground, print_table
from config.db.engine import reading
from config.errors import ConfigError
from config.ground import Ground
from config.times.formats import rfc3339


@click.group("audit")
def audit_group() -> None:
    """Show and verify administrators' actions."""


@audit_group.command("list")
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True, help="The newest so many.")
@json_option
@needs_ground
def list_audit(ground: Ground, limit: int, as_json: bool) -> None:
    """List the latest actions, the newest first."""
    with reading(ground.engine) as db:
        entries = audit.listing(db, limit)
    columns = ["id", "at", "actor", "action", "subject", "detail"]
    rows = [{name: getattr(entry, name) for name in columns} | {"at": rfc3339(entry.at)} for entry in entries]
    print_table(rows, columns, as_json)


BREAKS = {
    "altered": "the audit does not hold from row {row} on: it was altered, or a row before it is gone",
    "cut": "the audit does not hold: row {row} and what came after it are cut off",
    "head": "the audit's head does not fit its last row {row}: it is missing or altered; rows may be cut off",
}


@audit_group.command()
@needs_ground
def verify(ground: Ground) -> None:
    """Check that no row was altered, slipped in, taken out or cut off at the end."""
    with reading(ground.engine) as db:
        broken = audit.verify(db, ground.keys)
        begun = audit.new_heads(db)
    if broken is not None:
        raise ConfigError(BREAKS[broken.kind].format(row=broken.row))
    click.echo("every row holds")
    for row in begun:
        click.echo(f"row {row}: the head was begun anew here; rows cut off before that do not show")


COMMANDS = [audit_group]
