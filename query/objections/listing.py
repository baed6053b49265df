"""The operators' view of objections: states, times and partners. Never a finding, a whole number or an ID digit."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, func, select

from config.db.engine import reading
from config.ground import Ground
from query.errors import NotFound
from query.objections.models import objection, objection_ending
from query.objections.rules.objection import OPEN, State, Wish, day_of_due
from query.requests.models import request
from query.requests.store import RequestState

COMPANY_KINDS: Final = ("unbind", "dispute")


@dataclass(frozen=True, slots=True)
class PartnerFigures:
    """Requests of one partner: open, overdue, median of working days until it ended them, and endings by state."""

    partner: str
    open: int
    overdue: int
    median_days: float | None
    endings: str


def list_objections(ground: Ground, *, overdue: bool, partner: str | None, limit: int) -> list[dict[str, Any]]:
    """The newest objections; `overdue`: open to a company past the due day; `partner`: relayed to it."""
    newest = select(objection).order_by(objection.c.id.desc()).limit(limit)
    if overdue or partner is not None:
        newest = newest.where(objection.c.id.in_(_owners(ground, overdue, partner)))
    with reading(ground.engine) as db:
        return [_shown(ground, row) for row in db.execute(newest).all()]


def list_objections_of(ground: Ground, indexes: Sequence[bytes]) -> list[dict[str, Any]]:
    """The objections of a number with these blind indexes, the oldest first."""
    with reading(ground.engine) as db:
        found = select(objection).where(objection.c.phone_index.in_(indexes)).order_by(objection.c.id)
        return [_shown(ground, row) for row in db.execute(found).all()]


def show_objection(ground: Ground, reference: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """(the objection, its requests with their times). Raises NotFound. A final request's state is not told apart."""
    row = find_objection(ground, reference)
    with reading(ground.engine) as db:
        asked = db.execute(select(request).where(request.c.owner == row.id)).all()
    in_order = sorted(asked, key=lambda one: (one.made_at, one.kind in COMPANY_KINDS, one.application or ""))
    return _shown(ground, row), [_request(one) for one in in_order]


def find_objection(ground: Ground, reference: str) -> Row[Any]:
    """The row of a reference. Raises NotFound."""
    number = int(reference) if reference.isascii() and reference.isdigit() and len(reference) <= 18 else 0
    with reading(ground.engine) as db:
        row = db.execute(select(objection).where(objection.c.reference == number)).first()
    if row is None:
        raise NotFound("no objection has this reference")
    return row


def figures_by_partner(ground: Ground, since: int) -> list[PartnerFigures]:
    """Figures of every enterprise: what is open now, and what ended since `since` (epoch ms)."""
    codes = [one.code for one in ground.catalogues.current().partners if one.kind == "enterprise"]
    now = ground.clock.now()
    waiting = select(request.c.partner, objection.c.due_at).join(objection, objection.c.id == request.c.owner)
    waiting = waiting.where(request.c.state < RequestState.DONE, request.c.kind.in_(COMPANY_KINDS))
    ended = select(objection_ending).where(objection_ending.c.settled_at >= since)
    with reading(ground.engine) as db:
        rows, endings = db.execute(waiting).all(), db.execute(ended).all()
    return [_figures(code, rows, endings, now) for code in codes]


def overdue_by_partner(db: Connection, now: int) -> dict[str, int]:
    """Return how many requests each partner has not ended by their due day."""
    late = select(request.c.partner, func.count().label("n")).join(objection, objection.c.id == request.c.owner)
    late = late.where(request.c.state < RequestState.DONE, request.c.kind.in_(COMPANY_KINDS))
    late = late.where(objection.c.state.in_(OPEN), objection.c.due_at <= now)
    return {row.partner: row.n for row in db.execute(late.group_by(request.c.partner))}


def _figures(code: str, rows: Sequence[Row[Any, Any]], endings: Sequence[Row[Any]], now: int) -> PartnerFigures:
    mine = [row.due_at for row in rows if row.partner == code]
    ended = [row for row in endings if row.partner == code]
    counts: dict[str, int] = {}
    for row in ended:
        counts[row.ending] = counts.get(row.ending, 0) + 1
    days = [row.days for row in ended if row.ending != "silent"]
    told = ", ".join(f"{name} {number}" for name, number in sorted(counts.items()))
    return PartnerFigures(code, len(mine), sum(due <= now for due in mine), median(days) if days else None, told)


def _owners(ground: Ground, overdue: bool, partner: str | None) -> Select[Any]:
    mine = select(request.c.owner).join(objection, objection.c.id == request.c.owner)
    mine = mine.where(request.c.kind.in_(COMPANY_KINDS))
    if overdue:
        mine = mine.where(request.c.state < RequestState.DONE, objection.c.due_at <= ground.clock.now())
    return mine.where(request.c.partner == partner) if partner is not None else mine


def _shown(ground: Ground, row: Row[Any]) -> dict[str, Any]:
    masked = ground.keys.open(row.masked, table="objection", column="masked", row=row.id) if row.masked else None
    return {
        "reference": str(row.reference),
        "wish": Wish(row.wish).word,
        "applications": row.applications,
        "entrance": row.entrance,
        "state": State(row.state).name.lower(),
        "reopened": bool(row.round),
        "phone": masked.decode() if masked else None,
        "accepted_at": row.accepted_at,
        "due": day_of_due(row.due_at).isoformat(),
        "closed_at": row.closed_at,
    }


def _request(row: Row[Any]) -> dict[str, Any]:
    words = {RequestState.DUE: "due", RequestState.ACCEPTED: "accepted"}
    told = {"kind": row.kind, "partner": row.partner, "application": row.application, "tries": row.tries}
    return {**told, "state": words.get(row.state, "over"), "due_at": row.due_at}


def count_open_objections(ground: Ground) -> int:
    """Objections that are not settled."""
    with reading(ground.engine) as db:
        return db.execute(select(func.count()).select_from(objection).where(objection.c.state.in_(OPEN))).scalar_one()
