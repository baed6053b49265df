"""Fixtures every folder shares: real databases, a real Redis, and a Ground that stands on them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
import redis
from sqlalchemy import Engine

from config.db.engine import make_engine
from config.ground import Ground, make_ground
from config.settings import Settings, load_settings
from config.telemetry.log import configure_logging
from config.times.clock import FixedClock
from tests.support.factories import LAUNCH_DAY, empty, make_schema, prepare
from tests.support.instances import RUNNING, Instance, private_instance
from tests.support.servers import mariadb_server, missing, redis_server

LONG = (
    "test_end_to_end",
    "faults/test_external_services",
    "test_first_steps",
    "faults/test_kill_points",
    "faults/test_infrastructure",
    "browser/test_look",
    "browser/test_old_phones",
    "browser/test_walk",
    "browser/test_form_states",
    "query/objections/test_crashes",
    "query/test_model",
    "query/access/test_budgets",
    "browser/test_presses",
    "browser/test_api_docs",
    "config/queue/test_sentinel",
    "enterprises/test_partner_server",
    "sms_port/sending/test_kills",
    "test_objections_end_to_end",
    "sms_port/links/smpp/test_link",
    "browser/test_webkit",
    "miniprogram_api/contract/test_schemathesis",
    "test_new_partner_by_catalogue",
    "test_no_personal_data_leaks",
)
"""Files that take longest, the longest first: worth a look now and then, with `pytest --durations 50`."""


# The same examples in each run, and none too slow: a run that fails must fail again, on a slower machine too.
hypothesis.settings.register_profile(
    "suite",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("suite")


REAL_PARTS = {"instance", "mariadb_url", "redis_url", "sqlite_schema"}
"""Fixtures that start a server or a process, or make a schema."""
STARTERS = {"mariadb_server", "private_instance", "redis_server", "run_peer", "running", "subprocess"}
"""Names with which a file starts them itself. A test that needs neither is a unit test."""


def level_of(item: pytest.Item) -> str:
    """Return the marker of a test's level: its own, or faults, browser, integration or unit."""
    for marker in item.iter_markers():
        if marker.name in ("unit", "integration"):
            return marker.name
    folder = item.path.relative_to(item.config.rootpath).parts[1]
    if folder in ("faults", "browser"):
        return folder
    needed = set(getattr(item, "fixturenames", ())) | set(vars(getattr(item, "module", None) or item))
    return "integration" if needed & (REAL_PARTS | STARTERS) else "unit"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test with its level; begin with the long files, so that no worker is left alone with one at the end."""
    for item in items:
        item.add_marker(level_of(item))
    rank = {f"tests/{name}.py": place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: rank.get(item.nodeid.partition("::")[0], len(LONG)))


@pytest.fixture(autouse=True)
def logging_as_in_production() -> None:
    """Every log line goes one way, whatever a command of an earlier test set; threads never write to a closed file."""
    configure_logging("info")


@pytest.fixture(autouse=True)
def nothing_breaks_in_an_instance() -> Iterator[None]:
    """A test during which a running instance logs a fault of the program fails, whatever it looked at itself."""
    before = {one.pid: len(one.broken()) for one in RUNNING}
    yield
    assert [line for one in RUNNING for line in one.broken()[before.get(one.pid, 0) :]] == []


on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""Once, on SQLite: what is tested does not depend on the database."""


def need(program: str) -> None:
    """Skip where a real part is missing; with CI=true a missing part is a failure."""
    if shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin"):
        return
    if os.environ.get("CI") == "true":
        pytest.fail(missing(program))
    pytest.skip(missing(program))


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    need("redis-server")
    with redis_server(tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture(scope="session")
def mariadb_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    need("mariadbd")
    with mariadb_server(tmp_path_factory.mktemp("mariadb")) as url:
        yield f"{url}&ssl_disabled=true"  # it has no TLS, and for each connection PyMySQL would load all authorities


@pytest.fixture(scope="session")
def mariadb_schema(mariadb_url: str) -> Iterator[str]:
    engine = make_engine(mariadb_url)
    make_schema(engine)
    engine.dispose()
    yield mariadb_url


@pytest.fixture(scope="session")
def sqlite_schema(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    engine = make_engine(f"sqlite:///{path}")
    make_schema(engine)
    engine.dispose()  # the last connection writes the WAL back
    return path


def settings_for(database_url: str, redis_url: str, directory: Path) -> Settings:
    return load_settings(
        {
            "ONECERT_DATABASE_URL": database_url,
            "ONECERT_REDIS_URL": redis_url,
            "ONECERT_DATA": str(directory),
            "ONECERT_MASTER_KEY": "MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY=",
        }
    )


@pytest.fixture(params=["sqlite", "mariadb"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database with the schema and no rows; each test that uses it runs on both servers."""
    if request.param == "mariadb":
        return str(request.getfixturevalue("mariadb_schema"))
    shutil.copy(request.getfixturevalue("sqlite_schema"), tmp_path / "onecert.db")
    return f"sqlite:///{tmp_path / 'onecert.db'}"


@pytest.fixture
def settings(database_url: str, redis_url: str, tmp_path: Path) -> Settings:
    return settings_for(database_url, redis_url, tmp_path)


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    engine = make_engine(settings.database_url)
    yield engine
    if engine.dialect.name != "sqlite":
        empty(engine)
    engine.dispose()


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(LAUNCH_DAY)


@pytest.fixture
def ground(settings: Settings, engine: Engine, clock: FixedClock) -> Iterator[Ground]:
    """A Ground as `onecert up` would prepare it (default catalogue, secrets, keys), with a clock that stands still."""
    ground = make_ground(settings, clock=clock)
    redis.Redis.flushall(ground.redis)
    prepare(ground)
    yield ground
    ground.redis.close()
    ground.engine.dispose()


@pytest.fixture(scope="session")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """A running `onecert up` on the embedded default, shared by the tests that look at it from outside."""
    with private_instance(tmp_path_factory.mktemp("instance")) as instance:
        yield instance
