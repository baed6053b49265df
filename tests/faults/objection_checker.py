"""Proves, after any run, what must always hold for objections (docs/objections.md), from the database and from outside.

It returns findings, a sentence each, and knows nothing of how the run went, only what the citizens were promised.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select

from config.db.engine import reading
from config.ground import Ground
from enterprises.sandbox.partners import verdict_of
from query.objections.models import objection
from query.objections.rules.objection import State
from query.requests.models import request
from sms_port.models import message
from tests.faults.external_services import Outside, Requested, Sent
from tests.faults.instance import Citizen

PURPOSES = ("accepted", "end-0", "news-0", "end-1", "news-1")
FIELDS = {"id", "phone", "application"}


@dataclass
class Seen:
    """Everything that is looked at."""

    citizens: dict[int, Citizen]
    rows: dict[int, Row[Any]]
    messages: dict[bytes, Row[Any]]
    requests: dict[bytes, list[Row[Any]]]
    sent: dict[str, dict[str, Sent]]
    asked: dict[str, list[Requested]]


def messages_of(ground: Ground, number: bytes) -> dict[str, bytes]:
    """The ids that an objection's SMS have, by purpose."""
    return {purpose: ground.keys.mac("objection-message", number, purpose)[:16] for purpose in PURPOSES}


def of_objections(ground: Ground) -> set[bytes]:
    """The ids of all SMS of all objections, sent or not, and of everything that partners were asked about them."""
    with reading(ground.engine) as db:
        numbers = db.execute(select(objection.c.id)).scalars().all()
        asked = set(db.execute(select(request.c.id)).scalars())
    return asked | {one for number in numbers for one in messages_of(ground, number).values()}


def check_objections(ground: Ground, outside: Outside, citizens: Sequence[Citizen]) -> list[str]:
    """Every promise that was broken; all of them must be over by now."""
    seen = _look(ground, outside, citizens)
    return [
        *_existence(seen),
        *(finding for row in seen.rows.values() for finding in _one(ground, seen, row)),
    ]


def _look(ground: Ground, outside: Outside, citizens: Sequence[Citizen]) -> Seen:
    with reading(ground.engine) as db:
        rows, sms = db.execute(select(objection)).all(), db.execute(select(message)).all()
        asked = db.execute(select(request)).all()
    requests, sent = defaultdict[bytes, list[Row[Any]]](list), defaultdict[str, dict[str, Sent]](dict)
    requested = defaultdict[str, list[Requested]](list)
    for one in asked:
        requests[one.owner].append(one)
    for item in outside.sent:
        if item.status == "accepted":
            sent[item.reference.partition("-")[0]][item.reference] = item
    for each in outside.requested:
        requested[each.item["id"]].append(each)
    return Seen(
        citizens={int(told["reference"]): citizen for citizen in citizens for told in citizen.promised},
        rows={row.reference: row for row in rows},
        messages={row.id: row for row in sms},
        requests=requests,
        sent=sent,
        asked=requested,
    )


def _existence(seen: Seen) -> Iterator[str]:
    """Each 202 is one objection, and each objection was promised to somebody, who has no other one."""
    yield from (f"lost: {reference} is not there" for reference in seen.citizens.keys() - seen.rows.keys())
    yield from (f"phantom: objection {reference}" for reference in seen.rows.keys() - seen.citizens.keys())
    often = Counter(citizen.phone for citizen in seen.citizens.values())
    yield from (f"doubled: {phone} has {count} objections" for phone, count in often.items() if count > 1)


def _one(ground: Ground, seen: Seen, row: Row[Any]) -> Iterator[str]:
    name, citizen = f"objection {row.reference}", seen.citizens.get(row.reference)
    if row.state != State.CLOSED:
        yield f"lost: {name} stands in state {row.state}"
    if row.phone is not None or row.identity is not None:
        yield f"not erased: {name}"
    asked = seen.requests[row.id]
    if any(one.finding is not None for one in asked if one.application):
        yield f"not erased: a finding of {name}"
    yield from _told(ground, seen, row, name, citizen)
    yield from _requested(seen, row, name, citizen)


def _told(ground: Ground, seen: Seen, row: Row[Any], name: str, citizen: Citizen | None) -> Iterator[str]:
    """One SMS of acceptance, one settlement a round, one late news at most; a second one only flagged."""
    owed = {"accepted", "end-0"} | ({"end-1"} if row.round else set())
    for purpose, number in messages_of(ground, row.id).items():
        sent, kept = seen.sent[number.hex()], seen.messages.get(number)
        times = len(sent)
        if any(citizen is None or one.phone != citizen.phone for one in sent.values()):
            yield f"wrong number: an SMS of {name} went to another"
        if purpose in owed and not times:
            yield f"lost: {name} was never told ({purpose})"
        if purpose not in owed and times and (purpose == "end-1" or not row.news):
            yield f"phantom: {name} was told ({purpose})"
        if times > 1 and not (times == 2 and kept is not None and kept.sending == 2):
            yield f"doubled: {name} was told {times} times ({purpose})"


def _requested(seen: Seen, row: Row[Any], name: str, citizen: Citizen | None) -> Iterator[str]:
    """No company without a match; each application once a round, with its number and nothing else."""
    mine = [one for one in seen.requests[row.id] if one.application]
    sent = [item for one in mine for item in seen.asked[one.id.hex()]]
    matched = citizen is not None and verdict_of(citizen.phone, citizen.id_tail) == "match"
    if sent and not matched:
        yield f"{name}: companies were asked without a match"
    often = Counter((one.application, one.round) for one in mine)
    yield from (f"doubled: {name} asks {place} {count} times" for place, count in often.items() if count > 1)
    if matched and set(often) != {(code, turn) for code in row.applications.split() for turn in range(row.round + 1)}:
        yield f"lost: {name} asks {sorted(often)} only"
    if matched and any(not seen.asked[one.id.hex()] for one in mine):
        yield f"lost: a request of {name} never came to its company"
    for item in sent:
        if set(item.item) != FIELDS or citizen is None or item.item["phone"] != citizen.phone:
            yield f"{name}: {item.partner} was told something else"
