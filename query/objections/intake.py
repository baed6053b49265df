"""Accepting an objection: parsed and sealed first, then decided in one transaction that also uses up the code.

202 means committed. The same submission, sent again, gets the same reference. Refusals that tell of the number (one is
open, it is too new, too many) come only after a right code.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection, select
from sqlalchemy.exc import IntegrityError

from config.catalogue.schema import Catalogue
from config.db.engine import is_duplicate, transact, upsert
from config.failpoints import failpoint
from config.ground import Ground
from config.phone_numbers import mask_phone
from config.times.formats import shanghai
from query.errors import (
    ApplicationNotTaken,
    ApplicationsMissing,
    ApplicationUnknown,
    CodeWrong,
    IdempotencyConflict,
    NumberTooNew,
    ObjectionOpen,
    ObjectionsUsedUp,
    QueryError,
    TooSoon,
    Unavailable,
)
from query.inquiry import OBJECTION, SECOND, new_inquiry_id, new_reference
from query.intake.codes import PhoneHolder, count_wrong, lock_codes, try_code, use_up
from query.intake.fields import parse_code, parse_id_tail, parse_phone
from query.objections.models import objection, objection_quota
from query.objections.moves import admit
from query.objections.rules.objection import (
    CONSENT_VERSION,
    KEPT,
    MOST_A_YEAR,
    OPEN,
    SAME_APPLICATION,
    Wish,
    WishWord,
    day_of_due,
    due_at,
    due_day,
)
from query.objections.rules.settings import calendar_of, days_for, listed_applications, takes
from query.objections.telling import tell_accepted
from sms_port.ledger.messages import Lane

ATTEMPTS: Final = 5


@dataclass(frozen=True, slots=True)
class ObjectionForm:
    """The form as a door received it. `owner` is the MAC of the session; the doors have seen to consent."""

    wish: str
    applications: Sequence[str]
    entrance: str
    owner: bytes = field(repr=False)
    phone: str = field(repr=False)
    id_tail: str = field(repr=False)
    code: str = field(repr=False)
    idempotency_key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class AcceptedObjection:
    """The public number, the masked phone, and the last day (YYYY-MM-DD) for the companies' answers."""

    reference: str
    phone: str
    wish: WishWord
    due: str


@dataclass(frozen=True, slots=True)
class _Parsed:
    wish: Wish
    applications: tuple[str, ...]
    holder: PhoneHolder
    phone: str = field(repr=False)
    id_tail: str = field(repr=False)
    code: str = field(repr=False)
    entrance: str
    key: bytes
    fingerprint: bytes


def submit_objection(ground: Ground, form: ObjectionForm) -> AcceptedObjection:
    """Accept an objection; when this returns, it is committed.

    Raises ServiceUnknown, the errors of its fields, CodeExpired, CodeWrong, ObjectionOpen, TooSoon, NumberTooNew,
    ObjectionsUsedUp, IdempotencyConflict, and Unavailable or DatabaseUnavailable: then the same form is safe again.
    """
    catalogue = ground.catalogues.current()
    parsed = parse_objection(ground, catalogue, form)
    for _ in range(ATTEMPTS):
        row = _row(ground, catalogue, parsed)
        try:
            told = transact(ground.engine, partial(_decide, ground=ground, parsed=parsed, row=row))
        except IntegrityError as error:
            # Another objection has the random reference, the key or the number: look again.
            if not is_duplicate(error):
                raise
            continue
        if isinstance(told, QueryError):
            raise told
        failpoint("objection.after_commit")
        ground.bell.notify_gateway(Lane.REPLY.bell)
        ground.bell.ring("follow")
        return told
    raise Unavailable("no free reference was found")


def parse_objection(ground: Ground, catalogue: Catalogue, form: ObjectionForm) -> _Parsed:
    """Parse what was typed. Raises ServiceUnknown and the errors of its fields."""
    wish = Wish[form.wish.upper()]
    days_for(catalogue, wish)
    applications = parse_applications(catalogue, wish, form.applications)
    phone, id_tail, code = parse_phone(form.phone), parse_id_tail(form.id_tail), parse_code(form.code)
    typed = (wish.word, " ".join(applications), phone, id_tail, code)
    key = ("key", form.idempotency_key) if form.idempotency_key else ("typed", *typed)
    return _Parsed(
        wish=wish,
        applications=applications,
        holder=PhoneHolder(tuple(ground.keys.phone_indexes(phone)), OBJECTION, form.owner),
        phone=phone,
        id_tail=id_tail,
        code=code,
        entrance=form.entrance,
        key=ground.keys.mac("objection", form.owner, *key),
        fingerprint=ground.keys.mac("objection-body", form.owner, *typed),
    )


def parse_applications(catalogue: Catalogue, wish: Wish, ticked: Sequence[str]) -> tuple[str, ...]:
    """The ticked codes in the catalogue's order.

    Raises ApplicationsMissing, ApplicationUnknown, and ApplicationNotTaken for one whose company has only its guide.
    """
    listed = {one.code: partner for partner, one in listed_applications(catalogue)}
    if not ticked:
        raise ApplicationsMissing("tick at least one application")
    if any(code not in listed for code in ticked):
        raise ApplicationUnknown("an application is none of the catalogue's")
    for code in ticked:
        if not takes(listed[code], wish.word):
            raise ApplicationNotTaken(code, listed[code].code)
    return tuple(code for code in listed if code in ticked)


def _row(ground: Ground, catalogue: Catalogue, parsed: _Parsed) -> dict[str, Any]:
    """The row that `admit` stores: sealed, with a new id and a reference to try."""
    identity = json.dumps({"id_tail": parsed.id_tail})
    day = due_day(ground.clock.now(), days_for(catalogue, parsed.wish), calendar_of(catalogue))
    return {
        **blank_row(ground, parsed.phone, parsed.wish, parsed.applications, due_at(day), identity),
        "entrance": parsed.entrance,
        "phone_index": parsed.holder.indexes[0],
        "owner": parsed.holder.owner,
        "submission": parsed.key,
        "fingerprint": parsed.fingerprint,
    }


def blank_row(
    ground: Ground, phone: str, wish: Wish, applications: Sequence[str], due: int, identity: str | None
) -> dict[str, Any]:
    """A new objection's row without its entrance and its keys."""
    now = ground.clock.now()
    number = new_inquiry_id(now)

    def seal(column: str, text: str) -> bytes:
        return ground.keys.seal(text.encode(), table="objection", column=column, row=number)

    return {
        "id": number,
        "reference": new_reference(),
        "wish": wish,
        "round": 0,
        "look": 1,
        "phone": seal("phone", phone),
        "masked": seal("masked", mask_phone(phone)),
        "identity": seal("identity", identity) if identity is not None else None,
        "applications": " ".join(applications),
        "consent_version": CONSENT_VERSION,
        "accepted_at": now,
        "due_at": due,
        "label": "",
        "news": 0,
        "erase_at": due + KEPT,
    }


def _decide(db: Connection, ground: Ground, parsed: _Parsed, row: dict[str, Any]) -> AcceptedObjection | QueryError:
    code = lock_codes(db, [parsed.holder], wait=True).get(parsed.holder)
    if (earlier := _earlier(db, parsed)) is not None:
        return earlier
    why = try_code(ground, code, parsed.code, row["accepted_at"])
    if why is not None:
        if isinstance(why, CodeWrong) and code is not None:
            count_wrong(db, [code])
        return why
    use_up(db, [code] if code is not None else [], row["accepted_at"])
    refused = why_not(db, ground, parsed.phone, parsed.applications, row["accepted_at"])
    if refused is not None:
        return refused
    admit_and_tell(db, ground, parsed.phone, row)
    failpoint("objection.before_commit")
    return _accepted(row["reference"], parsed.phone, parsed.wish, row["due_at"])


def admit_and_tell(db: Connection, ground: Ground, phone: str, row: dict[str, Any]) -> None:
    """Store a new objection, count it for its year, and owe the SMS of acceptance, in the caller's transaction."""
    admit(db, row)
    quota, used = _quota(db, ground, phone, row["accepted_at"])
    db.execute(upsert(objection_quota, db.dialect.name, [{**quota, "used": used + 1}], update=["used"]))
    tell_accepted(db, ground, phone, row)


def why_not(db: Connection, ground: Ground, phone: str, applications: Sequence[str], now: int) -> QueryError | None:
    """Why this number may not object to these applications now; None: it may."""
    mine = objection.c.phone_index.in_(ground.keys.phone_indexes(phone, retired=True))
    rows = db.execute(select(objection).where(mine).with_for_update()).all()
    if any(row.state in OPEN for row in rows):
        return ObjectionOpen("an objection of this number is open")
    if ends := [row.not_before for row in rows if (row.not_before or 0) > now]:
        return NumberTooNew(max(ends), now)
    wanted = set(applications)
    told = [row for row in rows if row.kind is not None and wanted & set(row.applications.split())]
    if recent := [row.accepted_at for row in told if row.accepted_at > now - SAME_APPLICATION]:
        return TooSoon(-(-(max(recent) + SAME_APPLICATION - now) // SECOND))
    if _quota(db, ground, phone, now)[1] >= MOST_A_YEAR:
        return ObjectionsUsedUp("the objections of this year are used up")
    return None


def _quota(db: Connection, ground: Ground, phone: str, now: int) -> tuple[dict[str, Any], int]:
    """(the key of this number's row for this year, how many objections it has had)."""
    year = shanghai(now).year
    holder = ground.keys.mac("objection-quota", year, phone)
    mine = select(objection_quota.c.used).where(objection_quota.c.holder == holder).with_for_update()
    return {"holder": holder, "year": year}, db.execute(mine).scalar() or 0


def _earlier(db: Connection, parsed: _Parsed) -> AcceptedObjection | IdempotencyConflict | None:
    """The same submission, accepted before; a conflict when its key came with another one."""
    row = db.execute(select(objection).where(objection.c.submission == parsed.key)).first()
    if row is None:
        return None
    if row.fingerprint != parsed.fingerprint:
        return IdempotencyConflict(row.reference)
    return _accepted(row.reference, parsed.phone, Wish(row.wish), row.due_at)


def _accepted(reference: int, phone: str, wish: Wish, due: int) -> AcceptedObjection:
    return AcceptedObjection(str(reference), mask_phone(phone), wish.word, day_of_due(due).isoformat())
