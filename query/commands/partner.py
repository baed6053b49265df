"""`onecert partner nudge`: beside the commands of `enterprises/cli.py`, since it changes questions."""

import click
from sqlalchemy import update

from config import audit
from config.commands.terminal import change_options, confirm, needs_ground
from config.db.engine import begin
from config.ground import Ground
from enterprises.cli import find_named
from enterprises.cli import partner as partner_commands
from query.models import question
from query.waves.questions import QuestionState


@partner_commands.command("nudge")
@click.argument("code")
@change_options
@click.pass_context
@needs_ground
def nudge_partner(ground: Ground, ctx: click.Context, code: str, dry_run: bool, yes: bool) -> None:
    """Make this partner's waiting questions due now, and ring the workers.

    An open breaker stays: `onecert partner reset CODE` closes it.
    """
    find_named(ground, code)
    if not confirm(ctx, f"ask {code} everything that waits for it", yes, dry_run):
        return
    waiting = (question.c.partner == code) & (question.c.state == QuestionState.DUE)
    with begin(ground.engine) as db:
        number = db.execute(update(question).where(waiting).values(due_at=ground.clock.now())).rowcount
        audit.record(db, ground, "partner.nudge", code, f"{number} questions due now")
    ground.bell.ring("ask", code)
    click.echo(f"nudged {code}: {number} questions are due now")


COMMANDS = [partner_commands]
