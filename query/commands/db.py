"""`onecert db`: the database's schema."""

import click

from config import audit
from config.bootstrap import is_prepared, prepare
from config.commands.terminal import change_options, confirm, ground_of, json_option, plain_errors, print_table
from config.db.engine import begin
from query.schema import read_status, upgrade


@click.group("db")
def db_commands() -> None:
    """The database's schema."""


@db_commands.command("status")
@json_option
@click.pass_context
@plain_errors
def show_status(ctx: click.Context, as_json: bool) -> None:
    """Show the schema's revision and the migrations that `onecert db upgrade` would run."""
    status = read_status(ground_of(ctx, founding=True).engine)
    rows = [{"migration": pending, "state": "pending"} for pending in status.pending]
    if as_json:
        print_table(
            [{"present": status.present, "newest": status.newest, "pending": list(status.pending)}], [], as_json
        )
        return
    print_table(rows, ("migration", "state"), as_json)
    click.echo(f"the schema is at {status.present or 'nothing'}; the newest is {status.newest}")


@db_commands.command("upgrade")
@change_options
@click.pass_context
@plain_errors
def upgrade_schema(ctx: click.Context, dry_run: bool, yes: bool) -> None:
    """Bring the schema to the newest migration, and make the first data key.

    Safe to run again, also after one that was cut off. An empty database is upgraded without a question.
    """
    ground = ground_of(ctx, founding=True)
    status = read_status(ground.engine)
    present, newest = status.present, status.newest
    if present == newest and is_prepared(ground):
        click.echo(f"the schema is up to date: {newest}")
        return
    path = f"upgrade the schema from {present or 'nothing'} to {newest}"
    if confirm(ctx, path if present != newest else "make the first data key", yes or present is None, dry_run):
        prepare(ground, lambda engine: upgrade(engine, click.echo))
        with begin(ground.engine) as db:
            audit.record(db, ground, "db.upgrade", newest, f"from {present or 'nothing'}")
        click.echo(f"the schema is at {newest}")


COMMANDS = [db_commands]
