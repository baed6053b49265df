"""`onecert inquiry`: show the progress of inquiries, and wake them up. Never a count, a number or an ID digit."""

from typing import Any, Final

import click
from sqlalchemy import Row, Select, select, update

from config import audit
from config.commands.terminal import change_options, confirm, json_option, needs_ground, print_table
from config.db.engine import begin, reading
from config.ground import Ground
from config.times.formats import rfc3339
from query.commands.found import MESSAGE_COLUMNS, list_messages, read_indexes
from query.errors import NotFound
from query.inquiry import Outcome, State
from query.models import inquiry, question
from query.person.records import find_inquiries
from query.waves.questions import QuestionState

INQUIRY_COLUMNS: Final = ("reference", "service", "entrance", "state", "outcome", "phone", "accepted_at", "closed_at")


QUESTION_COLUMNS: Final = ("partner", "kind", "state", "tries", "due_at")


QUESTION_STATES: Final = {QuestionState.DUE: "due", QuestionState.LEASED: "being asked", QuestionState.DONE: "over"}


@click.group("inquiry")
def inquiry_commands() -> None:
    """Show the state of inquiries, never their counts."""


@inquiry_commands.command("list")
@click.option("--state", type=click.Choice([state.name.lower() for state in State]), help="Only in this state.")
@click.option(
    "--limit",
    default=50,
    show_default=True,
    type=click.IntRange(1, 10_000),
    help="Show at most this many, newest first.",
)
@json_option
@needs_ground
def list_inquiries(ground: Ground, state: str | None, limit: int, as_json: bool) -> None:
    """List the newest inquiries."""
    newest = select(inquiry).order_by(inquiry.c.id.desc()).limit(limit)
    if state is not None:
        newest = newest.where(inquiry.c.state == State[state.upper()])
    with reading(ground.engine) as db:
        rows = [_shown(ground, row) for row in db.execute(newest)]
    print_table(rows, INQUIRY_COLUMNS, as_json)


@inquiry_commands.command("show")
@click.argument("reference")
@json_option
@needs_ground
def show_inquiry(ground: Ground, reference: str, as_json: bool) -> None:
    """Show the times of one inquiry, the partners asked and its messages."""
    with reading(ground.engine) as db:
        row = db.execute(_by_reference(reference)).first()
        if row is None:
            raise NotFound("no inquiry has this reference")
        questions_found = db.execute(
            select(question).where(question.c.wave == row.wave).order_by(question.c.kind.desc())
        ).all()
        messages = list_messages(db, [row.id])
    questions = [_question(entry) for entry in questions_found]
    fields = {**_shown(ground, row), **_times(row), "waiting_for": row.waiting_for, "tried": row.carriers_tried.split()}
    if as_json:
        print_table([{**fields, "questions": questions, "messages": messages}], [], as_json)
        return
    print_table([{"what": name, "is": value} for name, value in fields.items()], ("what", "is"), as_json)
    print_table(questions, QUESTION_COLUMNS, as_json)
    print_table(messages, MESSAGE_COLUMNS, as_json)


@inquiry_commands.command("find")
@click.option("--message", "name", metavar="ID", help="The inquiry that this message answers, instead of a number's.")
@json_option
@needs_ground
def find_command(ground: Ground, name: str | None, as_json: bool) -> None:
    """Find the inquiries of the number on standard input, as long as its index is kept: 30 days. Audited."""
    if name is not None:
        with reading(ground.engine) as db:
            found = db.execute(select(inquiry).where(inquiry.c.id == _message_id(name))).all()
    else:
        indexes = read_indexes(ground, "inquiry.find")
        with reading(ground.engine) as db:
            found = list(find_inquiries(db, ground.clock.now(), indexes))
    if not found:
        raise NotFound("no inquiry is kept about it")
    print_table([_shown(ground, row) for row in found], INQUIRY_COLUMNS, as_json)


def _message_id(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise NotFound("a message's id is 32 hexadecimal digits") from None


@inquiry_commands.command("nudge")
@click.argument("reference")
@change_options
@click.pass_context
@needs_ground
def nudge_inquiry(ground: Ground, ctx: click.Context, reference: str, dry_run: bool, yes: bool) -> None:
    """Make the inquiry's waiting questions due now, and ring the workers."""
    with reading(ground.engine) as db:
        if db.execute(_by_reference(reference)).first() is None:
            raise NotFound("no inquiry has this reference")
    if not confirm(ctx, f"nudge {reference}", yes, dry_run):
        return
    with begin(ground.engine) as db:
        row = db.execute(_by_reference(reference)).one()
        due = (question.c.wave == row.wave) & (question.c.state == QuestionState.DUE)
        partners = list(db.execute(select(question.c.partner).where(due)).scalars())
        db.execute(update(question).where(due).values(due_at=ground.clock.now()))
        audit.record(db, ground, "inquiry.nudge", reference, f"{len(partners)} questions due now")
    if row.waiting_for is not None:
        ground.bell.ring("gather")
    for partner in partners:
        ground.bell.ring("ask", partner)
    ground.bell.ring("advance")
    click.echo(f"nudged {reference}: {len(partners)} questions are due now")


def _by_reference(reference: str) -> Select[Any]:
    number = int(reference) if reference.isascii() and reference.isdigit() and len(reference) <= 18 else 0
    return select(inquiry).where(inquiry.c.reference == number)


def _shown(ground: Ground, row: Row[Any]) -> dict[str, Any]:
    masked = ground.keys.open(row.masked, table="inquiry", column="masked", row=row.id) if row.masked else None
    return {
        "reference": str(row.reference),
        "service": row.service,
        "entrance": row.entrance,
        "state": State(row.state).name.lower(),
        "outcome": Outcome(row.outcome).name.lower() if row.outcome is not None else None,
        "phone": masked.decode() if masked else None,
        "accepted_at": rfc3339(row.accepted_at),
        "closed_at": _time(row.closed_at),
    }


def _times(row: Row[Any]) -> dict[str, Any]:
    return {"asked_at": _time(row.asked_at), "decided_at": _time(row.decided_at)}


def _question(row: Row[Any]) -> dict[str, Any]:
    fields = {"partner": row.partner, "kind": row.kind, "state": QUESTION_STATES[row.state], "tries": row.tries}
    return {**fields, "due_at": rfc3339(row.due_at)}


def _time(moment: int | None) -> str | None:
    return rfc3339(moment) if moment is not None else None


COMMANDS = [inquiry_commands]
