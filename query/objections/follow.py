"""The step that takes objections on: each in a transaction of its own, so that one that fails does not stop the others.

Whoever records news marks the objection (`look`), commits, and only then comes here; times of their own (`look_at`) are
found by the sweep.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final, TypeAlias

from sqlalchemy import Connection, Row, or_, select, update

from config.db.engine import id_in, reading, transact
from config.errors import DatabaseUnavailable, KeysUnavailable, SealBroken
from config.failpoints import failpoint
from config.ground import Ground
from config.telemetry.log import get_logger
from query.inquiry import HOUR
from query.objections.checking import follow_check, start_check
from query.objections.models import objection
from query.objections.moves import lock_objection, set_values
from query.objections.rules.objection import OPEN, State
from query.objections.settling import follow_news, settle
from query.objections.telling import open_phone
from sms_port.ledger.messages import Lane

AT_ONCE: Final = 200
AGAIN: Final = HOUR // 6
"""How long one that failed waits."""

Step: TypeAlias = Callable[[Connection, Ground, Row[Any], int], list[str]]
"""(db, ground, the locked objection, now) -> partners to ring for."""

STEPS: Final[Mapping[State, Step]] = {
    State.RECEIVED: start_check,
    State.CHECKING: follow_check,
    State.RELAYED: settle,
    State.SETTLED: follow_news,
    State.CLOSED: follow_news,
}

_log = get_logger(__name__)


def follow(ground: Ground) -> int:
    """Take every marked objection as far as it goes; returns how many were looked at."""
    found = marked(ground)
    partners: set[str] = set()
    for number in found:
        partners |= set(_follow_one(ground, number))
    if found:
        ground.bell.notify_gateway(Lane.REPLY.bell)
        ground.bell.ring_all([("relay", partner) for partner in sorted(partners)])
    failpoint("objection.after_ring")
    return len(found)


def marked(ground: Ground) -> list[bytes]:
    """Objections that have news, or whose time has come."""
    now = ground.clock.now()
    with reading(ground.engine) as db:
        due = select(objection.c.id).where(or_(objection.c.look == 1, objection.c.look_at <= now))
        return list(db.execute(due.order_by(objection.c.id).limit(AT_ONCE)).scalars())


def _follow_one(ground: Ground, number: bytes) -> list[str]:
    try:
        partners = transact(ground.engine, partial(_step, ground=ground, number=number))
    except (DatabaseUnavailable, KeysUnavailable):
        raise
    except SealBroken:
        _log.error("objection_unreadable", objection=number.hex())
        transact(ground.engine, lambda db: set_values(db, number, look=0, look_at=None))
        return []
    except Exception as error:
        _log.error("objection_failed", objection=number.hex(), error=type(error).__name__)
        transact(ground.engine, partial(_put_off, number=number, now=ground.clock.now()))
        return []
    failpoint("objection.after_step")
    return partners


def _put_off(db: Connection, number: bytes, now: int) -> None:
    """Have one that fails wait, so that it is not before all others at each pass; a time that it has is kept."""
    row = lock_objection(db, number, wait=True)
    if row is not None and State(row.state) in OPEN:
        set_values(db, number, look=0, look_at=now + AGAIN)
    elif row is not None:
        set_values(db, number, look=0)


def _step(db: Connection, ground: Ground, number: bytes) -> list[str]:
    row, now = lock_objection(db, number), ground.clock.now()
    if row is None or not (row.look or (row.look_at is not None and row.look_at <= now)):
        return []
    return STEPS[State(row.state)](db, ground, row, now)


KINDS: Final = ("identity", "tenure", "unbind", "dispute")


class Objections:
    """Lends number, ID tail and month to requests that are still wanted."""

    def facts(self, db: Connection, ground: Ground, rows: Sequence[Row[Any]]) -> Mapping[bytes, Mapping[str, str]]:
        """The fields of each request by its id; nothing for one whose objection no longer waits for it."""
        mine = select(objection).where(id_in(objection.c.id, {row.owner for row in rows}))
        owners = {row.id: row for row in db.execute(mine)}
        told: dict[bytes, Mapping[str, str]] = {}
        for row in rows:
            owner = owners.get(row.owner)
            if owner is None or owner.phone is None:
                continue
            try:
                fields = _fields(ground, row.kind, owner)
            except SealBroken:
                _log.error("objection_unreadable", objection=row.owner.hex())
                continue
            if fields is not None:
                told[row.id] = fields
        return told

    def mark(self, db: Connection, owners: Sequence[bytes]) -> None:
        """Note that these objections have news."""
        db.execute(update(objection).where(id_in(objection.c.id, owners)).values(look=1))

    def follow(self, ground: Ground) -> None:
        """Act on the news."""
        follow(ground)


def _fields(ground: Ground, kind: str, owner: Row[Any]) -> dict[str, str] | None:
    phone = open_phone(ground, owner)
    if kind == "identity":
        if owner.identity is None or owner.state != State.CHECKING:
            return None
        identity = ground.keys.open(owner.identity, table="objection", column="identity", row=owner.id)
        return {"phone": phone, "id_tail": str(json.loads(identity)["id_tail"])}
    if kind == "tenure":
        return {"phone": phone, "since": owner.since} if owner.state == State.CHECKING else None
    if kind == "unbind":
        held = ground.keys.open(owner.held, table="objection", column="held", row=owner.id).decode()
        return {"phone": phone, "held": held}
    return {"phone": phone}
