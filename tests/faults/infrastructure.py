"""Faults of the ground: what befalls MariaDB and Redis. Each is over when it ends, even if it fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.faults.theatre import Theatre

Fault = Callable[[Theatre], None]


@contextmanager
def variable(stage: Theatre, name: str, value: int, *, otherwise: int) -> Iterator[None]:
    """A global variable of MariaDB has this value in the block, and the other one after it, whatever happens."""
    stage.mariadb.run(f"SET GLOBAL {name} = {value}")
    try:
        yield
    finally:
        stage.mariadb.run(f"SET GLOBAL {name} = {otherwise}")


def kill_the_database(stage: Theatre) -> None:
    stage.mariadb.restart()


def forbid_writing(stage: Theatre) -> None:
    with variable(stage, "read_only", 1, otherwise=0):
        time.sleep(1.5)


def kill_connections(stage: Theatre) -> None:
    for _ in range(5):
        stage.mariadb.kill_connections()
        time.sleep(0.2)


def few_connections(stage: Theatre) -> None:
    with variable(stage, "max_connections", 12, otherwise=151):
        stage.mariadb.kill_connections()
        time.sleep(1.5)


def hold_locks(stage: Theatre) -> None:
    """Longer than a statement waits for a lock."""
    with stage.mariadb.root("onecert") as root:
        with root.cursor() as cursor:
            cursor.execute("SELECT id FROM wave FOR UPDATE")
            cursor.execute("SELECT id FROM inquiry FOR UPDATE")
            cursor.execute("SELECT id FROM message FOR UPDATE")
            time.sleep(5.5)
        root.rollback()


def kill_redis(stage: Theatre) -> None:
    stage.redis.kill()
    try:
        time.sleep(0.7)
    finally:
        stage.redis.start()


def flush_redis(stage: Theatre) -> None:
    for _ in range(20):
        stage.redis.client().flushall()
        time.sleep(0.05)


def freeze_redis(stage: Theatre) -> None:
    stage.redis.freeze()
    try:
        time.sleep(3)
    finally:
        stage.redis.thaw()


def fill_redis(stage: Theatre) -> None:
    stage.redis.client().config_set("maxmemory", 1)
    try:
        time.sleep(1.5)
    finally:
        stage.redis.client().config_set("maxmemory", 0)


FAULTS: list[Fault] = [
    kill_the_database,
    forbid_writing,
    kill_connections,
    few_connections,
    hold_locks,
    kill_redis,
    flush_redis,
    freeze_redis,
    fill_redis,
]
