"""Faults of the ground: what befalls MariaDB and Redis. Each is over when it ends, even if it fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psutil
import pymysql

from tests.faults.instance import Theatre
from tests.faults.load import frozen

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
        while not has_locked(root, "wave", "inquiry", "message"):
            root.rollback()
        time.sleep(5.5)
        root.rollback()


def has_locked(root: pymysql.connections.Connection[Any], *tables: str) -> bool:
    """Lock every row of these tables; False when that met the product's own locks, and lost."""
    root.begin()
    with root.cursor() as cursor, suppress(pymysql.OperationalError):
        for table in tables:
            cursor.execute(f"SELECT id FROM {table} FOR UPDATE")  # noqa: S608
        return True
    return False


def cross_locks(stage: Theatre) -> None:
    """Locks in the opposite order, in a transaction that weighs more: of the two, the product's is the victim."""
    for _ in range(5):
        with stage.mariadb.root("onecert") as root, root.cursor() as cursor:
            root.begin()
            cursor.execute("INSERT INTO receipt SELECT 'x', seq, 0, 'x', 0, 1, 0 FROM seq_1_to_500")
            with suppress(pymysql.OperationalError):  # now and then it is the victim after all
                cursor.execute("SELECT id FROM inquiry FOR UPDATE")
                time.sleep(0.3)
                cursor.execute("SELECT id FROM wave FOR UPDATE")
                cursor.execute("SELECT mac FROM verification_code FOR UPDATE")
            root.rollback()


def freeze_players(stage: Theatre) -> None:
    """Workers and gateway sleep past every lease, while the others go on."""
    with frozen(stage, "worker", "gateway"):
        stage.skip(70)
        time.sleep(1)


def fill_the_disk(stage: Theatre) -> None:
    with stage.mariadb.full():
        time.sleep(2)


@contextmanager
def hidden_keys(stage: Theatre) -> Iterator[None]:
    """In the block the key store does not answer, and no process has the keys in its memory."""
    stage.mariadb.run("RENAME TABLE onecert.data_key TO onecert.data_key_away")
    try:
        for player in stage.players("web", "worker", "gateway", "clock"):
            with suppress(psutil.Error):
                player.kill()
        yield
    finally:
        stage.mariadb.run("RENAME TABLE onecert.data_key_away TO onecert.data_key")


def hide_the_keys(stage: Theatre) -> None:
    with hidden_keys(stage):
        time.sleep(1.5)


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
    cross_locks,
    freeze_players,
    fill_the_disk,
    hide_the_keys,
    kill_redis,
    flush_redis,
    freeze_redis,
    fill_redis,
]
