"""The requests' owner: the fields that a watch lends to its requests, and the carriers' words about its holder."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection, Row, select, update

from config.db.engine import id_in, reading, transact
from config.errors import SealBroken
from config.ground import Ground
from config.telemetry.log import get_logger
from query.inquiry import next_carrier
from query.requests.store import NewRequest, RequestState, add_requests, mark_told, open_found, requests_of
from query.watches.alerts import open_phone
from query.watches.models import watch
from query.watches.subscribe import end_watch
from query.watches.watch import HOLDER_EVERY, State, day_that_ends

KINDS: Final = ("watch", "unwatch", "holder")
AT_ONCE: Final = 200

_log = get_logger(__name__)


class Watches:
    """Lends number, last day and month to requests that are still wanted."""

    def facts(self, db: Connection, ground: Ground, rows: Sequence[Row[Any]]) -> Mapping[bytes, Mapping[str, str]]:
        """The fields of each request by its id; nothing for one whose watch no longer waits for it."""
        mine = select(watch).where(id_in(watch.c.id, {row.owner for row in rows}))
        owners = {row.id: row for row in db.execute(mine)}
        told: dict[bytes, Mapping[str, str]] = {}
        for row in rows:
            owner = owners.get(row.owner)
            wanted = State.OVER if row.kind == "unwatch" else State.ON
            if owner is None or owner.phone is None or owner.state != wanted:
                continue
            try:
                told[row.id] = _fields(ground, row.kind, owner)
            except SealBroken:
                _log.error("watch_unreadable", watch=row.owner.hex())
        return told

    def mark(self, db: Connection, owners: Sequence[bytes]) -> None:
        """Note that these watches have news."""
        db.execute(update(watch).where(id_in(watch.c.id, owners)).values(look=1))

    def follow(self, ground: Ground) -> None:
        """Act on the carriers' words."""
        with reading(ground.engine) as db:
            ids = list(db.execute(select(watch.c.id).where(watch.c.look == 1).limit(AT_ONCE)).scalars())
        partners: set[str] = set()
        for number in ids:
            partners |= set(transact(ground.engine, partial(_follow, ground=ground, number=number)))
        ground.bell.ring_all([("relay", code) for code in sorted(partners)])


def _fields(ground: Ground, kind: str, owner: Row[Any]) -> dict[str, str]:
    phone = open_phone(ground, owner)
    if kind == "holder":
        return {"phone": phone, "since": owner.since}
    if kind == "watch":
        return {"phone": phone, "until": day_that_ends(owner.until_at).isoformat()}
    return {"phone": phone}


def _follow(db: Connection, ground: Ground, number: bytes) -> list[str]:
    row = db.execute(select(watch).where(watch.c.id == number).with_for_update()).first()
    if row is None:
        return []
    db.execute(update(watch).where(watch.c.id == number).values(look=0))
    mine = requests_of(db, number, lock=True)
    if row.state == State.OVER:
        if all(one.state >= RequestState.DONE for one in mine):
            db.execute(update(watch).where(watch.c.id == number).values(phone=None))
        return []
    words = [one for one in mine if one.kind == "holder" and one.state == RequestState.DONE]
    return _follow_holder(db, ground, row, words) if words else []


def _follow_holder(db: Connection, ground: Ground, row: Row[Any], words: Sequence[Row[Any]]) -> list[str]:
    """A changed holder ends the watch, and the stranger is told nothing; a ported number's next carrier is asked."""
    found = open_found(ground, words[-1])
    word = found.word if found is not None else "unknown"
    if word == "not_ours":
        order = [one.code for one in ground.catalogues.current().carrier_order(open_phone(ground, row)) if one.tenure]
        carrier = next_carrier(order, [one.partner for one in words])
        if carrier is not None:
            add_requests(db, row.id, [NewRequest("holder", carrier)], ground.clock.now())
            return [carrier]
    mark_told(db, [one.id for one in words])
    if word in ("changed", "inactive"):
        end_watch(db, ground, row, tell_companies=True)
        return []
    db.execute(update(watch).where(watch.c.id == row.id).values(holder_at=ground.clock.now() + HOLDER_EVERY))
    return []
