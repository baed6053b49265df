"""`onecert db`: the database's schema."""

import click

from config import audit
from config.bootstrap import is_prepared, prepare
from config.commands.terminal import change_options, confirm, ground_of, plain_errors
from config.db.engine import begin
from query.schema import revisions, upgrade


@click.group("db")
def db_commands() -> None:
    """The database's schema."""


@db_commands.command("upgrade")
@change_options
@click.pass_context
@plain_errors
def upgrade_schema(ctx: click.Context, dry_run: bool, yes: bool) -> None:
    """Bring the schema to the newest migration, and make the first data key. Safe to run again."""
    ground = ground_of(ctx, founding=True)
    present, newest = revisions(ground.engine)
    if present == newest and is_prepared(ground):
        click.echo(f"the schema is up to date: {newest}")
        return
    path = f"upgrade the schema from {present or 'nothing'} to {newest}"
    if confirm(ctx, path if present != newest else "make the first data key", yes, dry_run):
        prepare(ground, upgrade)
        with begin(ground.engine) as db:
            audit.record(db, ground, "db.upgrade", newest or "", f"from {present or 'nothing'}")
        click.echo(f"the schema is at {newest}")
