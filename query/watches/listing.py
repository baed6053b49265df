"""The operators' view of watches: times and companies. Never a number, not even masked."""

from typing import Any

from sqlalchemy import func, select

from config.db.engine import reading
from config.ground import Ground
from query.requests.models import request
from query.watches.models import watch
from query.watches.watch import State, day_that_ends


def list_watches(ground: Ground, limit: int) -> list[dict[str, Any]]:
    """The newest watches; `companies`: how many were asked to tell of new accounts."""
    asked = select(request.c.owner, func.count(func.distinct(request.c.partner)).label("companies"))
    asked_of = asked.where(request.c.kind == "watch").group_by(request.c.owner).subquery()
    newest = select(watch, asked_of.c.companies).outerjoin(asked_of, asked_of.c.owner == watch.c.id)
    with reading(ground.engine) as db:
        rows = db.execute(newest.order_by(watch.c.id.desc()).limit(limit)).all()
    return [
        {
            "state": State(row.state).name.lower(),
            "started_at": row.started_at,
            "until": day_that_ends(row.until_at).isoformat(),
            "companies": row.companies or 0,
            "last_alert_at": row.alerted_at,
        }
        for row in rows
    ]
