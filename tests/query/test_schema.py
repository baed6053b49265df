"""The migrations make exactly the tables that the code knows, on both databases, also when two start at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import click
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from click.testing import CliRunner, Result
from sqlalchemy import Engine, inspect, text

from config import audit
from config.catalogue.document import default_document
from config.commands.catalogue import config_group
from config.commands.keys import key
from config.db.engine import make_engine, metadata, reading
from config.ground import make_ground
from config.settings import DATABASE_FILE
from config.times.clock import FixedClock
from query.commands.db import db_commands
from query.schema import MIGRATIONS, revisions, upgrade
from tests.conftest import settings_for
from tests.support.factories import LAUNCH_DAY


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
    "code_sent",
    *("notice", "question", "receipt", "secret", "verification_code", "wave"),
    *("objection", "objection_ending", "objection_quota", "request", "watch", "watch_count", "watch_event"),
    *("inbound", "inbound_segment", "leader", "link_health", "opt_out", "part", "unmatched"),
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


def test_an_upgrade_outwaits_another_that_takes_longer_than_a_lock_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("config.db.engine.BUSY_S", 1)
    engine = make_engine(settings_for(f"sqlite:///{tmp_path / 'held.db'}", "redis://127.0.0.1:1", tmp_path))
    with ThreadPoolExecutor(1) as pool:
        with engine.begin():
            second = pool.submit(upgrade, engine)
            time.sleep(1.5)
        second.result()
    present, newest = revisions(engine)
    assert present == newest is not None
    engine.dispose()


def test_there_is_one_newest_migration() -> None:
    assert len(ScriptDirectory(str(MIGRATIONS)).get_heads()) == 1


def test_each_release_can_write_to_the_tables_of_the_next(tmp_path: Path) -> None:
    """During an upgrade both run: no table or column goes, and a new column may be left out.

    With a single migration there is nothing to compare; it guards the ones to come.
    """
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


def test_upgrade_and_a_catalogue_are_all_that_a_new_database_needs(
    empty: Engine, redis_url: str, tmp_path: Path
) -> None:
    settings = settings_for(empty.url.render_as_string(hide_password=False), redis_url, tmp_path)
    ground = make_ground(settings, clock=FixedClock(LAUNCH_DAY))
    document = tmp_path / "my.toml"
    document.write_text(default_document(), encoding="utf-8")

    def run(group: click.Group, *words: str) -> Result:
        return CliRunner().invoke(group, words, obj=ground)

    assert "onecert db upgrade" in run(config_group, "show").stderr
    assert "from nothing to" in run(db_commands, "upgrade", "--dry-run").stdout
    for group, *words in ([db_commands, "upgrade"], [config_group, "apply", str(document)], [key, "rotate"]):
        done = run(group, *words, "--yes")
        assert done.exit_code == 0, done.output
    assert ground.catalogues.current().version == 1
    with reading(empty) as db:
        actions = [entry.action for entry in audit.listing(db)]
        assert audit.verify(db, ground.keys) is None
    assert actions == ["key.rotate", "catalogue.apply", "db.upgrade"]
    assert "up to date" in run(db_commands, "upgrade", "--yes").stdout
    ground.engine.dispose()


def test_an_upgrade_makes_the_embedded_database_where_there_is_none(tmp_path: Path) -> None:
    place = tmp_path / "new"
    done = CliRunner().invoke(db_commands, ["upgrade", "--yes"], env={"ONECERT_DATA": str(place)})
    assert done.exit_code == 0, done.output
    assert (place / DATABASE_FILE).is_file()


def test_tables_without_a_data_key_get_one(empty: Engine, redis_url: str, tmp_path: Path) -> None:
    upgrade(empty)
    ground = make_ground(settings_for(empty.url.render_as_string(hide_password=False), redis_url, tmp_path))
    done = CliRunner().invoke(db_commands, ["upgrade", "--yes"], obj=ground)
    assert done.exit_code == 0, done.output
    assert len(ground.keys.listing()) == 1
    ground.engine.dispose()
