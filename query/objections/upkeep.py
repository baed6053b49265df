"""Upkeep of objections: follow the times that have come, erase everything that was kept long enough."""

from typing import Final

from sqlalchemy import Connection, delete, select, update

from config.db.engine import id_in, reading, skip_locked, transact
from config.failpoints import failpoint
from config.ground import Ground
from config.times.formats import shanghai
from query.inquiry import DAY, HOUR
from query.objections.follow import marked
from query.objections.models import objection, objection_ending, objection_quota
from query.objections.rules.objection import CHECK_FOR, OPEN, OWNER_SEES, State
from query.requests.models import request
from query.requests.store import due_partners

AT_ONCE: Final = 500
NET: Final = HOUR // 6
ENDINGS_KEPT: Final = 400 * DAY


def ring_for_requests(ground: Ground) -> None:
    """Ring for requests that are due and objections that are to be followed."""
    catalogue, now = ground.catalogues.current(), ground.clock.now()
    with reading(ground.engine) as db:
        partners = due_partners(db, [one.code for one in catalogue.partners if one.enabled], now)
    ground.bell.ring_all([("relay", code) for code in partners])
    if marked(ground):
        ground.bell.ring("follow")


def erase_objections(ground: Ground) -> None:
    """One bounded pass over everything of objections that is kept too long."""
    now = ground.clock.now()
    for step in (_erase_identities, _erase_seen, _erase_old, _erase_counts):
        transact(ground.engine, lambda db, step=step: step(db, now))  # type: ignore[misc]
        failpoint("objection.after_erasing")


def _erase_identities(db: Connection, now: int) -> None:
    """The net under the checks: ID digits do not outlive their six hours, even where a check cannot be followed."""
    late = (objection.c.state.in_(OPEN), objection.c.accepted_at <= now - CHECK_FOR - NET)
    db.execute(update(objection).where(*late, objection.c.identity.is_not(None)).values(identity=None))


def _erase_seen(db: Connection, now: int) -> None:
    """The masked number and the session's mark go when the owner sees the progress no more."""
    seen = (
        objection.c.state == State.CLOSED,
        objection.c.closed_at <= now - OWNER_SEES,
        objection.c.masked.is_not(None),
    )
    ids = list(db.execute(select(objection.c.id).where(*seen).limit(AT_ONCE)).scalars())
    db.execute(update(objection).where(id_in(objection.c.id, ids)).values(masked=None, owner=None))


def _erase_old(db: Connection, now: int) -> None:
    """30 days after the due day nothing personal is left, and the requests go."""
    due = select(objection.c.id).where(objection.c.erase_at <= now, objection.c.state == State.CLOSED).limit(AT_ONCE)
    ids = list(db.execute(skip_locked(due)).scalars())
    gone = ("open_index", "phone_index", "phone", "masked", "identity", "held", "owner", "submission", "fingerprint")
    db.execute(delete(request).where(id_in(request.c.owner, ids)))
    db.execute(update(objection).where(id_in(objection.c.id, ids)).values(**dict.fromkeys(gone), erase_at=None))


def _erase_counts(db: Connection, now: int) -> None:
    db.execute(delete(objection_quota).where(objection_quota.c.year < shanghai(now).year))
    db.execute(delete(objection_ending).where(objection_ending.c.settled_at <= now - ENDINGS_KEPT))
