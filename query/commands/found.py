"""Shared by the commands about inquiries and objections: the number that is looked for, and the messages of one."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, select

from config import audit
from config.commands.terminal import read_input
from config.db.engine import begin
from config.db.engine import id_in as among
from config.ground import Ground
from config.phone_numbers import mask_phone
from config.times.formats import rfc3339
from query.intake.fields import parse_phone
from sms_port.models import Lane, State, message

MESSAGE_COLUMNS: Final = ("message", "lane", "state", "attempts", "link", "created_at")


def read_indexes(ground: Ground, action: str) -> list[bytes]:
    """Return the blind indexes of the number on standard input; the look-up is audited, with the number masked."""
    phone = parse_phone(read_input("Number"))
    with begin(ground.engine) as db:
        audit.record(db, ground, action, mask_phone(phone))
    return ground.keys.phone_indexes(phone, retired=True)


def list_messages(db: Connection, ids: Sequence[bytes]) -> list[dict[str, Any]]:
    """Return the messages with these ids that are there, as rows of MESSAGE_COLUMNS, the oldest first."""
    found = db.execute(select(message).where(among(message.c.id, ids)).order_by(message.c.created_at)).all()
    return [
        {
            "message": row.id.hex(),
            "lane": Lane(row.lane).name.lower(),
            "state": State(row.state).name.lower(),
            "attempts": row.attempts,
            "link": row.link,
            "created_at": rfc3339(row.created_at),
        }
        for row in found
    ]
