"""One database, spoken to alike on SQLite and on MariaDB or MySQL.

Everything that must not be lost is here. A write transaction is `begin` (or `transact`, which
runs the whole of it again after a deadlock); nothing is ever open across an HTTP call.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn, TypeVar

from pymysql.err import MySQLError
from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Insert,
    MetaData,
    Select,
    Table,
    bindparam,
    column,
    create_engine,
    event,
    false,
    func,
)
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.exc import DBAPIError, DisconnectionError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.types import UserDefinedType
from urllib3.util.wait import wait_for_read

from config.db.availability import availability, count_failure
from config.db.causes import explain
from config.errors import DatabaseUnavailable, KeyTaken

T = TypeVar("T")

BUSY_S = 5
PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=NORMAL",
    "foreign_keys=ON",
    "secure_delete=ON",  # what is erased is overwritten; Debian's build does it by itself, others do not
    f"busy_timeout={BUSY_S * 1000}",
)
STATEMENT_S = 15
# Of one process: 32 threads serve (serving.THREADS), and each may read keys or catalogue beside its transaction.
CONNECTIONS = 64
KEPT_OPEN = 16
POOL = {"pool_size": KEPT_OPEN, "max_overflow": CONNECTIONS - KEPT_OPEN, "pool_timeout": BUSY_S}
IDLE_S = 5.0
"""A connection that was not used for so long is asked whether it still is one: a firewall may have dropped it."""
USED_AT = "onecert_used_at"
READING = "onecert_reading"
BUSY = "every database connection of this process is in use"
TABLE_LOCK_S = 60
"""Longest wait of an upgrade's statement for another client's lock on its table (a dump, a long transaction)."""
# Defects of the program or answers to it, not failures of the database: no 503 for them.
PASSED_ON = (IntegrityError, ProgrammingError)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def make_engine(database_url: str) -> Engine:
    """An engine with this project's rules on it. Connects lazily."""
    return _sqlite_engine(database_url) if database_url.startswith("sqlite") else _mysql_engine(database_url)


def _sqlite_engine(url: str) -> Engine:
    engine = create_engine(
        url, hide_parameters=True, connect_args={"timeout": BUSY_S, "check_same_thread": False}, **POOL
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # the driver must not begin transactions of its own
        cursor = connection.cursor()
        # NORMAL: a killed process loses nothing; a power cut may lose the last commits. Whoever
        # cannot bear that runs MariaDB (docs/decisions.md).
        for pragma in PRAGMAS:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(db: Connection) -> None:
        # IMMEDIATE takes the write lock at once: a transaction that reads first and writes later
        # would otherwise fail with SQLITE_BUSY in the middle, whatever the time-out.
        reading = db.get_execution_options().get(READING, False)
        db.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine


def make_patient_engine(engine: Engine) -> Engine:
    """Return an engine to the same MariaDB or MySQL without a limit on a statement's time, for DDL.

    A wait for a lock on a table ends after TABLE_LOCK_S instead.
    """
    return _mysql_engine(engine.url.render_as_string(hide_password=False), None)


def _mysql_engine(url: str, statement_s: float | None = STATEMENT_S) -> Engine:
    session = f"innodb_lock_wait_timeout={BUSY_S}, time_zone='+00:00'"
    if statement_s is None:
        session += f", lock_wait_timeout={TABLE_LOCK_S}"
    engine = create_engine(
        url,
        hide_parameters=True,
        isolation_level="READ COMMITTED",
        pool_recycle=1800,
        # A Connection ends its transaction itself; the pool's ROLLBACK after each would be a round trip for nothing.
        pool_reset_on_return=None,
        connect_args={
            "charset": "utf8mb4",
            "connect_timeout": BUSY_S,
            "read_timeout": statement_s,
            "write_timeout": statement_s,
            "init_command": f"SET SESSION {session}",
        },
        **POOL,
    )

    @event.listens_for(engine, "checkin")
    def _note_use(_connection: object, record: Any) -> None:
        record.info[USED_AT] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _see_if_alive(connection: Any, record: Any, _proxy: object) -> None:
        # A ping before each use is a round trip; that a server hung up can be seen on the socket, without one.
        # One that was just opened is not looked at: after two in vain the pool would raise what is no DBAPIError.
        used_at = record.info.get(USED_AT)
        if used_at is None:
            return
        hung_up = wait_for_read(connection._sock, timeout=0)
        if hung_up or (time.monotonic() - used_at > IDLE_S and not _ping(connection)):
            raise DisconnectionError

    return engine


def _ping(connection: Any) -> bool:
    try:
        connection.ping(reconnect=False)
    except (MySQLError, OSError):
        return False
    return True


@contextmanager
def begin(engine: Engine) -> Iterator[Connection]:
    """One write transaction: commits at the end of the block, rolls back when it raises.

    IntegrityError passes (it is the caller's answer); all else becomes DatabaseUnavailable.
    """
    with _translate_errors(), engine.begin() as db:
        yield db
    availability.note(None)


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One consistent look, without a write lock. What is written in it is rolled back."""
    with _translate_errors(), engine.connect() as db:
        yield db.execution_options(**{READING: True})


def transact(engine: Engine, work: Callable[[Connection], T], tries: int = 3) -> T:
    """Run `work` in a write transaction; all of it again after a deadlock, a lock wait or KeyTaken.

    `work` must be safe to run twice: only what it did in the database is undone. A lost
    connection is not tried again, since the commit may have taken effect.
    """
    for left in reversed(range(tries)):
        try:
            with engine.begin() as db:
                result = work(db)
            availability.note(None)
            return result
        except KeyTaken:
            if not left:
                raise
        except DBAPIError as error:
            if not left or not is_contention(error):
                _raise_ours(error)
        except PoolTimeout as error:
            count_failure("pool")
            raise DatabaseUnavailable(BUSY) from error
    raise AssertionError("tries must be at least 1")


@contextmanager
def _translate_errors() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        _raise_ours(error)
    except PoolTimeout as error:
        count_failure("pool")
        raise DatabaseUnavailable(BUSY) from error


def _raise_ours(error: DBAPIError) -> NoReturn:
    if isinstance(error, PASSED_ON) and not is_unprepared(error):
        raise error
    cause = explain(error.orig.args[0] if error.orig is not None and error.orig.args else None, str(error.orig))
    if not is_contention(error):
        availability.note(cause)
    raise DatabaseUnavailable(cause) from error


def is_unprepared(error: DBAPIError) -> bool:
    """Was a table or a column asked for that the database does not have?"""
    code = error.orig.args[0] if error.orig is not None and error.orig.args else None
    lacks = ("no such table", "no such column", "has no column named")
    return code in (1054, 1146) or (isinstance(code, str) and any(words in code for words in lacks))


def is_contention(error: DBAPIError) -> bool:
    """Did this transaction only lose against another (and certainly not commit)?"""
    code = error.orig.args[0] if error.orig is not None and error.orig.args else None
    return code in (1205, 1213) or (isinstance(code, str) and "database is locked" in code)


def is_duplicate(error: IntegrityError) -> bool:
    """Was a row refused because its key is there already?"""
    code = error.orig.args[0] if error.orig is not None and error.orig.args else None
    return code == 1062 or (isinstance(code, str) and "UNIQUE constraint failed" in code)


def skip_locked(select: Select[Any]) -> Select[Any]:
    """`FOR UPDATE SKIP LOCKED` where the database has row locks; SQLite has one writer anyway."""
    return select.with_for_update(skip_locked=True)


class _Ids(UserDefinedType[Sequence[bytes]]):
    """A list of ids as `(x'..',x'..')`, which both databases read."""

    cache_ok = True

    def literal_processor(self, dialect: Any) -> Callable[[Sequence[bytes]], str]:
        """Return the function that writes the literal; called by SQLAlchemy."""
        return lambda ids: "(" + ",".join([f"x'{one.hex()}'" for one in ids]) + ")"


def id_in(id_column: ColumnElement[bytes], ids: Iterable[bytes]) -> ColumnElement[bool]:
    """Is it one of these ids? `in_` for a whole wave: one literal, not hundreds of parameters (docs/decisions.md)."""
    listed = sorted(ids)
    if not listed:
        return false()
    return id_column.op("IN", is_comparison=True)(bindparam(None, listed, type_=_Ids(), literal_execute=True))


def upsert(
    table: Table, dialect_name: str, rows: Sequence[Mapping[str, Any]] | None = None, *, update: Sequence[str]
) -> Insert:
    """INSERT that updates the columns `update` of a row whose primary key is there already.

    Without `rows` the statement is for many: `db.execute(upsert(..., update=[...]), rows)`, which
    the driver sends as one statement (4 times faster than values in the statement).
    """
    if dialect_name == "sqlite":
        lite = sqlite.insert(table)
        lite = lite.values([dict(row) for row in rows]) if rows is not None else lite
        return lite.on_conflict_do_update(
            index_elements=list(table.primary_key.columns), set_={name: lite.excluded[name] for name in update}
        )
    # VALUES(), not the row alias of MySQL 8: MariaDB lacks the alias, and PyMySQL joins many
    # rows into one statement only when it reads `ON DUPLICATE` right after the values.
    insert = mysql.insert(table)
    insert = insert.values([dict(row) for row in rows]) if rows is not None else insert
    return insert.on_duplicate_key_update({name: func.values(column(name)) for name in update})
