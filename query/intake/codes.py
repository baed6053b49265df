"""Verification codes: issued, and checked in the transaction that stores the inquiry.

A code is bound to number, service and session, lives five minutes, takes five tries and one use. Only its keyed MAC is
stored. A new code replaces the old one, so one is live at a time. The doors limit how often a code may be requested.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from secrets import randbelow
from typing import Any, Final, TypeAlias

from sqlalchemy import Connection, bindparam, select, update

from config.catalogue.limits import Limits
from config.catalogue.schema import Catalogue
from config.db.engine import skip_locked, transact, upsert
from config.failpoints import failpoint
from config.ground import Ground
from config.phone_numbers import mask_phone
from query.errors import CodeExpired, CodeWrong
from query.inquiry import SECOND, new_inquiry_id
from query.intake.code_budgets import code_queue, has_room, note_sent
from query.intake.fields import parse_phone
from query.models import verification_code
from query.reply import compose_code
from query.services import check_code_service
from sms_port.ledger.inbound import is_opted_out
from sms_port.ledger.messages import Lane, Owed, owe

CODE_LIFE_S: Final = 300
MAX_TRIES: Final = 5

Code: TypeAlias = dict[str, Any]
"""A row of verification_code."""

_OF_NUMBERS: Final = select(verification_code).where(
    verification_code.c.phone_index.in_(bindparam("indexes", expanding=True))
)
_LOCKED: Final = _OF_NUMBERS.with_for_update()
_FREE: Final = skip_locked(_OF_NUMBERS)
# The indexes find the rows; the MACs, which cover the whole key, select among rows of the same numbers.
_THESE: Final = update(verification_code).where(
    verification_code.c.phone_index.in_(bindparam("indexes", expanding=True)),
    verification_code.c.mac.in_(bindparam("macs", expanding=True)),
)
_USE: Final = _THESE.values(used_at=bindparam("now"))
_COUNT_WRONG: Final = _THESE.values(tries=verification_code.c.tries + 1)


@dataclass(frozen=True, slots=True)
class CodeSent:
    """The facts that the citizen may know: the masked number, and two spans in seconds."""

    phone: str
    expires_in: int
    resend_after: int


@dataclass(frozen=True, slots=True)
class PhoneHolder:
    """The owner of a code: every live index of the number (current first), the service, the session's MAC."""

    indexes: tuple[bytes, ...] = field(repr=False)
    service: str
    owner: bytes = field(repr=False)


def request_code(
    ground: Ground,
    *,
    service: str,
    phone: str,
    owner: bytes,
    identified: bool = False,
    within: Limits | None = None,
    send: bool = True,
) -> CodeSent:
    """Make a new code for number, service and session, and owe its SMS.

    `identified`: a platform vouches for who asks, and the code goes before the others'. Without `send`, or when the
    number's budget of the day (`within`) is used up, all is the same but the SMS. Raises ServiceUnknown, PhoneInvalid,
    Unavailable when too many codes wait, and what the ground raises when it is down: then nothing is sent.
    """
    code_queue.admit(ground, identified=identified)
    catalogue = ground.catalogues.current()
    check_code_service(catalogue, service)
    number = parse_phone(phone)
    now = ground.clock.now()
    code = f"{randbelow(10**6):06d}"
    holder = PhoneHolder(tuple(ground.keys.phone_indexes(number)), service, owner)
    row = code_row(ground, holder, code, now)
    message = _code_message(catalogue, service, number, code, now, first=identified)

    def store(db: Connection) -> None:
        renewed = ["mac", "tries", "created_at", "expires_at", "used_at"]
        db.execute(upsert(verification_code, db.dialect.name, [row], update=renewed))
        # Without a message the answer is the usual one: nobody can tell from outside.
        room = within is None or has_room(db, within, holder.indexes, now, identified=identified)
        if send and room and not is_opted_out(db, ground, number):
            note_sent(db, message.id, holder.indexes[0], now, identified=identified)
            owe(db, ground, [message])
        failpoint("code.before_commit")

    transact(ground.engine, store)
    failpoint("code.after_commit")
    ground.bell.notify_gateway(Lane.CODE.bell)
    return CodeSent(mask_phone(number), CODE_LIFE_S, catalogue.limits.code_per_phone_gap_s)


def _code_message(catalogue: Catalogue, service: str, phone: str, code: str, now: int, *, first: bool) -> Owed:
    return Owed(
        id=new_inquiry_id(now),
        lane=Lane.CODE,
        phone=phone,
        text=compose_code(catalogue.texts.sms, service, code),
        expires_at=now + CODE_LIFE_S * SECOND,
        first=first,
    )


def lock_codes(db: Connection, holders: Sequence[PhoneHolder], *, wait: bool) -> dict[PhoneHolder, Code]:
    """Return the newest code of each holder that has one, locked until the transaction ends.

    Submissions of one holder are therefore decided one by one. Without `wait`, codes that another transaction has
    locked are left out.
    """
    wanted = {(index, holder.service, holder.owner): holder for holder in holders for index in holder.indexes}
    rows = db.execute(_LOCKED if wait else _FREE, {"indexes": sorted({index for index, _, _ in wanted})})
    found: dict[PhoneHolder, Code] = {}
    for code in rows.mappings():
        holder = wanted.get((code["phone_index"], code["service"], code["owner"]))
        if holder is not None and (holder not in found or found[holder]["created_at"] < code["created_at"]):
            found[holder] = dict(code)
    return found


def try_code(ground: Ground, code: Code | None, typed: str, now: int) -> CodeWrong | CodeExpired | None:
    """Return the error of a code that does not fit (None: it fits, and must be used up).

    The caller stores a use or a wrong try, and commits it whatever becomes of the inquiry.
    """
    if code is None:
        return CodeExpired("missing")
    right = _is_of(ground, code, typed)
    if code["used_at"] is not None:
        return CodeExpired("used" if right else "old")
    if now >= code["expires_at"] or code["tries"] >= MAX_TRIES:
        return CodeExpired("old" if now >= code["expires_at"] else "tries")
    return None if right else CodeWrong(MAX_TRIES - code["tries"] - 1)


def use_up(db: Connection, codes: Sequence[Code], now: int) -> None:
    """Store that these locked codes have been used."""
    if codes:
        db.execute(_USE, {"now": now, **_named(codes)})


def count_wrong(db: Connection, codes: Sequence[Code]) -> None:
    """Store one more wrong try of each of these locked codes."""
    if codes:
        db.execute(_COUNT_WRONG, _named(codes))


def is_live_code(db: Connection, ground: Ground, phone: str, typed: str) -> bool:
    """Return whether `typed` is a code that this number was sent and that has not expired, used or not."""
    indexes = ground.keys.phone_indexes(phone)
    rows = db.execute(_OF_NUMBERS, {"indexes": indexes}).mappings()
    return any([_is_of(ground, dict(row), typed) and row["expires_at"] > ground.clock.now() for row in rows])


def _named(codes: Sequence[Code]) -> dict[str, list[bytes]]:
    return {"indexes": [code["phone_index"] for code in codes], "macs": [code["mac"] for code in codes]}


def code_row(ground: Ground, holder: PhoneHolder, code: str, now: int) -> Code:
    """Return the row of a new code: its MAC, and all its tries."""
    index = holder.indexes[0]
    return {
        "phone_index": index,
        "service": holder.service,
        "owner": holder.owner,
        "mac": _macs(ground, index, holder.service, holder.owner, code)[0],
        "tries": 0,
        "created_at": now,
        "expires_at": now + CODE_LIFE_S * SECOND,
        "used_at": None,
    }


def _is_of(ground: Ground, code: Code, typed: str) -> bool:
    macs = _macs(ground, code["phone_index"], code["service"], code["owner"], typed)
    return any([hmac.compare_digest(code["mac"], mac) for mac in macs])


def _macs(ground: Ground, index: bytes, service: str, owner: bytes, code: str) -> list[bytes]:
    return ground.keys.code_macs("verification-code", index, service, owner, code)
