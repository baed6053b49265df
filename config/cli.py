"""The commands of this folder; `onecert key` and `onecert audit` are written here."""

from __future__ import annotations

import click

from config import audit, metrics
from config.catalogue_cli import config_group
from config.db import begin, reading
from config.doctor import doctor
from config.errors import ConfigError
from config.ground import Ground
from config.serving import begin_process, until_stopped
from config.terminal import change_options, confirm, json_option, needs_ground, print_table
from config.times import rfc3339


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


@click.group("audit")
def audit_group() -> None:
    """What administrators did."""


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


@click.command("metrics")
@needs_ground
def serve_metrics(ground: Ground) -> None:
    """Serve this host's /metrics, where no clock process does."""
    begin_process(ground.settings)
    stop, stop_metrics = until_stopped(), metrics.serve(ground.settings.metrics_bind)
    stop.wait()
    stop_metrics()


COMMANDS = [config_group, key, audit_group, doctor, serve_metrics]
