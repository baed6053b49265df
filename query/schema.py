"""Bring the database's schema to the newest migration."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine

from config.db.engine import BUSY_S, begin, make_patient_engine, transact
from config.db.named_lock import hold
from query.errors import SchemaTooNew

MIGRATIONS: Final = Path(__file__).parent / "migrations"
LOCK: Final = "schema"
LOCK_WAIT_S: Final = 60
SILENT_S: Final = 3.0
"""An upgrade prints a line at least this often."""

Report = Callable[[str], None]
"""Called with a line of progress."""


@dataclass(frozen=True, slots=True)
class SchemaStatus:
    """The database's revision (None: no table yet), the newest one, and the migrations between them, in order."""

    present: str | None
    newest: str
    pending: tuple[str, ...]


def upgrade(engine: Engine, report: Report = lambda line: None) -> None:
    """Create or change all tables. Safe to run again, also after one that was cut off; several take turns.

    Statements may take as long as they need; a wait for another's lock on a table ends after a minute. Raises
    DatabaseUnavailable when the database is down or another upgrade does not end, SchemaTooNew.
    """
    if engine.dialect.name == "sqlite":
        # The write lock is taken with the transaction; the wait for another's ends after BUSY_S, and is tried again.
        transact(engine, lambda db: _migrate(db, report), tries=LOCK_WAIT_S // BUSY_S)
        return
    patient = make_patient_engine(engine)
    try:
        with hold(engine, LOCK, LOCK_WAIT_S):
            transact(patient, lambda db: _migrate(db, report))
    finally:
        patient.dispose()


def read_status(engine: Engine) -> SchemaStatus:
    """Return how far the schema is. Raises SchemaTooNew, DatabaseUnavailable."""
    with begin(engine) as db:
        present = MigrationContext.configure(db).get_current_revision()
        script = ScriptDirectory.from_config(_config(db))
    try:
        steps = list(script.walk_revisions(base=present or "base", head="heads"))
    except CommandError:
        raise SchemaTooNew(_too_new(present)) from None
    pending = [f"{step.revision} {step.doc}" for step in reversed(steps) if step.revision != present]
    return SchemaStatus(present, script.get_current_head() or "", tuple(pending))


def _migrate(db: Connection, report: Report) -> None:
    def applied(step: Any, **_: object) -> None:
        report(f"{step.up_revision_id} is applied")

    config = _config(db)
    config.attributes["on_version_apply"] = applied
    with _progress(report):
        try:
            command.upgrade(config, "head")
        except CommandError:
            raise SchemaTooNew(_too_new(MigrationContext.configure(db).get_current_revision())) from None


@contextmanager
def _progress(report: Report) -> Iterator[None]:
    """Report every few seconds that the upgrade goes on."""
    done, begun = threading.Event(), time.monotonic()

    def tick() -> None:
        while not done.wait(SILENT_S):
            report(f"still at work after {time.monotonic() - begun:.0f} s; a large table takes its time")

    ticker = threading.Thread(target=tick, daemon=True)
    ticker.start()
    try:
        yield
    finally:
        done.set()
        ticker.join()


def _config(db: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = db
    return config


def _too_new(revision: str | None) -> str:
    return f"the database's schema {revision} is newer than this release knows; run the release that made it"
