"""Inquiries made without citizens: rows as `submit` makes them, stored in bulk, or one commit each at a steady rate."""

from __future__ import annotations

import contextlib
import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy import func, insert, select

from config.db.engine import begin, reading
from config.ground import Ground
from query.inquiry import INTERNET_ACCOUNTS, Outcome, State
from query.intake.submission import parse_submission
from query.intake.submit import make_candidate
from query.models import inquiry
from sms_port.models import State as Sent
from sms_port.models import message
from tests.support.servers import wait_until

PREFIXES = ("138", "130", "133")
"""One of each of three carriers, so that identity waves form at all of them."""

FEEDERS = 4

OPEN = [State.CHECKING, State.ASKING, State.REPLYING]


def new_row(ground: Ground, number: int) -> dict[str, Any]:
    """The row of an accepted inquiry of citizen `number`."""
    fields = {"phone": f"{PREFIXES[number % 3]}{number:08}", "id_tail": "12345X", "code": "123456"}
    owner = number.to_bytes(32, "big")
    submission = parse_submission(INTERNET_ACCOUNTS, fields, entrance="web", owner=owner)
    return make_candidate(ground, submission, ground.clock.now()).row


def store_at_once(ground: Ground, first: int, count: int) -> list[str]:
    """Make `count` inquiries and commit them together; returns the carriers they wait for. Nobody is rung."""
    rows = [{**new_row(ground, number), "state": State.CHECKING} for number in range(first, first + count)]
    with begin(ground.engine) as db:
        db.execute(insert(inquiry), rows)
    return sorted({row["waiting_for"] for row in rows})


def store_steadily(ground: Ground, first: int, per_second: int, seconds: float) -> int:
    """Accept inquiries one by one, each with its own commit and ring, at a steady rate; returns how many.

    By the driver alone, since whoever feeds takes the CPU that the pipeline wants; by several, since each waits for its
    commit to reach the disk.
    """
    begun, numbers = time.monotonic(), itertools.count()

    def feed() -> int:
        stored = 0
        with contextlib.closing(ground.engine.raw_connection()) as connection:
            for number in numbers:
                time.sleep(max(0.0, begun + number / per_second - time.monotonic()))
                if time.monotonic() - begun >= seconds:
                    break
                row = {**new_row(ground, first + number), "state": int(State.CHECKING)}
                connection.cursor().execute(statement, row)
                connection.commit()
                ground.bell.ring("gather")
                stored += 1
        return stored

    statement = str(insert(inquiry).compile(ground.engine, column_keys=[*new_row(ground, first), "state"]))
    with ThreadPoolExecutor(FEEDERS) as feeders:
        return sum(future.result() for future in [feeders.submit(feed) for _ in range(FEEDERS)])


def wait_drained(ground: Ground, seconds: float = 300) -> None:
    """Wait until no inquiry is open."""

    def drained() -> bool:
        time.sleep(0.05)
        with reading(ground.engine) as db:
            return db.execute(select(inquiry.c.id).where(inquiry.c.state.in_(OPEN)).limit(1)).first() is None

    wait_until(drained, seconds)


def lives(ground: Ground, since: int) -> list[tuple[int, int]]:
    """(accepted, handed over) of the inquiries accepted from `since` on, after checking that each ended well."""
    mine = inquiry.c.accepted_at >= since
    with reading(ground.engine) as db:
        rows = db.execute(select(inquiry.c.accepted_at, inquiry.c.closed_at, inquiry.c.outcome).where(mine)).all()
        joined = select(func.count()).select_from(inquiry).join(message, message.c.id == inquiry.c.id)
        sent = db.execute(joined.where(mine, message.c.state == Sent.ACCEPTED)).scalar_one()
    assert {row.outcome for row in rows} == {Outcome.ANSWERED}, "not every inquiry was answered"
    assert sent == len(rows), f"{sent} replies accepted for {len(rows)} inquiries"
    return [(row.accepted_at, row.closed_at) for row in rows]
