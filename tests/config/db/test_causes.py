"""An operator reads the cause, not that the database "does not answer" (operations fault 2, outputs 1 and 4)."""

from __future__ import annotations

from pathlib import Path

import pytest
import structlog
from sqlalchemy import select, text
from sqlalchemy.engine import make_url

from config.db import availability as state
from config.db.causes import FULL, READ_ONLY, TLS, TOO_MANY, UNPREPARED, UNREACHABLE, explain
from config.db.engine import begin, make_engine, reading, transact
from config.errors import DatabaseUnavailable

ROWS = [
    (1045, "Access denied for user 'x'@'localhost' (using password: YES)", "refuses the user"),
    (1698, "Access denied for user 'root'@'localhost'", "refuses the user"),
    (1044, "Access denied for user 'x'@'%' to database 'y'", "refuses the user"),
    (1142, "INSERT command denied to user", "lacks a right"),
    (1049, "Unknown database 'onecret'", "no database of that name"),
    (2003, "Can't connect to MySQL server on 'h' ([Errno -2] Name or service not known)", "is unknown"),
    (2003, "Can't connect to MySQL server on 'h' ([Errno 111] Connection refused)", "cannot be reached"),
    (2003, "Can't connect to MySQL server on 'h' (timed out)", "did not answer in time"),
    (2003, "Can't connect (certificate verify failed: self-signed certificate)", "TLS"),
    (2013, "Lost connection to MySQL server during query", "did not answer in time"),
    (1114, "The table 'inquiry' is full", FULL),
    (1021, "Disk full (/var/lib/mysql)", FULL),
    (1290, "The MariaDB server is running with the --read-only option", READ_ONLY),
    (1792, "Cannot execute statement in a READ ONLY transaction", READ_ONLY),
    (1040, "Too many connections", TOO_MANY),
    (1047, "WSREP has not yet prepared node for application use", "WSREP"),
    (2026, "SSL connection error", TLS),
    ("database or disk is full", "database or disk is full", FULL),
    ("attempt to write a readonly database", "attempt to write a readonly database", "read-only"),
    ("unable to open database file", "unable to open database file", "cannot be opened"),
    ("file is not a database", "file is not a database", "damaged"),
    ("database disk image is malformed", "database disk image is malformed", "damaged"),
    ("table process has no column named a", "table process has no column named a", UNPREPARED),
    (9999, "something new", UNREACHABLE),
    (None, "", UNREACHABLE),
]


@pytest.mark.parametrize(("code", "text", "sentence"), ROWS)
def test_each_driver_error_has_its_sentence(code: object, text: str, sentence: str) -> None:
    assert sentence in explain(code, text)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"username": "nobody", "password": "wrong"}, "refuses the user"),
        ({"database": "onecret"}, "no database of that name"),
        ({"host": "127.0.0.1", "port": 1}, "cannot be reached"),
        ({"host": "no-such-host.invalid"}, "is unknown"),
    ],
)
def test_a_real_server_and_a_wrong_address(
    mariadb_url: str, tmp_path: Path, change: dict[str, str], sentence: str
) -> None:
    url = make_url(mariadb_url).set(**change)  # type: ignore[arg-type]
    if "host" in change:
        url = url.difference_update_query(["unix_socket"])
    engine = make_engine(url.render_as_string(hide_password=False))
    with pytest.raises(DatabaseUnavailable) as refused, reading(engine) as db:
        db.execute(select(1))
    assert sentence in refused.value.detail
    assert "wrong" not in refused.value.detail
    engine.dispose()


def test_a_change_of_the_state_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "onecert.db"
    engine = make_engine(f"sqlite:///{place}")
    with begin(engine) as db:
        db.execute(text("CREATE TABLE t (a INTEGER)"))
    engine.dispose()
    kept = place.read_bytes()
    monkeypatch.setattr(state, "_log", structlog.stdlib.get_logger("config.db.availability"))
    monkeypatch.setattr(state.availability, "logged", True)
    with structlog.testing.capture_logs() as lines:
        place.write_bytes(b"this is no database, and long enough to be read as its first page " * 100)
        for _ in range(3):
            with pytest.raises(DatabaseUnavailable, match="damaged"):
                transact(engine, lambda db: db.execute(text("INSERT INTO t VALUES (1)")))
        engine.dispose()
        place.write_bytes(kept)
        for _ in range(2):
            transact(engine, lambda db: db.execute(text("SELECT 1")))
    changes = [line["event"] for line in lines if line["event"].startswith("database_")]
    assert changes == ["database_away", "database_back"]
    engine.dispose()
