"""The progress of an objection, for its own session. Never a finding, nor anything that varies with one."""

import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Row, select

from config.db.engine import reading
from config.ground import Ground
from query.errors import NotFound
from query.objections.models import objection
from query.objections.rules.objection import OWNER_SEES, State, Wish, WishWord, day_of_due
from query.progress import ENDING


@dataclass(frozen=True, slots=True)
class ObjectionProgress:
    """The progress: `status` is working or closed; `due` and `closed_on` are days (YYYY-MM-DD)."""

    reference: str
    phone: str
    wish: WishWord
    applications: tuple[str, ...]
    status: Literal["working", "closed"]
    accepted_at: int
    due: str
    closed_at: int | None


def objection_progress(ground: Ground, reference: str, owner: bytes) -> ObjectionProgress:
    """Return the progress of one's own objection, until 48 h after it closed; raise NotFound for everything else."""
    return _progress(ground, reference, lambda row: hmac.compare_digest(row.owner, owner))


def objection_progress_by_ending(ground: Ground, reference: str, ending: str | None) -> ObjectionProgress:
    """Return the progress to whoever has the reference and the number's last four digits (None: checked before)."""
    seen = _progress(ground, reference, lambda row: True)
    if ending is not None and not hmac.compare_digest(seen.phone[-ENDING:], ending):
        raise NotFound("no such objection")
    return seen


def _progress(ground: Ground, reference: str, is_shown: Callable[[Row[Any]], bool]) -> ObjectionProgress:
    if re.fullmatch("[1-9][0-9]{11}", reference) is None:
        raise NotFound("no such objection")
    with reading(ground.engine) as db:
        row = db.execute(select(objection).where(objection.c.reference == int(reference))).first()
    if row is None or not _is_kept(row, ground.clock.now()) or not is_shown(row):
        raise NotFound("no such objection")
    return show_progress(ground, row)


def show_progress(ground: Ground, row: Row[Any]) -> ObjectionProgress:
    """The progress of a row. An objection whose SMS was given up is not shown as closed."""
    closed = State(row.state) is State.CLOSED and row.closed_at is not None
    masked = ground.keys.open(row.masked, table="objection", column="masked", row=row.id).decode()
    return ObjectionProgress(
        reference=str(row.reference),
        phone=masked,
        wish=Wish(row.wish).word,
        applications=tuple(row.applications.split()),
        status="closed" if closed else "working",
        accepted_at=row.accepted_at,
        due=day_of_due(row.due_at).isoformat(),
        closed_at=row.closed_at if closed else None,
    )


def _is_kept(row: Row[Any], now: int) -> bool:
    if row.owner is None or row.masked is None:
        return False
    over = row.closed_at is not None and State(row.state) is State.CLOSED and now >= row.closed_at + OWNER_SEES
    return not over
