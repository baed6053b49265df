"""Companies that send no events are asked again every month, at night; a change is seen by the MAC of the count.

The count itself is nowhere: from the MAC and the new count only a rise is told, in the transaction that replaces it.
"""

import hmac
import json
from collections.abc import Mapping, Sequence
from secrets import SystemRandom, token_bytes
from typing import Any, Final

from sqlalchemy import Connection, Row, select, update

from config.catalogue.schema import Partner
from config.db.engine import skip_locked, transact
from config.ground import Ground
from enterprises import client
from enterprises.errors import EnterpriseError
from enterprises.protocol import Counts, Item
from query.inquiry import HOUR, INTERNET_ACCOUNTS, SECOND
from query.watches.alerts import add_news, open_phone
from query.watches.models import watch, watch_count
from query.watches.watch import COUNT_EVERY, QUIET_HOURS, State, is_within, next_quiet_hour

LEASE: Final = HOUR
MAC_BYTES: Final = 8

_CHANCE = SystemRandom()


def recount(ground: Ground) -> int:
    """Ask every company without events about the watches that are due; returns how many were counted.

    First counts are taken at any hour, later ones in the quiet hours.
    """
    companies = [one for one in ground.catalogues.current().enterprises() if not one.events]
    return sum(_recount(ground, company) for company in companies)


def _recount(ground: Ground, company: Partner) -> int:
    rows = transact(ground.engine, lambda db: _claim(db, ground, company))
    if not rows:
        return 0
    items = {row.id: Item(token_bytes(16).hex(), phone=open_phone(ground, row)) for row in rows}
    now = ground.clock.now()
    deadline = now + int(company.total_s * SECOND)
    try:
        answers = client.ask(ground, company, "count", INTERNET_ACCOUNTS, list(items.values()), deadline, now).by_id
    except EnterpriseError:
        return 0  # noted and logged by the client; the lease runs out
    counted = {row.id: answers[items[row.id].id] for row in rows}
    found = {number: answer.counts for number, answer in counted.items() if isinstance(answer, Counts)}
    for number, counts in found.items():
        transact(ground.engine, lambda db, n=number, c=counts: _record(db, ground, company.code, n, c))  # type: ignore[misc]
    return len(found)


def _claim(db: Connection, ground: Ground, company: Partner) -> Sequence[Row[Any]]:
    now = ground.clock.now()
    due = (watch_count.c.partner == company.code) & (watch_count.c.due_at <= now)
    if not is_within(QUIET_HOURS, now):
        due = due & watch_count.c.seen.is_(None)
    mine = select(watch).join(watch_count, watch_count.c.watch == watch.c.id)
    rows = db.execute(skip_locked(mine.where(due, watch.c.state == State.ON).limit(company.batch_size))).all()
    ids = [row.id for row in rows]
    leased = (watch_count.c.partner == company.code, watch_count.c.watch.in_(ids))
    db.execute(update(watch_count).where(*leased).values(due_at=now + LEASE))
    return rows


def _record(db: Connection, ground: Ground, partner: str, number: bytes, counts: Mapping[str, int]) -> None:
    row = db.execute(select(watch).where(watch.c.id == number).with_for_update()).first()
    mine = (watch_count.c.watch == number) & (watch_count.c.partner == partner)
    kept = db.execute(select(watch_count).where(mine).with_for_update()).first()
    if row is None or row.state != State.ON or kept is None:
        return
    place = number.hex() + partner
    seen = json.loads(ground.keys.open(kept.seen, table="watch_count", column="seen", row=place)) if kept.seen else {}
    for code, count in counts.items():
        if code in seen and (rise := _rise(ground, number, code, bytes.fromhex(seen[code]), count)):
            add_news(db, ground, row, partner, token_bytes(16), code, rise)
    told = {code: _mac(ground, number, code, count).hex() for code, count in counts.items()}
    sealed = ground.keys.seal(json.dumps({**seen, **told}).encode(), table="watch_count", column="seen", row=place)
    again = next_quiet_hour(ground.clock.now() + COUNT_EVERY, _CHANCE.random())
    db.execute(update(watch_count).where(mine).values(seen=sealed, due_at=again))


def _rise(ground: Ground, number: bytes, code: str, before: bytes, count: int) -> int:
    """By how many accounts the count rose: the old one is found by its MAC among the smaller ones; 0 when it is not."""
    for fewer in range(count):
        if hmac.compare_digest(_mac(ground, number, code, fewer), before):
            return count - fewer
    return 0


def _mac(ground: Ground, number: bytes, code: str, count: int) -> bytes:
    return ground.keys.mac("watch-count", number, code, count)[:MAC_BYTES]
