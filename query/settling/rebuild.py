"""Rebuild a wave that does not open: altered in the database, restored from elsewhere, or damaged.

An inquiry's number and identity are sealed under its own id, so nothing is lost with the wave: inquiries in CHECKING
wait for their carrier again, and those in ASKING are asked about anew.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, select, update

from config.db.engine import id_in, skip_locked
from config.errors import SealBroken
from config.ground import Ground
from config.telemetry.log import get_logger
from query.inquiry import IDENTITY_FIELDS, INTERNET_ACCOUNTS, State
from query.models import inquiry, wave
from query.services import times_of
from query.settling.after_commit import AfterCommit
from query.settling.carriers import reroute
from query.settling.counts import start_counting
from query.settling.ending import close_unreadable, end_unsuccessfully
from query.waves.wave_ids import wave_ids
from query.waves.waves import Identity, Stage, Wave, add_wave, finish

_OPEN: Final = (State.CHECKING, State.ASKING)

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Member:
    """An open inquiry of a wave, read from its own row."""

    id: bytes
    service: str
    phone: str = field(repr=False)
    identity: Identity | None = field(repr=False)


def rebuild(db: Connection, ground: Ground, wave_id: int, now: int, after: AfterCommit) -> None:
    """End a wave and take its open inquiries further from their own rows; do nothing if another process has it."""
    mine = select(wave.c.id).where(wave.c.id == wave_id, wave.c.stage < Stage.OVER)
    if db.execute(skip_locked(mine)).first() is None:
        return
    found, lost = _members(db, ground, wave_id)
    counts = {"inquiries": sum(map(len, found.values())), "unreadable": sum(map(len, lost.values()))}
    _log.error("wave_rebuilt", wave=wave_id, **counts)
    finish(db, wave_id)
    for state, ids in lost.items():
        close_unreadable(db, ids, state, now)
    for service in IDENTITY_FIELDS:
        _check_again(db, ground, service, [one for one in found[State.CHECKING] if one.service == service], now, after)
        _ask_anew(db, ground, service, [one for one in found[State.ASKING] if one.service == service], now, after)


def _members(
    db: Connection, ground: Ground, wave_id: int
) -> tuple[Mapping[State, list[Member]], Mapping[State, list[bytes]]]:
    """Find the wave's open inquiries by state: those whose row opens, and the ids of those whose row does not."""
    columns = (inquiry.c.id, inquiry.c.state, inquiry.c.service, inquiry.c.phone, inquiry.c.identity)
    mine = select(*columns).where(inquiry.c.state.in_(_OPEN), inquiry.c.wave == wave_id).order_by(inquiry.c.id)
    found: dict[State, list[Member]] = defaultdict(list)
    lost: dict[State, list[bytes]] = defaultdict(list)
    for row in db.execute(mine.with_for_update()):
        try:
            found[State(row.state)].append(_opened(ground, row))
        except SealBroken:
            lost[State(row.state)].append(row.id)
    return found, lost


def _opened(ground: Ground, row: Any) -> Member:
    def opened(column: str, sealed: bytes | None) -> bytes:
        return ground.keys.open(sealed or b"", table="inquiry", column=column, row=row.id)

    identity = json.loads(opened("identity", row.identity)) if row.identity is not None else None
    return Member(row.id, row.service, opened("phone", row.phone).decode(), identity)


def _check_again(
    db: Connection, ground: Ground, service: str, members: Sequence[Member], now: int, after: AfterCommit
) -> None:
    """Have inquiries wait for a carrier again; those without a carrier left end unsuccessfully."""
    phones = {one.id: one.phone for one in members}
    if phones and (ended := reroute(db, ground, phones, None, after)):
        end_unsuccessfully(db, ground, service, ended, now)
        after.messages = True


def _ask_anew(
    db: Connection, ground: Ground, service: str, members: Sequence[Member], now: int, after: AfterCommit
) -> None:
    """Put inquiries whose identity is known to match into a new wave that asks for counts."""
    if not members:
        return
    ids, phones = tuple(one.id for one in members), tuple(one.phone for one in members)
    identities = None if service == INTERNET_ACCOUNTS else tuple(one.identity or {} for one in members)
    fresh = Wave(wave_ids.new(now), service, Stage.COUNT, 0, None, ids, phones, identities, now)
    add_wave(db, ground, start_counting(db, ground, fresh, now, after), times_of(ground.catalogues.current(), service))
    db.execute(update(inquiry).where(id_in(inquiry.c.id, ids), inquiry.c.state == State.ASKING).values(wave=fresh.id))
