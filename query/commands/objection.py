"""`onecert objection` and `onecert watch`: list, show, remind and close. Never a finding, a number or an ID digit."""

from typing import Any, Final

import click

from config import audit
from config.commands.terminal import change_options, confirm, json_option, needs_ground, print_table
from config.db.engine import begin, reading
from config.ground import Ground
from config.times.formats import rfc3339
from query.commands.found import MESSAGE_COLUMNS, list_messages, read_indexes
from query.errors import NotFound
from query.objections.closing import close_by_operator
from query.objections.listing import find_objection, list_objections, list_objections_of, show_objection
from query.objections.settling import COMPANY_KINDS
from query.objections.telling import message_ids
from query.requests.store import send_again
from query.watches.listing import list_watches

OBJECTION_COLUMNS: Final = (
    *("reference", "wish", "applications", "entrance", "state", "reopened", "phone", "accepted_at", "due", "closed_at"),
)
REQUEST_COLUMNS: Final = ("kind", "partner", "application", "tries", "state", "due_at")
WATCH_COLUMNS: Final = ("state", "started_at", "until", "companies", "last_alert_at")
TIMES: Final = frozenset({"accepted_at", "closed_at", "due_at", "started_at", "last_alert_at"})


@click.group("objection")
def objection_commands() -> None:
    """Show the state of objections, never their findings."""


@objection_commands.command("list")
@click.option("--overdue", is_flag=True, help="Only those that a company has not answered by the due day.")
@click.option("--partner", help="Only those that were passed on to this partner.")
@click.option(
    "--limit",
    default=50,
    show_default=True,
    type=click.IntRange(1, 10_000),
    help="Show at most this many, newest first.",
)
@json_option
@needs_ground
def list_command(ground: Ground, overdue: bool, partner: str | None, limit: int, as_json: bool) -> None:
    """List the newest objections."""
    rows = list_objections(ground, overdue=overdue, partner=partner, limit=limit)
    print_table([_written(row) for row in rows], OBJECTION_COLUMNS, as_json)


@objection_commands.command("show")
@click.argument("reference")
@json_option
@needs_ground
def show_command(ground: Ground, reference: str, as_json: bool) -> None:
    """Show the times of one objection and the requests that it led to."""
    shown, requests = show_objection(ground, reference)
    told, asked = _written(shown), [_written(one) for one in requests]
    with reading(ground.engine) as db:
        messages = list_messages(db, message_ids(ground, find_objection(ground, reference)))
    if as_json:
        print_table([{**told, "requests": asked, "messages": messages}], [], as_json)
        return
    print_table([{"what": name, "is": value} for name, value in told.items()], ("what", "is"), as_json)
    print_table(asked, REQUEST_COLUMNS, as_json)
    print_table(messages, MESSAGE_COLUMNS, as_json)


@objection_commands.command("find")
@json_option
@needs_ground
def find_command(ground: Ground, as_json: bool) -> None:
    """Find the objections of the number on standard input. Audited."""
    rows = list_objections_of(ground, read_indexes(ground, "objection.find"))
    if not rows:
        raise NotFound("no objection is kept about it")
    print_table([_written(row) for row in rows], OBJECTION_COLUMNS, as_json)


@objection_commands.command("remind")
@click.argument("reference")
@change_options
@click.pass_context
@needs_ground
def remind_command(ground: Ground, ctx: click.Context, reference: str, dry_run: bool, yes: bool) -> None:
    """Send the companies that have not answered their request once more."""
    row = find_objection(ground, reference)
    if not confirm(ctx, f"remind the companies of {reference}", yes, dry_run):
        return
    with begin(ground.engine) as db:
        partners = send_again(db, row.id, ground.clock.now(), COMPANY_KINDS)
        audit.record(db, ground, "objection.remind", reference, ", ".join(partners) or "nobody is to be reminded")
    ground.bell.ring_all([("relay", code) for code in partners])
    click.echo(f"reminded {reference}: {', '.join(partners) or 'nobody is to be reminded'}")


@objection_commands.command("close")
@click.argument("reference")
@click.option("--reason", required=True, help="The reason, for the audit.")
@change_options
@click.pass_context
@needs_ground
def close_command(ground: Ground, ctx: click.Context, reference: str, reason: str, dry_run: bool, yes: bool) -> None:
    """End an open objection now: the citizen is told what was found, and who has not answered."""
    row = find_objection(ground, reference)
    if not confirm(ctx, f"close {reference}", yes, dry_run):
        return
    with begin(ground.engine) as db:
        closed = close_by_operator(db, ground, row.id)
        audit.record(db, ground, "objection.close", reference, reason)
    ground.bell.notify_gateway()
    click.echo(f"closed {reference}" if closed else f"{reference} is not open")


@click.group("watch")
def watch_commands() -> None:
    """Show watches: how many there are and how long, never whose."""


@watch_commands.command("list")
@click.option(
    "--limit",
    default=50,
    show_default=True,
    type=click.IntRange(1, 10_000),
    help="Show at most this many, newest first.",
)
@json_option
@needs_ground
def list_watches_command(ground: Ground, limit: int, as_json: bool) -> None:
    """List the newest watches."""
    print_table([_written(row) for row in list_watches(ground, limit)], WATCH_COLUMNS, as_json)


def _written(row: dict[str, Any]) -> dict[str, Any]:
    return {name: rfc3339(value) if name in TIMES and value is not None else value for name, value in row.items()}


COMMANDS = [objection_commands, watch_commands]
