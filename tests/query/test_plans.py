"""Every query of the hot path uses an index, whatever has piled up: a million finished inquiries must not slow it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, event, select
from sqlalchemy.dialects import mysql

from config.db.engine import begin
from config.ground import Ground
from config.times.clock import FixedClock
from query.models import inquiry, question, wave
from query.progress import progress
from query.settling.closing import record_outcome
from query.upkeep.sweep import sweep
from sms_port.ledger.messages import Lane, Outcome
from sms_port.ledger.messages import sweep as sweep_messages
from sms_port.models import message
from sms_port.sending.gateway import send_due
from tests.bench.history import ROWS, analyze, store_finished
from tests.query.partner_stub import OWNER, Partners, accept, accept_many, one, work

FINISHED = 20_000
HOT = frozenset([*ROWS, "verification_code"])
PLANNED = re.compile(r"\s*(SELECT|UPDATE|DELETE|INSERT\b.*\bSELECT)\b", re.IGNORECASE | re.DOTALL)
LOOKS = frozenset(str(select(table).compile(dialect=mysql.dialect())) for table in (inquiry, question, wave, message))
"""The tests' own looks at everything there is."""

WHOLE_TABLE = frozenset({"ALL", "index"})
"""The words of EXPLAIN for reading every row of a table, or every entry of an index."""


@contextmanager
def recorded(engine: Engine) -> Iterator[dict[str, Any]]:
    """Each statement that the block runs, once, with the parameters it had the first time."""
    found: dict[str, Any] = {}

    def note(_db: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        # The length of an IN list is no difference, nor are the ids in it.
        shape = re.sub(r"x'[0-9a-f]+'", "%s", statement)
        shape = re.sub(r"(%s, ?)+%s", "%s", shape)
        found.setdefault(shape, (statement, parameters[0] if many else parameters))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", note)


def whole_reads(engine: Engine, found: dict[str, Any]) -> list[str]:
    """The statements that read a whole hot table, with EXPLAIN's word for it."""
    faults = []
    with engine.connect() as db:
        for statement, parameters in found.values():
            if not PLANNED.match(statement) or statement in LOOKS:
                continue
            for row in db.exec_driver_sql(f"EXPLAIN {statement}", parameters).mappings():
                if row["table"] in HOT and (row["type"] in WHOLE_TABLE or row["key"] is None):
                    faults.append(f"{row['type']} on {row['table']}: {statement}")
    return faults


def work_through(ground: Ground, clock: FixedClock) -> None:
    accepted = accept_many(ground, 3)
    work(ground)
    progress(ground, accepted[0].reference, OWNER)
    ids = [one(ground, each).id for each in accepted]
    with begin(ground.engine) as db:
        record_outcome(ground, db, [Outcome(number, Lane.REPLY, "accepted", ground.clock.now()) for number in ids])
    send_due(ground, lambda db, outcomes: None)
    sweep_messages(ground, lambda db, outcomes: None)
    accept(ground)  # not worked off: the sweep finds it
    clock.advance(30 * 3_600_000)
    sweep(ground)


@pytest.mark.parametrize("database_url", ["mariadb"], indirect=True)
def test_no_query_of_the_hot_path_reads_a_whole_table(ground: Ground, partners: Partners, clock: FixedClock) -> None:
    store_finished(ground, 1, FINISHED)
    analyze(ground)
    with recorded(ground.engine) as found:
        work_through(ground, clock)
    assert len(found) > 60
    faults = whole_reads(ground.engine, found)
    assert faults == [], "\n".join(faults)


@pytest.mark.parametrize("database_url", ["mariadb"], indirect=True)
@pytest.mark.parametrize("statement", ["SELECT * FROM inquiry WHERE entrance = 'web'", "SELECT id FROM message"])
def test_a_query_without_an_index_is_caught(ground: Ground, partners: Partners, statement: str) -> None:
    store_finished(ground, 1, 1_000)
    analyze(ground)
    assert whole_reads(ground.engine, {statement: (statement, ())}) != []
