"""The migrations make exactly the tables that the code knows, on both databases, also when two start at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text

from config.db import make_engine, metadata
from query.schema import MIGRATIONS, revisions, upgrade
from tests.conftest import settings_for


@pytest.fixture(params=["sqlite", "mariadb"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database without a table."""
    url = f"sqlite:///{tmp_path / 'empty.db'}"
    if request.param == "mariadb":
        url = request.getfixturevalue("mariadb_url").replace("/onecert?", "/onecert_empty?")
        server = make_engine(settings_for(request.getfixturevalue("mariadb_url"), "redis://127.0.0.1:1", tmp_path))
        with server.begin() as db:
            db.execute(text("DROP DATABASE IF EXISTS onecert_empty"))
            db.execute(text("CREATE DATABASE onecert_empty CHARACTER SET utf8mb4"))
        server.dispose()
    engine = make_engine(settings_for(url, "redis://127.0.0.1:1", tmp_path))
    yield engine
    engine.dispose()


def ours() -> set[str]:
    """The tables of the code; tests of config/ put some of their own on the same metadata."""
    return {name for name in metadata.tables if name in TABLES}


TABLES = {
    *("attempt", "audit", "audit_head", "catalogue_version", "data_key", "inquiry", "last_inquiry", "message"),
    *("notice", "question", "receipt", "secret", "verification_code", "wave"),
    *("inbound", "leader", "link_health", "opt_out", "part", "unmatched"),
}


def test_the_migrations_make_what_the_models_say(empty: Engine) -> None:
    upgrade(empty)
    assert ours() == TABLES
    assert set(inspect(empty).get_table_names()) == TABLES | {"alembic_version"}
    # SQLite keeps no types worth comparing: it reads BINARY back as NUMERIC.
    compares = empty.dialect.name != "sqlite"
    with empty.connect() as db:
        context = MigrationContext.configure(db, opts={"compare_type": compares, "include_name": only_ours})
        assert compare_metadata(context, metadata) == []


def only_ours(name: str | None, kind: str, _: object) -> bool:
    return kind != "table" or name in TABLES


def test_two_upgrades_at_once_and_a_third_later_are_one(empty: Engine) -> None:
    errors: list[Exception] = []

    def run() -> None:
        try:
            upgrade(empty)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    upgrade(empty)
    assert errors == []
    present, newest = revisions(empty)
    assert present == newest is not None


def test_there_is_one_newest_migration() -> None:
    assert len(ScriptDirectory(str(MIGRATIONS)).get_heads()) == 1


def test_each_release_can_write_to_the_tables_of_the_next(tmp_path: Path) -> None:
    """During an upgrade both run: no table or column goes, and a new column may be left out."""
    engine = make_engine(settings_for(f"sqlite:///{tmp_path / 'ages.db'}", "redis://127.0.0.1:1", tmp_path))
    script = ScriptDirectory(str(MIGRATIONS))
    ages = [revision.revision for revision in reversed(list(script.walk_revisions()))]
    before: dict[str, dict[str, Any]] = {}
    for age in ages:
        with engine.begin() as db:
            migrations = Config(attributes={"connection": db})
            migrations.set_main_option("script_location", str(MIGRATIONS))
            command.upgrade(migrations, age)
        after = {name: columns_of(engine, name) for name in inspect(engine).get_table_names()}
        for name, columns in before.items():
            assert columns.keys() <= after[name].keys(), f"{age} takes something away from {name}"
            fresh = [column for key, column in after[name].items() if key not in columns]
            needed = [one["name"] for one in fresh if not one["nullable"] and one["default"] is None]
            assert needed == [], f"{age}: who does not know {needed} cannot write to {name}"
        before = after
    engine.dispose()


def columns_of(engine: Engine, table: str) -> dict[str, Any]:
    return {column["name"]: column for column in inspect(engine).get_columns(table)}
