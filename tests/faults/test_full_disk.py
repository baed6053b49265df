"""The disk of the embedded default is full: SQLite's and Redis' logs. Nobody is promised what is not kept."""

from __future__ import annotations

import contextlib
import resource
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from config.db.engine import begin
from config.ground import make_ground
from config.settings import load_settings
from tests.conftest import need
from tests.faults.checker import check
from tests.faults.deployment import eager
from tests.faults.external_services import Outside
from tests.faults.instance import Caller, Citizen, Theatre
from tests.support.instances import Instance, private_instance
from tests.support.servers import serve

UNLIMITED = resource.RLIM_INFINITY
NO_ROOM = 1
"""Bytes that a file may have: nothing is written beyond, whatever its size is already."""


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[Instance]:
    need("redis-server")
    with private_instance(tmp_path, "--workers", "1") as instance:
        yield instance


@pytest.fixture
def embedded(instance: Instance, tmp_path: Path) -> Iterator[Theatre]:
    """`onecert up` as it comes, but for an outside that keeps a record."""
    ground = make_ground(load_settings(instance.environment))
    with contextlib.closing(Outside(ground)) as outside, serve(outside) as url:
        document = eager(ground.catalogues.document()).replace(instance.sandbox_url, url)
        with begin(ground.engine) as db:
            ground.catalogues.apply(db, document, "", "test", ground.clock.now())
        time.sleep(4)  # every process has seen it after two
        yield Theatre(tmp_path / "stage", instance.environment, ground, outside)
    ground.redis.close()
    ground.engine.dispose()


def test_a_full_disk_is_answered_503_and_costs_nobody_the_reply(
    instance: Instance, embedded: Theatre, people: Callable[[int], list[Citizen]]
) -> None:
    citizens = people(6)
    embedded.admit(citizens[:3])
    caller = Caller(embedded)
    assert caller.code_for(citizens[3].phone)
    with full_disk(instance):
        form = {"service": "internet-accounts", "phone": citizens[4].phone}
        said = {caller.post("/verification-codes", form).status_code for _ in range(5)}
        time.sleep(1)
    assert said == {503}
    embedded.admit(citizens)
    embedded.settle(step_s=0)
    assert check(embedded.ground, embedded.outside, citizens) == []


@contextlib.contextmanager
def full_disk(instance: Instance) -> Iterator[None]:
    """No process of the instance can write to a file in the block. Python's children see an error, not SIGXFSZ."""
    supervisor = psutil.Process(instance.pid)
    everybody = [supervisor, *supervisor.children(recursive=True)]
    limit(everybody, NO_ROOM)
    try:
        yield
    finally:
        limit(everybody, UNLIMITED)


def limit(processes: list[psutil.Process], size: int) -> None:
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size, UNLIMITED))
