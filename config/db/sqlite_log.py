"""SQLite's write-ahead log, which keeps what was written until it is truncated."""

from __future__ import annotations

from sqlalchemy import Engine

from config.db.engine import BUSY_S


def truncate_wal(engine: Engine) -> bool:
    """Empty SQLite's write-ahead log, in which erased values still stand; whether it could be. MariaDB has none."""
    if engine.dialect.name != "sqlite":
        return True
    with engine.connect() as db:
        raw = db.connection.cursor()
        try:
            raw.execute("PRAGMA busy_timeout=200")
            (busy, *_), *_ = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            raw.execute(f"PRAGMA busy_timeout={BUSY_S * 1000}")
            raw.close()
    return not busy
