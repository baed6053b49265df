"""A lock that a database's clients share: one row, so that it holds on every node of a cluster (GET_LOCK does not)."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Engine,
    MetaData,
    String,
    Table,
    insert,
    literal_column,
    select,
    update,
)
from sqlalchemy.exc import DBAPIError, IntegrityError

from config.db.engine import transact
from config.db.types import Id16, Ms
from config.errors import DatabaseUnavailable

LEASE_S: Final = 30.0
"""A lock whose holder died is free after this time; a living holder renews it every third of it."""
TRY_EVERY_S: Final = 0.2

named_lock = Table(
    "named_lock",
    MetaData(),  # of its own: the lock is needed before any migration has run
    Column("name", String(32), primary_key=True),
    Column("holder", Id16, nullable=False),
    Column("until", Ms, nullable=False),
)
NOW: Final = literal_column("CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)", BigInteger)


@contextmanager
def hold(engine: Engine, name: str, wait_s: float) -> Iterator[None]:
    """Hold the lock `name` for the block; only on MariaDB and MySQL. Raises DatabaseUnavailable after `wait_s`."""
    holder, deadline = secrets.token_bytes(16), time.monotonic() + wait_s
    _make_row(engine, name)
    while not _take(engine, name, holder):
        if time.monotonic() > deadline:
            raise DatabaseUnavailable(f"another process has held the lock {name} for {wait_s:.0f} s; try again")
        time.sleep(TRY_EVERY_S)
    done = threading.Event()
    renewer = threading.Thread(target=_renew, args=(engine, name, holder, done), daemon=True)
    renewer.start()
    try:
        yield
    finally:
        done.set()
        renewer.join()
        with suppress(DatabaseUnavailable, DBAPIError):  # the lease ends by itself; what the block raised counts
            _set_until(engine, name, holder, 0)


def _make_row(engine: Engine, name: str) -> None:
    """Create the table and the row where they are missing; several processes may do so at once."""
    with suppress(DBAPIError), engine.begin() as db:
        named_lock.create(db, checkfirst=True)
    with suppress(IntegrityError):

        def add(db: Connection) -> None:
            if db.execute(select(named_lock.c.name).where(named_lock.c.name == name)).first() is None:
                db.execute(insert(named_lock).values(name=name, holder=bytes(16), until=0))

        transact(engine, add)


def _take(engine: Engine, name: str, holder: bytes) -> bool:
    free = update(named_lock).where(named_lock.c.name == name, named_lock.c.until < NOW)
    lease = NOW + int(LEASE_S * 1000)
    return transact(engine, lambda db: db.execute(free.values(holder=holder, until=lease)).rowcount == 1)


def _set_until(engine: Engine, name: str, holder: bytes, until: object) -> None:
    mine = update(named_lock).where(named_lock.c.name == name, named_lock.c.holder == holder)
    transact(engine, lambda db: db.execute(mine.values(until=until)))


def _renew(engine: Engine, name: str, holder: bytes, done: threading.Event) -> None:
    while not done.wait(LEASE_S / 3):
        with suppress(DatabaseUnavailable, DBAPIError):
            _set_until(engine, name, holder, NOW + int(LEASE_S * 1000))
