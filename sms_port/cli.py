"""`onecert message ...`: what became of messages. No number and no text: those are sealed, then erased."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click
from sqlalchemy import ColumnElement, Connection, func, select

from config.clock import rfc3339
from config.db import reading
from config.ground import Ground
from config.terminal import json_option, needs_ground, print_table
from sms_port.errors import MessageUnknown
from sms_port.models import Closing, Lane, State, Word, attempt, message, receipt
from sms_port.reference import build_reference

MESSAGE_COLUMNS = ("id", "lane", "state", "attempts", "link", "created_at", "expires_at", "held")
TIMES = ("created_at", "expires_at", "started_at", "ended_at", "done_at", "received_at")
WORDS = {"lane": Lane, "state": State, "closing": Closing, "word": Word}


@click.group("message")
def message_group() -> None:
    """Messages, their attempts and receipts."""


@message_group.command("list")
@click.option("--state", type=click.Choice([state.name.lower() for state in State]), help="Only those in this state.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000), help="The newest so many.")
@json_option
@needs_ground
def list_messages(ground: Ground, state: str | None, limit: int, as_json: bool) -> None:
    """The newest messages; `held`: number and text are still kept, sealed."""
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
    """One message with every attempt to send it and every receipt."""
    with reading(ground.engine) as db:
        found, attempts, receipts = _story(db, message_id)
    if as_json:
        print_table([{**found, "tries": attempts, "receipts": receipts}], (), True)
        return
    print_table([found], MESSAGE_COLUMNS, False)
    print_table(attempts, ("number", "sending", "link", "parts", "started_at", "ended_at", "closing", "code"), False)
    print_table(receipts, ("reference", "part", "word", "code", "done_at", "received_at"), False)


@message_group.command("links")
@json_option
@needs_ground
def list_links(ground: Ground, as_json: bool) -> None:
    """The links, the preferred one first, and how many messages each has in doubt."""
    doubtful = select(message.c.link, func.count()).where(message.c.state == State.UNKNOWN).group_by(message.c.link)
    with reading(ground.engine) as db:
        unknown = {row[0]: row[1] for row in db.execute(doubtful)}
    rows = [
        {
            "code": link.code,
            "driver": link.driver,
            "enabled": link.enabled,
            "lanes": ", ".join(link.lanes),
            "port_number": link.port_number,
            "signature": link.signature_mode,
            "unknown": unknown.get(link.code, 0),
        }
        for link in sorted(ground.catalogues.current().links, key=lambda link: link.preference)
    ]
    print_table(rows, ("code", "driver", "enabled", "lanes", "port_number", "signature", "unknown"), as_json)


COMMANDS = [message_group]


def _message_columns() -> list[ColumnElement[Any]]:
    named = ("id", "lane", "state", "attempts", "link", "created_at", "expires_at")
    return [*(message.c[name] for name in named), message.c.sealed.is_not(None).label("held")]


def _story(db: Connection, text: str) -> tuple[dict[str, Any], list[dict[str, Any]], list[dict[str, Any]]]:
    try:
        message_id = bytes.fromhex(text)
    except ValueError:
        raise MessageUnknown("a message's id is 32 hexadecimal digits") from None
    found = db.execute(select(*_message_columns()).where(message.c.id == message_id)).mappings().first()
    if found is None:
        raise MessageUnknown("there is no such message")
    tries = (
        db.execute(select(attempt).where(attempt.c.message == message_id).order_by(attempt.c.number)).mappings().all()
    )
    mine = receipt.c.link.in_({row["link"] for row in tries}) & receipt.c.reference.in_(
        [build_reference(message_id, sending) for sending in (1, 2)]
    )
    words = db.execute(select(receipt).where(mine).order_by(receipt.c.received_at, receipt.c.part)).mappings()
    return _readable(found), [_readable(row) for row in tries], [_readable(row) for row in words]


def _readable(row: Mapping[Any, Any]) -> dict[str, Any]:
    readable = {name: value.hex() if isinstance(value, bytes) else value for name, value in row.items()}
    readable |= {name: rfc3339(row[name]) for name in TIMES if row.get(name) is not None}
    readable |= {name: kind(row[name]).name.lower() for name, kind in WORDS.items() if row.get(name) is not None}
    return readable
