"""Bring the database's schema to the newest migration."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from config.db.engine import BUSY_S, begin, transact
from config.errors import DatabaseUnavailable

MIGRATIONS: Final = Path(__file__).parent / "migrations"
LOCK: Final = "onecert-schema"
LOCK_WAIT_S: Final = 60


def upgrade(engine: Engine) -> None:
    """Create or change all tables. Safe to run again, and by several processes at once: they take turns.

    Raises DatabaseUnavailable when the database is down, or another upgrade does not end.
    """

    def mend(db: Connection) -> None:
        with _alone(db):
            command.upgrade(_config(db), "head")

    # On SQLite the wait for another transaction ends after BUSY_S, and is tried again.
    transact(engine, mend, tries=LOCK_WAIT_S // BUSY_S)


def revisions(engine: Engine) -> tuple[str | None, str | None]:
    """Return (the database's revision, the newest one): equal when the schema is up to date."""
    with begin(engine) as db:
        present = MigrationContext.configure(db).get_current_revision()
        return present, ScriptDirectory.from_config(_config(db)).get_current_head()


def _config(db: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = db
    return config


@contextmanager
def _alone(db: Connection) -> Iterator[None]:
    """Keep other upgrades waiting. SQLite's transaction does so by itself; MariaDB commits at each CREATE TABLE."""
    if db.dialect.name == "sqlite":
        yield
        return
    name = {"name": LOCK, "wait": LOCK_WAIT_S}
    if db.execute(text("SELECT GET_LOCK(:name, :wait)"), name).scalar_one() != 1:
        raise DatabaseUnavailable("another upgrade of the schema does not end")
    try:
        yield
    finally:
        db.execute(text("SELECT RELEASE_LOCK(:name)"), name)
