"""The citizen's answer to a settlement: 已解决 ends it, 未解决 has the companies do it once more, once."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from config.failpoints import failpoint
from config.ground import Ground
from config.phone_numbers import mask_phone
from query.inquiry import day_of
from query.objections.checking import requests_again
from query.objections.models import objection
from query.objections.moves import move, set_values
from query.objections.rules.objection import KEPT, State, Wish, due_at, due_day
from query.objections.rules.settings import calendar_of
from query.objections.rules.texts import compose_reopened
from query.objections.settling import awaiting
from query.objections.telling import seal_phone
from query.requests.store import add_requests

SOLVED: Final = 1
UNSOLVED: Final = 2


def record_answer(db: Connection, ground: Ground, phone: str, answer: int, label: str) -> str:
    """Record SOLVED or UNSOLVED for the objection that it fits; returns the SMS that answers it.

    `label` is the letter that was sent with it, or empty. An answer that fits nothing changes nothing.
    """
    texts, now = ground.catalogues.current().texts.sms, ground.clock.now()
    mine = (objection.c.phone_index.in_(ground.keys.phone_indexes(phone, retired=True)), awaiting(now))
    rows = db.execute(select(objection).where(*mine).order_by(objection.c.id).with_for_update()).all()
    row = _meant(rows, label)
    if row is None:
        return texts["objection-none"]
    if answer == SOLVED:
        set_values(db, row.id, answer=SOLVED)
        return texts["objection-thanks"]
    due = _reopen(db, ground, row, phone, now)
    return compose_reopened(texts, day=day_of(row.accepted_at), due=day_of(due - 1), reference=row.reference)


def _meant(rows: Sequence[Row[Any]], label: str) -> Row[Any] | None:
    """The objection that an answer is about: the one of this letter; without a letter, the only one or the first."""
    if label:
        return next((row for row in rows if row.label == label), None)
    return rows[0] if len(rows) == 1 else next((row for row in rows if not row.label), None)


def _reopen(db: Connection, ground: Ground, row: Row[Any], phone: str, now: int) -> int:
    """Have the companies do it once more; returns the end of the new due day. The number comes with the answer."""
    catalogue = ground.catalogues.current()
    days = catalogue.objections.dispute_days if catalogue.objections is not None else 10
    due = due_at(due_day(now, days, calendar_of(catalogue)))
    masked = ground.keys.seal(mask_phone(phone).encode(), table="objection", column="masked", row=row.id)
    add_requests(db, row.id, requests_again(ground, row), now)
    move(
        db,
        row,
        State.RELAYED,
        kind=Wish.DISPUTE,
        round=1,
        answer=UNSOLVED,
        phone=seal_phone(ground, row.id, phone),
        masked=masked,
        look=1,
        look_at=due,
        due_at=due,
        erase_at=due + KEPT,
        settled_at=None,
        closed_at=None,
        message=None,
    )
    failpoint("objection.before_reopening")
    return due
