import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, cast

import pytest
from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Integer,
    LargeBinary,
    MetaData,
    QueuePool,
    String,
    Table,
    event,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.dialects import mysql
from sqlalchemy.exc import IntegrityError, ProgrammingError
from sqlalchemy.schema import CreateTable
from urllib3.util.wait import wait_for_read

from config.db.engine import begin, id_in, is_duplicate, make_engine, reading, skip_locked, transact, upsert
from config.db.types import Id16, Ms, Sealed, Serial
from config.errors import DatabaseUnavailable
from config.processes.serving import THREADS
from tests.conftest import on_sqlite

on_mariadb = pytest.mark.parametrize("database_url", ["mariadb"], indirect=True)

box = Table(
    "test_box",
    MetaData(),
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("name", String(20), nullable=False),
    Column("content", LargeBinary),
)


@pytest.fixture
def boxes(engine: Engine) -> Iterator[Engine]:
    box.create(engine)
    yield engine
    box.drop(engine)


def names(engine: Engine) -> list[str]:
    with reading(engine) as db:
        return list(db.execute(select(box.c.name).order_by(box.c.id)).scalars())


def add(engine: Engine, *rows: tuple[int, str]) -> None:
    with begin(engine) as db:
        db.execute(insert(box), [{"id": number, "name": name} for number, name in rows])


def test_a_transaction_that_raises_leaves_nothing(boxes: Any) -> None:
    with pytest.raises(ZeroDivisionError), begin(boxes) as db:
        db.execute(insert(box).values(id=1, name="one"))
        raise ZeroDivisionError
    assert names(boxes) == []


def test_a_key_that_is_there_already_is_the_callers_answer(boxes: Any) -> None:
    add(boxes, (1, "one"))
    with pytest.raises(IntegrityError) as caught:
        add(boxes, (1, "again"))
    assert is_duplicate(caught.value)


def test_a_missing_value_is_no_duplicate(boxes: Any) -> None:
    with pytest.raises(IntegrityError) as caught, begin(boxes) as db:
        db.execute(text("INSERT INTO test_box (id, name) VALUES (1, NULL)"))
    assert not is_duplicate(caught.value)


def test_an_error_never_shows_the_values_of_the_statement(boxes: Any) -> None:
    with pytest.raises(IntegrityError) as caught:
        add(boxes, (1, "13800138000"), (1, "13800138000"))
    assert "13800138000" not in str(caught.value)


def test_rows_are_found_among_ids_of_which_none_is_a_parameter(engine: Engine) -> None:
    ids = Table("test_ids", MetaData(), Column("id", Id16, primary_key=True))
    kept = [bytes([number]) * 16 for number in (0, 39, 92, 255)]
    parameters: list[object] = []
    event.listen(engine, "before_cursor_execute", lambda *told: parameters.append(told[3]))
    ids.create(engine)
    with begin(engine) as db:
        db.execute(insert(ids), [{"id": one} for one in kept])
        parameters.clear()
        for wanted in (kept[:1], kept[1:], [], [b"?" * 16]):
            found = db.execute(select(ids.c.id).where(id_in(ids.c.id, wanted))).scalars()
            assert sorted(found) == sorted(set(wanted) & set(kept))
    ids.drop(engine)
    assert not any(parameters)


def test_an_upsert_inserts_and_updates_in_one_statement(boxes: Any) -> None:
    add(boxes, (1, "one"), (2, "two"))
    rows = [{"id": 2, "name": "zwei", "content": b"x"}, {"id": 3, "name": "drei", "content": b"y"}]
    with begin(boxes) as db:
        db.execute(upsert(box, boxes.dialect.name, rows, update=["name"]))
    assert names(boxes) == ["one", "zwei", "drei"]


def test_an_upsert_of_many_rows_goes_to_the_server_as_one_statement(boxes: Any) -> None:
    rows = [{"id": number, "name": f"n{number}", "content": b"x"} for number in range(500)]
    for _ in range(2):
        with begin(boxes) as db:
            before = _questions(boxes, db)
            db.execute(upsert(box, boxes.dialect.name, update=["name", "content"]), rows)
            assert _questions(boxes, db) - before <= 3
    assert len(names(boxes)) == 500


def _questions(engine: Engine, db: Connection) -> int:
    if engine.dialect.name == "sqlite":
        return 0
    return int(db.execute(text("SHOW SESSION STATUS LIKE 'Questions'")).one()[1])


def test_a_counter_loses_no_step_when_twenty_threads_move_it(boxes: Any) -> None:
    add(boxes, (1, "0"))

    def step(db: Connection) -> None:
        name = db.execute(select(box.c.name).where(box.c.id == 1).with_for_update()).scalar_one()
        db.execute(update(box).where(box.c.id == 1).values(name=str(int(name) + 1)))

    threads = [threading.Thread(target=transact, args=(boxes, step)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert names(boxes) == ["20"]


@on_mariadb
def test_a_transaction_that_lost_a_deadlock_runs_again_as_a_whole(boxes: Any) -> None:
    add(boxes, (1, ""), (2, ""))
    met, tries = threading.Barrier(2, timeout=60), []

    def cross(first: int, second: int) -> Callable[[Connection], None]:
        def work(db: Connection) -> None:
            tries.append(first)
            db.execute(update(box).where(box.c.id == first).values(name=box.c.name + str(first)))
            if len(tries) <= 2:
                met.wait()
            db.execute(update(box).where(box.c.id == second).values(name=box.c.name + str(first)))

        return work

    threads = [threading.Thread(target=transact, args=(boxes, cross(*pair))) for pair in ((1, 2), (2, 1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(tries) == 3
    assert {"".join(sorted(name)) for name in names(boxes)} == {"12"}


def test_a_writer_does_not_wait_for_a_reader(boxes: Any) -> None:
    add(boxes, (1, "one"))
    with reading(boxes) as db:
        db.execute(select(box)).all()
        add(boxes, (2, "two"))
    assert names(boxes) == ["one", "two"]


@on_mariadb
def test_two_workers_never_claim_the_same_row(boxes: Any) -> None:
    add(boxes, *((number, "due") for number in range(4)))
    claim = skip_locked(select(box.c.id).order_by(box.c.id).limit(2))
    with begin(boxes) as one, begin(boxes) as other:
        assert one.execute(claim).scalars().all() == [0, 1]
        assert other.execute(claim).scalars().all() == [2, 3]


@on_mariadb
def test_a_wrong_statement_is_no_unavailability(boxes: Any) -> None:
    with pytest.raises(ProgrammingError), begin(boxes) as db:
        db.execute(text("SELEC 1"))


@pytest.mark.parametrize("statement", ["SELECT * FROM no_such_table", "SELECT no_such_column FROM box"])
def test_a_database_that_was_not_upgraded_is_told_as_such(boxes: Any, statement: Any) -> None:
    for use in (begin, reading):
        with pytest.raises(DatabaseUnavailable, match="onecert db upgrade"), use(boxes) as db:
            db.execute(text(statement))
    with pytest.raises(DatabaseUnavailable, match="onecert db upgrade"):
        transact(boxes, lambda db: db.execute(text(statement)))


def test_every_thread_that_serves_has_a_connection_and_one_beside_it(engine: Engine) -> None:
    with ExitStack() as held:
        for _ in range(2 * THREADS):
            held.enter_context(reading(engine))
        assert cast("QueuePool", engine.pool).checkedout() == 2 * THREADS


def test_a_database_that_is_away_is_unavailable() -> None:
    away = make_engine("mysql+pymysql://nobody:geheim@127.0.0.1:1/onecert")
    for use in (begin, reading):
        with pytest.raises(DatabaseUnavailable) as caught, use(away):
            pass
        assert (caught.value.status, caught.value.code) == (503, "unavailable")
        assert "geheim" not in str(caught.value)
    with pytest.raises(DatabaseUnavailable):
        transact(away, lambda db: None)


@on_mariadb
def test_a_connection_that_the_server_closed_is_replaced(boxes: Any) -> None:
    with reading(boxes) as db:
        number = db.execute(text("SELECT CONNECTION_ID()")).scalar_one()
    with boxes.connect() as killer:
        other = killer.execute(text("SELECT CONNECTION_ID()")).scalar_one()
        with boxes.connect() as second:
            victim = second.execute(text("SELECT CONNECTION_ID()")).scalar_one()
            sock = second.connection.dbapi_connection._sock
        killer.exec_driver_sql(f"KILL {victim}")
        assert wait_for_read(sock, timeout=60), "the server hangs up a moment later"
    assert number in (other, victim)
    with reading(boxes) as first, reading(boxes) as second:
        assert first.execute(text("SELECT 1")).scalar_one() == second.execute(text("SELECT 1")).scalar_one() == 1


@on_mariadb
def test_only_a_connection_that_was_idle_is_pinged(boxes: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def pings() -> int:
        with reading(boxes) as db:
            return int(db.execute(text("SHOW GLOBAL STATUS LIKE 'Com_admin_commands'")).one()[1])

    monkeypatch.setattr("config.db.engine.IDLE_S", 3600)
    before = pings()
    assert pings() == before
    monkeypatch.setattr("config.db.engine.IDLE_S", -1)
    assert pings() > before


@on_mariadb
def test_an_idle_connection_that_no_longer_answers_is_replaced(boxes: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def number() -> int:
        with reading(boxes) as db:
            return int(db.execute(text("SELECT CONNECTION_ID()")).scalar_one())

    first = number()
    monkeypatch.setattr("config.db.engine.IDLE_S", -1)
    monkeypatch.setattr("config.db.engine._ping", lambda connection: False)
    assert number() != first


@on_mariadb
def test_a_server_that_hangs_up_on_every_new_connection_is_unavailable(boxes: Any) -> None:
    boxes.dispose()
    with make_engine(boxes.url.render_as_string(False)).connect() as killer:

        @event.listens_for(boxes, "connect")
        def hang_up(connection: Any, _record: Any) -> None:
            killer.exec_driver_sql(f"KILL {connection.thread_id()}")
            wait_for_read(connection._sock, timeout=60)

        with pytest.raises(DatabaseUnavailable), reading(boxes) as db:
            db.execute(text("SELECT 1"))
        event.remove(boxes, "connect", hang_up)


@on_sqlite
def test_time_stands_still_inside_a_reading_on_sqlite(boxes: Any) -> None:
    with reading(boxes) as db:
        assert db.execute(select(box)).all() == []
        add(boxes, (1, "one"))
        assert db.execute(select(box)).all() == []


@pytest.mark.parametrize(("plain", "kind"), [(11, "VARBINARY(42)"), (5000, "BLOB"), (100_000, "MEDIUMBLOB")])
def test_a_sealed_column_has_room_for_the_seal(plain: Any, kind: str) -> None:
    table = Table("t", MetaData(), Column("id", Serial, primary_key=True), Column("at", Ms), Column("s", Sealed(plain)))
    assert kind in str(CreateTable(table).compile(dialect=mysql.dialect()))
