"""`onecert partner`: list partners, switch one on or off, and test one."""

import time
from typing import Any, Final

import click

from config.audit import current_actor, record
from config.catalogue.edit import set_partner_enabled
from config.catalogue.schema import Partner
from config.commands.terminal import change_options, confirm, json_option, needs_ground, print_table, suggest
from config.db.engine import begin
from config.ground import Ground
from config.times.formats import rfc3339
from enterprises.circuit_breaker import PartnerHealth, all_health, reset
from enterprises.client import ask
from enterprises.conformance.command import conformance
from enterprises.errors import AnswerInvalid, PartnerUnknown
from enterprises.partners import describe_state
from enterprises.protocol import Answer, Counts, Pending, Refused
from enterprises.reserved_number import reserved_item

TEST_ANSWER_WITHIN_MS: Final = 60_000

COLUMNS: Final = ("code", "kind", "name", "enabled", "state", "errors", "applications", "seal", "base_url")


@click.group()
def partner() -> None:
    """Enterprises and carriers."""


@partner.command("list")
@json_option
@needs_ground
def list_partners(ground: Ground, as_json: bool) -> None:
    """List all partners of the catalogue, in the order of the reply, with their state."""
    partners = ground.catalogues.current().partners
    health = all_health(ground, partners)
    print_table([_row(listed, health[listed.code], ground.clock.now()) for listed in partners], COLUMNS, as_json)


def _row(listed: Partner, health: PartnerHealth, now: int) -> dict[str, Any]:
    return {
        "code": listed.code,
        "kind": listed.kind,
        "name": listed.name.zh,
        "enabled": listed.enabled,
        "state": describe_state(listed, health, now),
        "breaker": health.breaker,
        "retry_at": rfc3339(health.open_until) if health.open_until else None,
        "calls": health.calls,
        "errors": health.errors,
        "last_error": health.last_error,
        "applications": ", ".join(application.code for application in listed.applications),
        "batch_size": listed.batch_size,
        "base_url": listed.base_url,
        "key_id": listed.key_id,
        "algorithm": listed.algorithm,
        "seal": listed.seal,
    }


def find_named(ground: Ground, code: str) -> Partner:
    """Return the partner of this code; PartnerUnknown with the code that was probably meant."""
    catalogue = ground.catalogues.current()
    if found := catalogue.partner(code):
        return found
    raise PartnerUnknown(suggest(code, (one.code for one in catalogue.partners), "onecert partner list"))


@partner.command()
@click.argument("code")
@change_options
@click.pass_context
@needs_ground
def enable(ground: Ground, ctx: click.Context, code: str, dry_run: bool, yes: bool) -> None:
    """Ask this partner from the next inquiry on."""
    _switch(ground, ctx, code, True, dry_run=dry_run, yes=yes)


@partner.command()
@click.argument("code")
@change_options
@click.pass_context
@needs_ground
def disable(ground: Ground, ctx: click.Context, code: str, dry_run: bool, yes: bool) -> None:
    """Stop asking this partner; open inquiries will name it as not having answered."""
    _switch(ground, ctx, code, False, dry_run=dry_run, yes=yes)


def _switch(ground: Ground, ctx: click.Context, code: str, enabled: bool, *, dry_run: bool, yes: bool) -> None:
    verb = "enable" if enabled else "disable"
    if find_named(ground, code).enabled == enabled:
        click.echo(f"{code} is {verb}d already")
        return
    if not confirm(ctx, f"{verb} {code}", yes, dry_run):
        return
    with begin(ground.engine) as db:
        # Read in the same transaction: another administrator may have applied a version since the confirmation.
        document = set_partner_enabled(ground.catalogues.document(db=db), code, enabled)
        version = ground.catalogues.apply(db, document, f"{verb} {code}", current_actor(), ground.clock.now())
        record(db, ground, f"partner.{verb}", code, f"catalogue version {version}")
    click.echo(f"{verb}d {code}: catalogue version {version}")


@partner.command()
@click.argument("code")
@json_option
@needs_ground
def check(ground: Ground, code: str, as_json: bool) -> None:
    """Ask one partner about the reserved test number, switched on or not; shows no count."""
    asked = find_named(ground, code)
    item = reserved_item()
    kind = "identity" if asked.kind == "carrier" else "count"
    started = time.monotonic()
    answer_by = ground.clock.now() + TEST_ANSWER_WITHIN_MS
    answer = ask(ground, asked, kind, "internet-accounts", [item], answer_by).by_id[item.id]
    ms = round((time.monotonic() - started) * 1000)
    summary = _describe(answer, asked)
    print_table([{"code": code, "kind": kind, "ms": ms, "answer": summary}], ("code", "kind", "ms", "answer"), as_json)


def _describe(answer: Answer, asked: Partner) -> str:
    """Return the kind of an answer; AnswerInvalid when it is none."""
    if isinstance(answer, Counts):
        silent = [application.code for application in asked.counted if application.code not in answer.counts]
        return "counts" + (f", without {', '.join(silent)}" if silent else "")
    if isinstance(answer, Refused):
        return "refused"
    if not isinstance(answer, Pending):
        return "verdict"
    if answer.reason in ("missing", "invalid"):
        raise AnswerInvalid(f"{asked.code} answered the call, but the answer to its one item is {answer.reason}")
    return "later" if answer.later else "retry"


@partner.command("reset")
@click.argument("code")
@change_options
@click.pass_context
@needs_ground
def reset_partner(ground: Ground, ctx: click.Context, code: str, dry_run: bool, yes: bool) -> None:
    """Close this partner's breaker: it is called again at once, as if it had never failed."""
    found = find_named(ground, code)
    if confirm(ctx, f"forget the failures of {code} and call it again", yes, dry_run):
        reset(ground, found)
        with begin(ground.engine) as db:
            record(db, ground, "partner.reset", code)
        ground.bell.ring("ask", code)
        click.echo(f"reset {code}: its breaker is closed, and workers are rung for it")


partner.add_command(conformance)

COMMANDS = [partner]
