"""The house that a theatre plays in: private servers, a catalogue with short calls, the outside world on a port."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

from config.db.engine import begin
from query.schema import upgrade
from tests.faults.external_services import Outside
from tests.faults.instance import Theatre
from tests.faults.processes import ground_in
from tests.faults.servers import MariaDb, RedisServer
from tests.support.factories import prepare
from tests.support.instances import broken_lines, clean_environment
from tests.support.servers import free_port, serve

MASTER_KEY = "MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY="


def eager(document: str) -> str:
    """The default catalogue with short calls and without limits that only real time would lift."""
    document = re.sub(
        r"(?m)^connect_s = 3\nread_s = 10\ntotal_s = 15", "connect_s = 1\nread_s = 1.5\ntotal_s = 2", document
    )
    limits = {"code_per_phone_gap_s": 1, "codes_per_phone_day": 1000, "codes_per_session_day": 100_000}
    limits |= {"codes_per_address_hour": 1_000_000, "submissions_per_session_hour": 100_000}
    limits |= {"codes_per_phone_day_web": 1000, "codes_per_address_hour_web": 1_000_000}
    limits |= {"codes_per_network_hour_web": 1_000_000}
    limits |= {"submissions_per_address_hour": 1_000_000, "sessions_per_address_hour": 1_000_000}
    for name, value in limits.items():
        document = re.sub(rf"(?m)^{name} = \d+", f"{name} = {value}", document)
    return document


def environment_of(directory: Path, database_url: str, redis: RedisServer) -> dict[str, str]:
    """Return what the cast's processes read as their settings."""
    bind = f"127.0.0.1:{free_port()}"
    return clean_environment(
        directory,
        ONECERT_DATABASE_URL=database_url,
        ONECERT_REDIS_URL=redis.url,
        ONECERT_MASTER_KEY=MASTER_KEY,
        ONECERT_BIND=bind,
        ONECERT_METRICS_BIND=f"127.0.0.1:{free_port()}",
        ONECERT_PUBLIC_URL=f"http://{bind}",
        ONECERT_LOG_LEVEL="warning",
    )


@contextlib.contextmanager
def servers(directory: Path, *, sqlite: bool = False) -> Iterator[tuple[MariaDb | None, RedisServer]]:
    """Both servers, started (with SQLite only Redis); killed at the end, whatever state they are in."""
    mariadb, redis = None if sqlite else MariaDb(directory), RedisServer(directory)
    try:
        if mariadb is not None:
            mariadb.start()
            mariadb.create()
        redis.start()
        yield mariadb, redis
    finally:
        for server in (redis, mariadb):
            if server is not None:
                server.thaw()
                server.kill()


@contextlib.contextmanager
def theatre(directory: Path, workers: int = 2, *, sqlite: bool = False) -> Iterator[Theatre]:
    """Everything, started; and gone at the end."""
    with servers(directory, sqlite=sqlite) as (mariadb, redis):
        database_url = f"sqlite:///{directory / 'onecert.db'}" if mariadb is None else mariadb.url
        environment = environment_of(directory, database_url, redis)
        ground = ground_in(directory, environment)
        upgrade(ground.engine)
        with contextlib.closing(Outside(ground)) as outside, serve(outside) as url:
            prepare(ground, url)
            with begin(ground.engine) as db:
                ground.catalogues.apply(db, eager(ground.catalogues.document()), "faults", "test", ground.clock.now())
            found = Theatre(directory, environment, ground, outside)
            found.redis = redis
            if mariadb is not None:
                found.mariadb = mariadb
            try:
                found.raise_curtain(workers)
                yield found
                found.drop_curtain()
                assert not broken_lines(found.log)
            finally:
                if found.cast is not None:
                    found.cast.kill()
