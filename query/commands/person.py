"""`onecert person`: what is kept about a number, and its erasure. The number comes from standard input."""

from dataclasses import asdict
from typing import Final

import click

from config import audit
from config.commands.terminal import change_options, confirm, json_option, needs_ground, print_table, read_input
from config.db.engine import begin
from config.ground import Ground
from config.phone_numbers import mask_phone
from config.times.formats import rfc3339
from query.intake.fields import parse_phone
from query.person.erasure import erase_person
from query.person.records import find_records

COLUMNS: Final = ("kind", "name", "state", "at", "holds")


@click.group("person")
def person_commands() -> None:
    """Show and erase what is kept about a number, at its citizen's wish.

    Make sure first that it is the citizen's: by a code to the number, or as your rules say.
    """


@person_commands.command("show")
@json_option
@needs_ground
def show_command(ground: Ground, as_json: bool) -> None:
    """Show what is kept about the number on standard input: never a count, a finding or an ID digit."""
    phone = _read_phone()
    with begin(ground.engine) as db:
        records = find_records(db, ground, phone)
        audit.record(db, ground, "person.show", mask_phone(phone), f"{len(records)} records")
    rows = [{**asdict(one), "at": rfc3339(one.at) if one.at else None, "holds": " ".join(one.holds)} for one in records]
    print_table(rows, COLUMNS, as_json)


@person_commands.command("erase")
@change_options
@click.pass_context
@needs_ground
def erase_command(ground: Ground, ctx: click.Context, dry_run: bool, yes: bool) -> None:
    """Erase what is kept about the number on standard input; its running inquiries end without a reply.

    What stops codes to the number stays, and so do its limits. Objections that companies have are to be closed first.
    """
    phone = _read_phone()
    if not confirm(ctx, f"erase what is kept about {mask_phone(phone)}", yes, dry_run):
        return
    erased = erase_person(ground, phone)
    click.echo(f"erased {erased.inquiries} inquiries, {erased.objections} objections, {erased.watches} alerts")
    for reference in erased.still_open:
        click.echo(f"objection {reference} is open: close it (`onecert objection close`), then erase again")


def _read_phone() -> str:
    return parse_phone(read_input("Number"))


COMMANDS = [person_commands]
