"""The floor: what the database alone costs. The pipeline's own statements, recorded and played back by bare loops.

Recording runs every step in this process, so the statements, rows and batches are the pipeline's to the letter, down
to the sealed bytes. Playing them back in as many processes as there are workers leaves out HTTP, cryptography,
validation, composing, SQLAlchemy, RQ and Redis: nothing that talks to this database can be faster.
"""

from __future__ import annotations

import multiprocessing
import time
from multiprocessing.synchronize import Barrier
from typing import Any
from unittest.mock import patch

import pymysql
from sqlalchemy import insert, make_url, select

from config.db import begin, reading
from config.ground import Ground
from query.ask import ask
from query.gather import gather
from query.inquiry import State
from query.models import inquiry, question, wave
from query.pipeline import record_outcome
from sms_port.gateway import send_due
from sms_port.models import attempt, message
from tests.bench.arrivals import new_row
from tests.bench.instances import workers_stopped
from tests.instances import Instance

PLAYERS = 2
CONTENTION = (1205, 1213)

Log = list[list[str]]
"""The statements of each transaction."""


def rate(ground: Ground, instance: Instance, first: int, count: int) -> float:
    """Inquiries a second at the floor, of `count` from citizen `first` on."""
    with workers_stopped(instance):
        logs, stored = [], []
        for player in range(PLAYERS):
            # One carrier each, so that no two gather the same.
            rows = [_row(ground, first + 3 * place + player) for place in range(count // PLAYERS)]
            with begin(ground.engine) as db:
                db.execute(insert(inquiry), rows)
            logs.append(_record(ground, rows[0]["waiting_for"]))
            stored += rows
        _put_back(ground, stored)
        seconds = _play(ground, logs)
        _check(ground, stored)
        return len(stored) / seconds


def _row(ground: Ground, number: int) -> dict[str, Any]:
    return {**new_row(ground, number), "state": State.CHECKING}


def _record(ground: Ground, carrier: str) -> Log:
    """Take everything that waits for a carrier to its end, and return each statement that this took."""
    log: Log = [[]]
    plain_query, plain_commit = pymysql.connections.Connection.query, pymysql.connections.Connection.commit

    def query(connection: Any, sql: Any, *args: Any) -> Any:
        log[-1].append(sql)
        return plain_query(connection, sql, *args)

    def commit(connection: Any) -> None:
        log.append([])
        plain_commit(connection)

    with (
        patch.object(pymysql.connections.Connection, "query", query),
        patch.object(pymysql.connections.Connection, "commit", commit),
    ):
        gather(ground, carrier)
        while _somebody_asks(ground):
            for enterprise in ground.catalogues.current().enterprises():
                ask(ground, enterprise.code)
        send_due(ground, lambda db, outcomes: record_outcome(db, ground, outcomes))
    return [statements for statements in log if statements]


def _somebody_asks(ground: Ground) -> bool:
    with reading(ground.engine) as db:
        return db.execute(select(inquiry.c.id).where(inquiry.c.state == State.ASKING).limit(1)).first() is not None


def _put_back(ground: Ground, rows: list[dict[str, Any]]) -> None:
    ids = [row["id"] for row in rows]
    with begin(ground.engine) as db:
        waves = set(db.execute(select(inquiry.c.wave).where(inquiry.c.id.in_(ids))).scalars())
        for column, values in (
            (question.c.wave, waves),
            (wave.c.id, waves),
            (attempt.c.message, ids),
            (message.c.id, ids),
            (inquiry.c.id, ids),
        ):
            db.execute(column.table.delete().where(column.in_(values)))
        db.execute(insert(inquiry), rows)


def _play(ground: Ground, logs: list[Log]) -> float:
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(len(logs) + 1)
    url = ground.settings.database_url
    players = [context.Process(target=play, args=(url, log, ready), daemon=True) for log in logs]
    for player in players:
        player.start()
    ready.wait(60)
    begun = time.monotonic()
    for player in players:
        player.join(120)
    assert all(player.exitcode == 0 for player in players), "a player of the floor failed"
    return time.monotonic() - begun


def play(url: str, log: Log, ready: Barrier) -> None:
    """One process of the floor."""
    at = make_url(url)
    connection = pymysql.connect(
        host=at.host, port=at.port or 3306, user=at.username, password=at.password or "", db=at.database
    )
    connection.query("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
    ready.wait(60)
    for statements in log:
        while True:
            try:
                for statement in statements:
                    connection.query(statement)
                connection.commit()
                break
            except pymysql.err.OperationalError as error:
                connection.rollback()
                if error.args[0] not in CONTENTION:
                    raise
    connection.close()


def _check(ground: Ground, rows: list[dict[str, Any]]) -> None:
    mine = inquiry.c.id.in_([row["id"] for row in rows])
    with reading(ground.engine) as db:
        states = set(db.execute(select(inquiry.c.state).where(mine)).scalars())
    assert states == {State.CLOSED}, "played back, the statements did not end every inquiry"
