"""Faults of the ground: what befalls MariaDB and Redis. Each is over when it returns."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.faults.theatre import Theatre

Fault = Callable[[Theatre], None]


def kill_the_database(stage: Theatre) -> None:
    stage.mariadb.restart()


def forbid_writing(stage: Theatre) -> None:
    stage.mariadb.run("SET GLOBAL read_only = 1")
    time.sleep(1.5)
    stage.mariadb.run("SET GLOBAL read_only = 0")


def kill_connections(stage: Theatre) -> None:
    for _ in range(5):
        stage.mariadb.kill_connections()
        time.sleep(0.2)


def few_connections(stage: Theatre) -> None:
    stage.mariadb.run("SET GLOBAL max_connections = 12")
    stage.mariadb.kill_connections()
    time.sleep(1.5)
    stage.mariadb.run("SET GLOBAL max_connections = 151")


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
    time.sleep(0.7)
    stage.redis.start()


def flush_redis(stage: Theatre) -> None:
    for _ in range(20):
        stage.redis.client().flushall()
        time.sleep(0.05)


def freeze_redis(stage: Theatre) -> None:
    stage.redis.freeze()
    time.sleep(3)
    stage.redis.thaw()


def fill_redis(stage: Theatre) -> None:
    stage.redis.client().config_set("maxmemory", 1)
    time.sleep(1.5)
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
