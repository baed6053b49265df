"""`onecert init`: from an empty directory to a deployment whose `onecert doctor` has nothing to fail."""

import os
from pathlib import Path

import click

from config.bootstrap import bootstrap
from config.commands.setup.settings_file import write_settings
from config.commands.terminal import change_options, confirm, ground_of, plain_errors
from config.env_file import read_env_file
from query.schema import upgrade

NEXT = """
Next:
  onecert config show > catalogue.toml     # edit it: your accounts, partners and links
  onecert config apply catalogue.toml
  onecert config secret import FILE        # what WeChat, partners and gateways gave you, in place of the random ones
  onecert doctor
Keep a copy of the master key apart from the database's backups."""


@click.command()
@click.option(
    "--directory", type=click.Path(file_okay=False, exists=True, path_type=Path), default=".", help="Of .env."
)
@click.option("--database-url", prompt="Database (mysql+pymysql://user:password@host/name; empty: SQLite)", default="",
              show_default=False, help="As ONECERT_DATABASE_URL.")  # fmt: skip
@click.option("--redis-url", prompt="Redis (redis://…; empty: a private one)", default="", show_default=False,
              help="As ONECERT_REDIS_URL.")  # fmt: skip
@click.option("--public-url", prompt="Address that citizens see (https://…; empty: this machine)", default="",
              show_default=False, help="As ONECERT_PUBLIC_URL.")  # fmt: skip
@change_options
@click.pass_context
@plain_errors
def init(
    ctx: click.Context, directory: Path, database_url: str, redis_url: str, public_url: str, dry_run: bool, yes: bool
) -> None:
    """Ask for the settings, write them and a master key, make the tables, the first catalogue and all secrets.

    Nothing is overwritten. Secrets are random until yours are imported.
    """
    directory = directory.resolve()
    given = {
        "ONECERT_DATABASE_URL": database_url,
        "ONECERT_REDIS_URL": redis_url,
        "ONECERT_PUBLIC_URL": public_url,
        "ONECERT_DATA": str(directory / "var"),
    }
    if not confirm(ctx, f"set up OneCert in {directory}", yes, dry_run):
        return
    written = write_settings(directory, given)
    try:
        read_env_file(directory, os.environ)
        ground = ground_of(ctx, founding=True)
        bootstrap(ground, upgrade, None)
    except BaseException:
        for path in written:
            path.unlink()  # so that it can be tried again
        raise
    for path in written:
        click.echo(f"wrote {path}")
    click.echo(f"made the tables, catalogue version {ground.catalogues.current().version} and random secrets{NEXT}")


COMMANDS = [init]
