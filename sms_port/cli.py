"""`onecert message ...`: what became of messages. No number and no text: those are sealed, then erased."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click
from sqlalchemy import ColumnElement, Connection, Row, func, select

from config import audit
from config.commands.terminal import change_options, confirm, json_option, needs_ground, print_table, read_input
from config.db.engine import begin, reading
from config.ground import Ground
from config.phone_numbers import find_phone, mask_phone
from config.times.formats import rfc3339
from sms_port.errors import LinkUnknown, MessageUnknown, NotInDoubt, NumberInvalid
from sms_port.ledger.inbound import opt_outs, remove_opt_out
from sms_port.ledger.messages import resend
from sms_port.ledger.totals import FRESH_MS
from sms_port.links.aliyun.callback_urls import CALLBACK_KINDS, callback_path
from sms_port.message_reference import build_reference
from sms_port.models import AttemptResult, Lane, ReceiptStatus, State, attempt, link_health, message, part, receipt
from sms_port.player import play_text

MESSAGE_COLUMNS = ("id", "lane", "state", "attempts", "link", "created_at", "expires_at", "held")
TIMES = ("created_at", "expires_at", "started_at", "ended_at", "done_at", "received_at")
WORDS = {"lane": Lane, "state": State, "result": AttemptResult, "status": ReceiptStatus}


@click.group("message")
def message_group() -> None:
    """Messages, their attempts and receipts."""


@message_group.command("list")
@click.option("--state", type=click.Choice([state.name.lower() for state in State]), help="Only those in this state.")
@click.option(
    "--limit",
    default=50,
    show_default=True,
    type=click.IntRange(1, 10_000),
    help="Show at most this many, newest first.",
)
@json_option
@needs_ground
def list_messages(ground: Ground, state: str | None, limit: int, as_json: bool) -> None:
    """List the newest messages; `held`: number and text are still kept, sealed."""
    wanted = select(*_message_columns()).order_by(message.c.id.desc()).limit(limit)
    if state:
        wanted = wanted.where(message.c.state == State[state.upper()])
    with reading(ground.engine) as db:
        rows = [_readable(row) for row in db.execute(wanted).mappings()]
    print_table(rows, MESSAGE_COLUMNS, as_json)


@message_group.command("show")
@click.argument("message_id", metavar="ID")
@json_option
@needs_ground
def show_message(ground: Ground, message_id: str, as_json: bool) -> None:
    """Show one message with every attempt to send it and every receipt."""
    with reading(ground.engine) as db:
        found, attempts, receipts = _story(db, message_id)
    if as_json:
        print_table([{**found, "tries": attempts, "receipts": receipts}], (), True)
        return
    print_table([found], MESSAGE_COLUMNS, False)
    print_table(attempts, ("number", "sending", "link", "parts", "started_at", "ended_at", "result", "code"), False)
    print_table(receipts, ("reference", "part", "status", "code", "done_at", "received_at"), False)


@message_group.command("play")
@click.argument("phone", metavar="PHONE")
@click.argument("text", metavar="TEXT")
@click.option("--url", metavar="URL", help="The instance to play to; otherwise the one of ONECERT_PUBLIC_URL.")
@needs_ground
def play_message(ground: Ground, phone: str, text: str, url: str | None) -> None:
    """Play a citizen who texts the port number of a running instance; what it answers goes out by SMS."""
    number = find_phone(phone)
    if number is None:
        raise NumberInvalid("a mobile number has 11 digits and begins with 13 to 19")
    play_text(ground, url or ground.settings.public_url, number, text)
    click.echo(f"taken; the answer goes to {mask_phone(number)} by SMS", err=True)


@message_group.command("links")
@json_option
@needs_ground
def list_links(ground: Ground, as_json: bool) -> None:
    """List the links, the preferred one first: state, rate limit, and number of messages in doubt."""
    doubtful = select(message.c.link, func.count()).where(message.c.state == State.UNKNOWN).group_by(message.c.link)
    with reading(ground.engine) as db:
        unknown = {row[0]: row[1] for row in db.execute(doubtful)}
        health = {row.link: row for row in db.execute(select(link_health))}
    now = ground.clock.now()
    rows = [
        {
            "code": link.code,
            "driver": link.driver,
            "enabled": link.enabled,
            "lanes": ", ".join(link.lanes),
            "port_number": link.port_number,
            "signature": link.signature_mode,
            "unknown": unknown.get(link.code, 0),
            **_health(health.get(link.code), now),
        }
        for link in sorted(ground.catalogues.current().links, key=lambda link: link.preference)
    ]
    columns = ("code", "driver", "enabled", "status", "rate", "lanes", "port_number", "signature", "unknown", "process")
    print_table(rows, columns, as_json)


@message_group.command("callbacks")
@click.argument("link")
@json_option
@needs_ground
def show_callbacks(ground: Ground, link: str, as_json: bool) -> None:
    """Show the callback URLs to enter at the vendor of an aliyun LINK. They are secret: whoever has one can call it."""
    entry = ground.catalogues.current().link(link)
    if entry is None or entry.driver != "aliyun":
        raise LinkUnknown("no aliyun link has this code")
    secret, at = ground.secrets.get(f"{link}.key"), ground.settings.public_url
    rows = [{"for": kind, "address": at + callback_path(link, secret, kind)} for kind in CALLBACK_KINDS]
    print_table(rows, ("for", "address"), as_json)


@message_group.command("resend")
@click.argument("message_id", metavar="ID")
@change_options
@click.pass_context
@needs_ground
def resend_message(ground: Ground, ctx: click.Context, message_id: str, dry_run: bool, yes: bool) -> None:
    """Send a reply in doubt once more now, flagged, without waiting for its receipt. Codes are never resent."""
    number = _parse_id(message_id)
    with reading(ground.engine) as db:
        if db.execute(select(message.c.id).where(message.c.id == number)).first() is None:
            raise MessageUnknown("there is no such message")
    if not confirm(ctx, f"resend {message_id}, flagged", yes, dry_run):
        return
    with begin(ground.engine) as db:
        if not resend(db, ground, number):
            raise NotInDoubt("only a reply in doubt, not yet resent and not too late can be; `message show` tells")
        audit.record(db, ground, "message.resend", message_id)
    ground.bell.notify_gateway()
    click.echo(f"{message_id} is sent once more")


@message_group.group("optout")
def optout_group() -> None:
    """Numbers that opted out of verification codes."""


@optout_group.command("list")
@json_option
@needs_ground
def list_opt_outs(ground: Ground, as_json: bool) -> None:
    """List the masked numbers, the newest first."""
    rows = [{**row, "at": rfc3339(row["at"])} for row in opt_outs(ground)]
    print_table(rows, ("phone", "link", "at"), as_json)


@optout_group.command("remove")
@change_options
@click.pass_context
@needs_ground
def remove_number(ground: Ground, ctx: click.Context, dry_run: bool, yes: bool) -> None:
    """Let codes through again to the number that is read from standard input, in any spelling."""
    phone = find_phone(read_input("number"))
    if phone is None:
        raise NumberInvalid("standard input must have one mobile number, of 11 digits")
    masked = mask_phone(phone)
    if not confirm(ctx, f"let codes through to {masked} again", yes, dry_run):
        return
    with begin(ground.engine) as db:
        if not remove_opt_out(db, ground, phone):
            raise MessageUnknown("this number has not opted out")
        audit.record(db, ground, "optout.remove", masked)
    click.echo(f"{masked} gets codes again")


COMMANDS = [message_group]


def _health(row: Row[Any] | None, now: int) -> dict[str, Any]:
    """Return the state of a link as the sending process stored it; nothing when it is older than 30 s."""
    if row is None or now - row.seen_at > FRESH_MS:
        return {"status": None, "rate": None, "process": None}
    return {"status": row.status, "rate": row.rate, "process": row.process}


def _parse_id(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise MessageUnknown("a message's id is 32 hexadecimal digits") from None


def _message_columns() -> list[ColumnElement[Any]]:
    named = ("id", "lane", "state", "attempts", "link", "created_at", "expires_at")
    return [*(message.c[name] for name in named), message.c.sealed.is_not(None).label("held")]


def _story(db: Connection, text: str) -> tuple[dict[str, Any], list[dict[str, Any]], list[dict[str, Any]]]:
    message_id = _parse_id(text)
    found = db.execute(select(*_message_columns()).where(message.c.id == message_id)).mappings().first()
    if found is None:
        raise MessageUnknown("there is no such message")
    tries = (
        db.execute(select(attempt).where(attempt.c.message == message_id).order_by(attempt.c.number)).mappings().all()
    )
    names = [build_reference(message_id, sending) for sending in (1, 2)]
    names += db.scalars(select(part.c.provider_id).where(part.c.message == message_id))
    mine = receipt.c.link.in_({row["link"] for row in tries}) & receipt.c.reference.in_(names)
    words = db.execute(select(receipt).where(mine).order_by(receipt.c.received_at, receipt.c.part)).mappings()
    return _readable(found), [_readable(row) for row in tries], [_readable(row) for row in words]


def _readable(row: Mapping[Any, Any]) -> dict[str, Any]:
    readable = {name: value.hex() if isinstance(value, bytes) else value for name, value in row.items()}
    readable |= {name: rfc3339(row[name]) for name in TIMES if row.get(name) is not None}
    readable |= {name: kind(row[name]).name.lower() for name, kind in WORDS.items() if row.get(name) is not None}
    return readable
