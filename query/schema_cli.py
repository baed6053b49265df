"""`onecert db`: the database's schema."""

import click

from config import audit
from config.db import begin
from config.ground import Ground
from config.terminal import change_options, confirm, needs_ground
from query.schema import revisions, upgrade


@click.group("db")
def db_commands() -> None:
    """The database's schema."""


@db_commands.command("upgrade")
@change_options
@click.pass_context
def upgrade_schema(ctx: click.Context, dry_run: bool, yes: bool) -> None:
    """Bring the schema to the newest migration. Safe to run again."""
    _upgrade(ctx, dry_run=dry_run, yes=yes)


@needs_ground
def _upgrade(ground: Ground, ctx: click.Context, *, dry_run: bool, yes: bool) -> None:
    present, newest = revisions(ground.engine)
    if present == newest:
        click.echo(f"the schema is up to date: {newest}")
    elif confirm(ctx, f"upgrade the schema from {present or 'nothing'} to {newest}", yes, dry_run):
        upgrade(ground.engine)
        # On an empty database there is no key yet to sign an audit row with; `onecert up` makes both.
        if present is not None:
            with begin(ground.engine) as db:
                audit.record(db, ground, "db.upgrade", newest or "", f"from {present}")
        click.echo(f"the schema is at {newest}")
