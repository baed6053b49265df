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
            "revoked": rfc3339(row.revoked_at) if row.revoked_at else None,
            "current": row.id == current,
        }
        for row in ground.keys.listing()
    ]
    print_table(rows, ["id", "algorithm", "created", "retired", "revoked", "current"], as_json)


@key.command()
@change_options
@click.option("--revoke", is_flag=True, help="Earlier keys may be in somebody's hands: believe nothing they sign.")
@click.pass_context
@needs_ground
def rotate(ground: Ground, ctx: click.Context, revoke: bool, dry_run: bool, yes: bool) -> None:
    """Make a new data key; it is used after a minute, and what is sealed already still opens.

    With --revoke, sessions, tickets and codes made so far end, and secrets and the catalogue are sealed and signed
    anew.
    """
    what = "make a new data key and revoke the earlier ones: every citizen must begin again" if revoke else ""
    if not confirm(ctx, what or "make a new data key", yes, dry_run):
        return
    with begin(ground.engine) as db:
        number = ground.keys.rotate(db, ground.clock.now(), revoke=revoke)
        if revoke:
            ground.secrets.seal_again(db)
            ground.catalogues.sign_again(db)
        audit.record(db, ground, "key.revoke" if revoke else "key.rotate", f"data key {number}")
        if revoke:
            audit.sign_head_again(db, ground.keys)
    click.echo(f"data key {number} is made and used from a minute on")


@key.command()
@change_options
@click.pass_context
@needs_ground
def rewrap(ground: Ground, ctx: click.Context, dry_run: bool, yes: bool) -> None:
    """Wrap the data keys with the master key that is configured now.

    Before: give every process the new key as ONECERT_MASTER_KEY and the one until now as ONECERT_PREVIOUS_MASTER_KEY.
    Afterwards: take the previous one away, and destroy it.
    """
    if confirm(ctx, "wrap every data key with the configured master key", yes, dry_run):
        with begin(ground.engine) as db:
            number = ground.keys.rewrap(db)
            audit.record(db, ground, "key.rewrap", f"{number} data keys")
        click.echo(f"{number} data keys are wrapped with the configured master key")


COMMANDS = [key]
