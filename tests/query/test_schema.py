"""The migrations make exactly the tables that the code knows, on both databases, also when two start at once."""

from __future__ import annotations

import json
import shutil
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
from query.errors import SchemaTooNew
from query.schema import MIGRATIONS, read_status, upgrade
from tests.conftest import settings_for
from tests.support.factories import LAUNCH_DAY

pytestmark = pytest.mark.integration


@pytest.fixture(params=["sqlite", "mariadb"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database without a table."""
    url = f"sqlite:///{tmp_path / 'empty.db'}"
    if request.param == "mariadb":
        url = request.getfixturevalue("mariadb_url").replace("/onecert?", "/onecert_empty?")
        server = make_engine(request.getfixturevalue("mariadb_url"))
        with server.begin() as db:
            db.execute(text("DROP DATABASE IF EXISTS onecert_empty"))
            db.execute(text("CREATE DATABASE onecert_empty CHARACTER SET utf8mb4"))
        server.dispose()
    engine = make_engine(url)
    yield engine
    engine.dispose()


def ours() -> set[str]:
    """The tables of the code; tests of config/ put some of their own on the same metadata."""
    return {name for name in metadata.tables if name in TABLES}


TABLES = {
    *("attempt", "audit", "audit_head", "catalogue_version", "data_key", "inquiry", "last_inquiry", "message"),
    *("code_sent", "content_key", "session_end", "next_day_notice"),
    *("notice", "question", "receipt", "secret", "verification_code", "wave"),
    *("process", "objection", "objection_ending", "objection_quota", "request", "watch", "watch_count", "watch_event"),
    *("inbound", "inbound_segment", "leader", "link_health", "opt_out", "part", "unmatched"),
    *("text_conversation", "help_offer", "help_block"),
}


def test_the_migrations_make_what_the_models_say(empty: Engine) -> None:
    upgrade(empty)
    assert ours() == TABLES
    lock = {"named_lock"} if empty.dialect.name != "sqlite" else set()
    assert set(inspect(empty).get_table_names()) == TABLES | {"alembic_version"} | lock
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
    status = read_status(empty)
    assert (status.present, status.pending) == (status.newest, ())


def test_an_upgrade_outwaits_another_that_takes_longer_than_a_lock_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("config.db.engine.BUSY_S", 1)
    engine = make_engine(f"sqlite:///{tmp_path / 'held.db'}")
    with ThreadPoolExecutor(1) as pool:
        with engine.begin():
            second = pool.submit(upgrade, engine)
            time.sleep(1.5)
        second.result()
    status = read_status(engine)
    assert (status.present, status.pending) == (status.newest, ())
    engine.dispose()


def test_there_is_one_newest_migration() -> None:
    assert len(ScriptDirectory(str(MIGRATIONS)).get_heads()) == 1


def test_each_release_can_write_to_the_tables_of_the_next(tmp_path: Path) -> None:
    """During an upgrade both run: no table or column goes, and a new column may be left out.

    With a single migration there is nothing to compare; it guards the ones to come.
    """
    engine = make_engine(f"sqlite:///{tmp_path / 'ages.db'}")
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
    for group, words in ((db_commands, ["upgrade"]), (config_group, ["apply", str(document)]), (key, ["rotate"])):
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


MIGRATION = """Later.

from alembic import op
import sqlalchemy as sa

revision, down_revision, branch_labels, depends_on = {name!r}, {last!r}, None, None


def upgrade():
    {body}
"""


def migrations_of(directory: Path, *bodies: str) -> Path:
    """A directory of migrations whose last ones have these bodies, after the product's own."""
    shutil.copytree(MIGRATIONS, directory, ignore=shutil.ignore_patterns("__pycache__"))
    last = ScriptDirectory(str(MIGRATIONS)).get_current_head()
    for place, body in enumerate(bodies):
        name = f"later{place}"
        source = MIGRATION.replace("Later.", '"Later."').format(name=name, last=last, body=body)
        (directory / "versions" / f"{name}.py").write_text(source)
        last = name
    return directory


@pytest.mark.parametrize("empty", ["mariadb"], indirect=True)
def test_a_statement_may_take_longer_than_requests_have(
    empty: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """operations fault 3: an index that took over STATEMENT_S broke the upgrade for ever."""
    monkeypatch.setattr("config.db.engine.STATEMENT_S", 1)
    monkeypatch.setattr("query.schema.SILENT_S", 0.5)
    slow = "op.execute('CREATE TABLE slow AS SELECT SLEEP(2.5) AS s')"
    monkeypatch.setattr("query.schema.MIGRATIONS", migrations_of(tmp_path / "slow", slow))
    lines: list[str] = []
    upgrade(empty, lines.append)
    assert read_status(empty).present == "later0"
    assert [line for line in lines if line.startswith("still at work after")]
    assert "later0 is applied" in lines


@pytest.mark.parametrize(
    "again",
    [
        "op.create_table('tried', sa.Column('a', sa.Integer())); op.create_index('ix_tried_a', 'tried', ['a'])",
        "op.add_column('inquiry', sa.Column('tried', sa.Integer(), nullable=True))",
        "op.create_index('ix_inquiry_tried', 'inquiry', ['decided_at'])",
    ],
    ids=["table", "column", "index"],
)
def test_an_upgrade_that_was_cut_off_is_resumed(
    empty: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, again: str
) -> None:
    """MariaDB keeps the first statements of a migration that dies: they are there already the next time."""
    broken = f"{again}; raise RuntimeError('cut off')"
    monkeypatch.setattr("query.schema.MIGRATIONS", migrations_of(tmp_path / "broken", broken))
    with pytest.raises(RuntimeError):
        upgrade(empty)
    monkeypatch.setattr("query.schema.MIGRATIONS", migrations_of(tmp_path / "mended", again))
    upgrade(empty)
    upgrade(empty)
    assert read_status(empty).pending == ()


def test_an_earlier_release_says_that_the_schema_is_newer(
    empty: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as later:
        later.setattr("query.schema.MIGRATIONS", migrations_of(tmp_path / "later", "pass"))
        upgrade(empty)
    for act in (upgrade, read_status):
        with pytest.raises(SchemaTooNew, match="later0 is newer than this release knows"):
            act(empty)


def test_the_status_lists_what_an_upgrade_would_run(empty: Engine, redis_url: str, tmp_path: Path) -> None:
    ground = make_ground(settings_for(empty.url.render_as_string(hide_password=False), redis_url, tmp_path))
    shown = CliRunner().invoke(db_commands, ["status"], obj=ground).stdout
    assert "0001 All tables" in shown
    assert "the schema is at nothing" in shown
    assert CliRunner().invoke(db_commands, ["upgrade"], obj=ground).exit_code == 0, (
        "an empty database needs no question"
    )
    assert json.loads(CliRunner().invoke(db_commands, ["status", "--json"], obj=ground).stdout)[0]["pending"] == []
    ground.engine.dispose()
