"""`onecert key`: the data keys, listed and rotated; never a key itself."""

from __future__ import annotations

import click

from config import audit
from config.commands.terminal import change_options, confirm, json_option, needs_ground, print_table
from config.db.engine import begin
from config.ground import Ground
from config.times.formats import rfc3339


@click.group()
def key() -> None:
    """The data keys that seal personal data."""


@key.command("list")
@json_option
@needs_ground
def list_keys(ground: Ground, as_json: bool) -> None:
    """List every data key; never the key itself."""
    current = ground.keys.current_id()
    rows = [
        {
            "id": row.id,
            "algorithm": row.algorithm,
            "created": rfc3339(row.created_at),
            "retired": rfc3339(row.retired_at) if row.retired_at else None,
            "current": row.id == current,
        }
        for row in ground.keys.listing()
    ]
    print_table(rows, ["id", "algorithm", "created", "retired", "current"], as_json)


@key.command()
@change_options
@click.pass_context
@needs_ground
def rotate(ground: Ground, ctx: click.Context, dry_run: bool, yes: bool) -> None:
    """Make a new data key; it is used after a minute, and what is sealed already still opens."""
    if confirm(ctx, "make a new data key", yes, dry_run):
        with begin(ground.engine) as db:
            number = ground.keys.rotate(db, ground.clock.now())
            audit.record(db, ground, "key.rotate", f"data key {number}")
        click.echo(f"data key {number} is made and used from a minute on")
