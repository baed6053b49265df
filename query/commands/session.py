"""`onecert session`: end sessions of citizens. A session is named as the security log names it."""

import re

import click
from sqlalchemy import select

from config import audit
from config.commands.terminal import change_options, confirm, needs_ground
from config.db.engine import begin, reading
from config.errors import ConfigError
from config.ground import Ground
from query.access.endings import LOGGED_OUT, note_entrance_end, note_session_end, session_name
from query.models import inquiry

NAME = re.compile("[0-9a-f]{32}", re.ASCII)


@click.group("session")
def session_commands() -> None:
    """End sessions of citizens."""


@session_commands.command("end")
@click.option("--session", "name", help="The session of this name in the security log.")
@click.option("--inquiry", "reference", help="The session that submitted this inquiry.")
@click.option("--entrance", help="Every session of this entrance.")
@change_options
@click.pass_context
@needs_ground
def end_command(
    ground: Ground,
    ctx: click.Context,
    name: str | None,
    reference: str | None,
    entrance: str | None,
    dry_run: bool,
    yes: bool,
) -> None:
    """End a session, or all sessions of an entrance: their tokens open nothing any more.

    All sessions of all entrances are ended by `onecert key rotate --revoke`.
    """
    if [name, reference, entrance].count(None) != 2:
        raise click.UsageError("name one of --session, --inquiry and --entrance")
    what = _what(ground, name, reference, entrance)
    if not confirm(ctx, f"end {what}", yes, dry_run):
        return
    if entrance is not None:
        note_entrance_end(ground, entrance, ground.clock.now())
    else:
        note_session_end(ground, name or _name_of(ground, reference or ""), LOGGED_OUT)
    with begin(ground.engine) as db:
        audit.record(db, ground, "session.end", name or reference or entrance or "", "")
    click.echo(f"ended {what}")


def _what(ground: Ground, name: str | None, reference: str | None, entrance: str | None) -> str:
    """Return what is to be ended, in words. Raises ConfigError when there is no such thing."""
    if entrance is not None:
        if ground.catalogues.current().entrance(entrance) is None:
            raise ConfigError(f"there is no entrance {entrance}")
        return f"every session of {entrance}"
    if reference is not None:
        _name_of(ground, reference)
        return f"the session of inquiry {reference}"
    if not NAME.fullmatch(name or ""):
        raise ConfigError("a session's name is 32 hexadecimal digits, as in the security log")
    return f"session {name}"


def _name_of(ground: Ground, reference: str) -> str:
    found = select(inquiry.c.owner).where(inquiry.c.reference == (int(reference) if reference.isdecimal() else 0))
    with reading(ground.engine) as db:
        owner = db.execute(found).scalar()
    if owner is None:
        raise ConfigError(f"no session is known for inquiry {reference}")
    return session_name(ground.keys, owner)


COMMANDS = [session_commands]
