"""`onecert stats`: totals of the service. Never a count of accounts, a number, an ID digit or one inquiry."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any, Final

import click

from config.catalogue.schema import Partner
from config.commands.terminal import json_option, needs_ground, print_json, print_table
from config.db.engine import reading
from config.ground import Ground
from config.telemetry.metrics import Counted, counted_below
from enterprises.circuit_breaker import PartnerHealth, all_health
from enterprises.partners import describe_state
from query.commands.stats_forms import draw_bars, write_csv
from query.objections.listing import PartnerFigures, figures_by_partner
from query.upkeep.backlog import backlog
from query.upkeep.stats import Group, Share, Waits, begin_of, groups, shares, waiting_by_partner
from sms_port.ledger.totals import Totals, oldest_owed, totals

PARTNER_COLUMNS: Final = (
    *("partner", "state", "calls", "errors", "last_error"),
    *("answered", "unavailable", "mean_ms", "questions", "items", "oldest_due_s"),
)
FIGURE_COLUMNS: Final[Mapping[str, Sequence[str]]] = {
    "inquiries": [field.name for field in fields(Group)],
    "outcomes": [field.name for field in fields(Share)],
    "waiting": ("inquiries_open", "oldest_due_question_s", "messages_owed", "oldest_owed_message_s"),
    "partners": PARTNER_COLUMNS,
    "messages": [field.name for field in fields(Totals)],
    "objections": [field.name for field in fields(PartnerFigures)],
}


@click.command()
@click.option(
    "--days",
    default=7,
    show_default=True,
    type=click.IntRange(1, 366),
    help="Number of days to cover, including today.",
)
@click.option("--csv", "part", type=click.Choice(list(FIGURE_COLUMNS)), help="Print this part as CSV.")
@click.option("--plot", is_flag=True, help="Draw a bar for each day.")
@json_option
@needs_ground
def stats(ground: Ground, days: int, part: str | None, plot: bool, as_json: bool) -> None:
    """Show inquiries and messages by state, and the health of each partner. Totals only."""
    report = figures(ground, days)
    if as_json:
        print_json(report)
        return
    if part:
        rows = report[part] if isinstance(report[part], list) else [report[part]]
        click.echo(write_csv(rows, FIGURE_COLUMNS[part]), nl=False)
        return
    if plot:
        click.echo("\n".join(draw_bars(report["inquiries"])) or "no inquiry in these days")
        return
    for name, columns in FIGURE_COLUMNS.items():
        click.echo(f"{name}:")
        print_table(report[name] if isinstance(report[name], list) else [report[name]], columns, False)


def figures(ground: Ground, days: int) -> dict[str, Any]:
    """Return every figure, as `--json` prints it; ages in seconds."""
    since = begin_of(ground.clock.now(), days)
    found = groups(ground, since)
    with reading(ground.engine) as db:
        messages = totals(db, since)
    return {
        "inquiries": [asdict(group) for group in found],
        "outcomes": [asdict(share) for share in shares(found)],
        "waiting": _waiting(ground),
        "partners": _partners(ground),
        "messages": [asdict(one) for one in messages],
        "objections": [asdict(one) for one in figures_by_partner(ground, since)],
    }


def _waiting(ground: Ground) -> dict[str, Any]:
    now, waits = ground.clock.now(), backlog(ground)
    with reading(ground.engine) as db:
        oldest = oldest_owed(db)
    return {
        "inquiries_open": waits.inquiries_open,
        "oldest_due_question_s": waits.oldest_due_ms // 1000,
        "messages_owed": waits.messages_owed,
        "oldest_owed_message_s": _age(now, oldest) or 0,
    }


def _partners(ground: Ground) -> list[dict[str, Any]]:
    waiting, counted = waiting_by_partner(ground), counted_below(ground.settings.data)
    partners = ground.catalogues.current().partners
    health, now, none = all_health(ground, partners), ground.clock.now(), Waits(0, 0, None)
    return [_partner(one, health[one.code], waiting.get(one.code, none), counted, now) for one in partners]


def _partner(partner: Partner, health: PartnerHealth, waits: Waits, counted: Counted, now: int) -> dict[str, Any]:
    """Return a partner's figures. Calls and errors are of all hosts; answers and times are of this host's processes."""
    mine = ("partner", partner.code)
    timed = counted.get(("onecert_partner_call_seconds_count", (mine,)), 0)
    seconds = counted.get(("onecert_partner_call_seconds_sum", (mine,)), 0)
    return {
        "partner": partner.code,
        "state": describe_state(partner, health, now),
        "breaker": health.breaker if partner.enabled else "off",
        "calls": health.calls,
        "errors": health.errors,
        "last_error": health.last_error or None,
        "answered": int(counted.get(("onecert_partner_answers_total", (("outcome", "answered"), mine)), 0)),
        "unavailable": int(counted.get(("onecert_partner_answers_total", (("outcome", "unavailable"), mine)), 0)),
        "mean_ms": round(seconds / timed * 1000) if timed else None,
        "questions": waits.questions,
        "items": waits.items,
        "oldest_due_s": _age(now, waits.oldest_due),
    }


def _age(now: int, moment: int | None) -> int | None:
    return max(now - moment, 0) // 1000 if moment is not None else None


COMMANDS = [stats]
