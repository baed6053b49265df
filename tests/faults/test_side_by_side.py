"""Two releases on one database, as during an upgrade: the tables are the newer one's, the older one leaves in the
middle of its work, and both have been asked for what only the other knows.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

from rq import Queue
from rq.serializers import JSONSerializer

from config.queue.bell import QUEUE
from tests.faults.checker import check
from tests.faults.instance import TABLES, Citizen, Theatre
from tests.faults.load import coming
from tests.support.servers import free_port

STOPPED_WITHIN_S = 30


def test_two_releases_side_by_side_lose_nothing_when_the_older_one_leaves(
    stage: Theatre, people: Callable[[int], list[Citizen]]
) -> None:
    citizens = people(18)
    with tables_of_the_next_release(stage), the_newer_release(stage):
        with coming(stage, citizens):
            ask_for_an_unknown_step(stage)
            time.sleep(1)
            began = time.monotonic()
            stage.drop_curtain()
            assert time.monotonic() - began < STOPPED_WITHIN_S
            ask_for_an_unknown_step(stage)
            time.sleep(1)
            stage.raise_curtain()
        stage.settle()
        assert check(stage.ground, stage.outside, citizens) == []


@contextlib.contextmanager
def the_newer_release(stage: Theatre, workers: int = 1) -> Iterator[None]:
    """A second cast on the same database and Redis, with a web address of its own."""
    second = Theatre(stage.directory, stage.environment, stage.ground, stage.outside)
    apart = {"ONECERT_BIND": f"127.0.0.1:{free_port()}", "ONECERT_METRICS_BIND": f"127.0.0.1:{free_port()}"}
    try:
        second.raise_curtain(workers, **apart)
        yield
    finally:
        second.drop_curtain()


@contextlib.contextmanager
def tables_of_the_next_release(stage: Theatre) -> Iterator[None]:
    """Make what a migration may: more tables, and more columns that may stay empty (test_schema.py)."""
    for table in TABLES:
        stage.mariadb.run(f"ALTER TABLE onecert.{table} ADD COLUMN next_release BIGINT NULL FIRST")
    stage.mariadb.run("CREATE TABLE onecert.next_release (id INT PRIMARY KEY)")
    try:
        yield
    finally:
        stage.mariadb.run("DROP TABLE onecert.next_release")
        for table in TABLES:
            stage.mariadb.run(f"ALTER TABLE onecert.{table} DROP COLUMN next_release")


def ask_for_an_unknown_step(stage: Theatre) -> None:
    """Ring as the next release does for a step of its own; whoever does not know it leaves it alone."""
    queue = Queue(QUEUE, connection=stage.redis.client(), serializer=JSONSerializer)
    for _ in range(4):
        queue.enqueue_call("step-of-the-next-release", args=("jd",))
