"""The SMS of an objection, owed in the transaction of the caller."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Connection, Row

from config.ground import Ground
from query.inquiry import DAY, day_of
from query.objections.rules.objection import not_before
from query.objections.rules.texts import Texts, compose_accepted, compose_reopened, compose_too_new, compose_unmatched
from sms_port.ledger.messages import Lane, Owed, owe

PURPOSES: Final = ("accepted", "reopened", "news-0", "news-1", "end-0", "end-1")
WORTH_SENDING: Final = 3 * DAY
"""How long an SMS of an objection is worth sending."""


def tell(db: Connection, ground: Ground, number: bytes, purpose: str, phone: str, text: str) -> bytes:
    """Owe one SMS; the same purpose of the same objection is one message. Returns the message's id."""
    message = _message_id(ground, number, purpose)
    expires = ground.clock.now() + WORTH_SENDING
    signature, bracket, rest = text.partition("】")
    mark = _texts(ground)["resend-mark"]
    owe(db, ground, [Owed(message, Lane.REPLY, phone, text, expires, f"{signature}{bracket}{mark}{rest}")])
    return message


def message_ids(ground: Ground, row: Row[Any]) -> list[bytes]:
    """Return the ids that messages of an objection may have, whether or not they were owed."""
    known = [_message_id(ground, row.id, purpose) for purpose in PURPOSES]
    return [*known, *([row.message] if row.message else [])]


def _message_id(ground: Ground, number: bytes, purpose: str) -> bytes:
    return ground.keys.mac("objection-message", number, purpose)[:16]


def tell_accepted(db: Connection, ground: Ground, phone: str, row: Mapping[str, Any]) -> None:
    """Owe the SMS of acceptance: alike whatever the carrier will say."""
    text = compose_accepted(
        _texts(ground), day=day_of(row["accepted_at"]), due=day_of(row["due_at"] - 1), reference=row["reference"]
    )
    tell(db, ground, row["id"], "accepted", phone, text)


def tell_reopened(db: Connection, ground: Ground, phone: str, row: Row[Any], due: int) -> None:
    """Owe the SMS that says that the companies have it once more."""
    text = compose_reopened(_texts(ground), day=day_of(row.accepted_at), due=day_of(due - 1), reference=row.reference)
    tell(db, ground, row.id, "reopened", phone, text)


def tell_unmatched(db: Connection, ground: Ground, phone: str, row: Row[Any]) -> bytes:
    """Owe the one SMS for every objection that no carrier confirmed."""
    return tell(db, ground, row.id, "end-0", phone, compose_unmatched(_texts(ground), day=day_of(row.accepted_at)))


def tell_too_new(db: Connection, ground: Ground, phone: str, row: Row[Any]) -> bytes:
    """Owe the SMS about a number that is too new."""
    when = day_of(not_before(row.accepted_at))
    return tell(
        db, ground, row.id, "end-0", phone, compose_too_new(_texts(ground), day=day_of(row.accepted_at), when=when)
    )


def open_phone(ground: Ground, row: Row[Any]) -> str:
    """The number of a locked objection. Raises SealBroken."""
    return ground.keys.open(row.phone or b"", table="objection", column="phone", row=row.id).decode()


def seal_phone(ground: Ground, number: bytes, phone: str) -> bytes:
    """A number as an objection's row keeps it."""
    return ground.keys.seal(phone.encode(), table="objection", column="phone", row=number)


def _texts(ground: Ground) -> Texts:
    return ground.catalogues.current().texts.sms
