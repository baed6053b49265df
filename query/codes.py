"""Verification codes: issued, and checked in the transaction that stores the inquiry.

A code is bound to number, service and session, lives five minutes, takes five tries and one use. Only its keyed MAC
is stored. A new code replaces the old one, so that one is live at a time. How often a code may be asked for is the
doors' business (limits).
"""

import hmac
from dataclasses import dataclass, field
from secrets import randbelow
from typing import Any, Final

from sqlalchemy import Connection, Row, select, update

from config import faults
from config.db import transact, upsert
from config.ground import Ground
from query.errors import CodeExpired, CodeWrong
from query.fields import mask_phone, parse_phone
from query.inquiry import SECOND, new_inquiry_id
from query.models import verification_code
from query.offer import offered_service
from query.reply import compose_code
from sms_port.inbound import is_opted_out
from sms_port.ledger import Lane, Owed, owe

LIFE_S: Final = 300
TRIES: Final = 5


@dataclass(frozen=True, slots=True)
class CodeSent:
    """What the citizen may know: the masked number, and two spans in seconds."""

    phone: str
    expires_in: int
    resend_after: int


@dataclass(frozen=True, slots=True)
class Holder:
    """Whom a code belongs to: every live index of the number (current first), the service, the session's MAC."""

    indexes: tuple[bytes, ...] = field(repr=False)
    service: str
    owner: bytes = field(repr=False)


def request_code(ground: Ground, *, service: str, phone: str, owner: bytes) -> CodeSent:
    """Make a new code for number, service and session, and owe its SMS.

    Raises ServiceUnknown, PhoneInvalid, and what the ground raises when it is down: then nothing is sent.
    """
    catalogue = ground.catalogues.current()
    offered_service(catalogue, service)
    number = parse_phone(phone)
    now = ground.clock.now()
    code = f"{randbelow(10**6):06d}"
    holder = Holder(tuple(ground.keys.phone_indexes(number)), service, owner)
    row = code_row(ground, holder, code, now)
    message = Owed(
        id=new_inquiry_id(now),
        lane=Lane.CODE,
        phone=number,
        text=compose_code(catalogue.texts.sms, service, code),
        expires_at=now + LIFE_S * SECOND,
    )

    def store(db: Connection) -> None:
        renewed = ["mac", "tries", "created_at", "expires_at", "used_at"]
        db.execute(upsert(verification_code, db.dialect.name, [row], update=renewed))
        # An opted-out number gets the usual answer and no message: nobody can tell from outside.
        if not is_opted_out(db, ground, number):
            owe(db, ground, [message])
        faults.point("code.before_commit")

    transact(ground.engine, store)
    faults.point("code.after_commit")
    ground.bell.ring_gateway()
    return CodeSent(mask_phone(number), LIFE_S, catalogue.limits.code_per_phone_gap_s)


def lock_code(db: Connection, holder: Holder) -> Row[Any] | None:
    """The holder's newest code, locked until the transaction ends: submissions of one holder go one by one."""
    mine = (
        select(verification_code)
        .where(
            verification_code.c.phone_index.in_(holder.indexes),
            verification_code.c.service == holder.service,
            verification_code.c.owner == holder.owner,
        )
        .order_by(verification_code.c.created_at.desc())
        .with_for_update()
    )
    return db.execute(mine).first()


def spend(db: Connection, ground: Ground, row: Row[Any] | None, code: str, now: int) -> CodeWrong | CodeExpired | None:
    """Try `code` against a locked row: None when it is right, and then it is used up; else why not.

    Both a use and a wrong try are written; the caller commits them whatever becomes of the inquiry.
    """
    if row is None or row.used_at is not None or now >= row.expires_at or row.tries >= TRIES:
        return CodeExpired("ask for a new code")
    this = update(verification_code).where(
        verification_code.c.phone_index == row.phone_index,
        verification_code.c.service == row.service,
        verification_code.c.owner == row.owner,
    )
    if hmac.compare_digest(row.mac, _mac(ground, row.phone_index, row.service, row.owner, code)):
        db.execute(this.values(used_at=now))
        return None
    db.execute(this.values(tries=row.tries + 1))
    return CodeWrong(TRIES - row.tries - 1)


def code_row(ground: Ground, holder: Holder, code: str, now: int) -> dict[str, Any]:
    """The row of a new code: its MAC, and all its tries."""
    index = holder.indexes[0]
    return {
        "phone_index": index,
        "service": holder.service,
        "owner": holder.owner,
        "mac": _mac(ground, index, holder.service, holder.owner, code),
        "tries": 0,
        "created_at": now,
        "expires_at": now + LIFE_S * SECOND,
        "used_at": None,
    }


def _mac(ground: Ground, index: bytes, service: str, owner: bytes, code: str) -> bytes:
    return ground.keys.mac("verification-code", index, service, owner, code)
