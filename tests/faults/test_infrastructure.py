"""The database, Redis and the clock fail while citizens come and go: nothing is lost, late or doubled."""

from __future__ import annotations

import glob
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil
import pytest

from tests.faults.checker import check
from tests.faults.failpoints import ROOT
from tests.faults.infrastructure import FAULTS, Fault, cross_locks
from tests.faults.instance import LONG_S, Citizen, Theatre
from tests.faults.load import coming, frozen, let_in, owed
from tests.support.servers import free_port, wait_until

LIBFAKETIME = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")

People = Callable[[int], list[Citizen]]


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.__name__ for fault in FAULTS])
def test_a_fault_of_the_ground_costs_time_and_nothing_else(stage: Theatre, people: People, fault: Fault) -> None:
    citizens = people(12)
    with coming(stage, citizens):
        time.sleep(0.3)
        fault(stage)
    skipped = stage.settle()
    assert skipped < 30 * 60_000, "and not much time either"
    assert check(stage.ground, stage.outside, citizens) == []


def test_the_deadlocks_that_are_made_here_are_real(stage: Theatre, people: People) -> None:
    before = deadlocks(stage)
    citizens: list[Citizen] = []
    while deadlocks(stage) == before:
        citizens += (some := people(20))
        with coming(stage, some):
            cross_locks(stage)
    stage.settle()
    assert check(stage.ground, stage.outside, citizens) == []


def deadlocks(stage: Theatre) -> int:
    return int(stage.mariadb.run("SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'")[0][1])


@pytest.mark.parametrize("point", ["ask.before_call", "ask.after_answer", "send.after_claim", "send.before_first_byte"])
def test_a_process_frozen_past_its_lease_does_no_harm_when_it_goes_on(
    stage: Theatre, people: People, point: str
) -> None:
    citizens = people(3)
    stage.admit(citizens)
    stage.settle()
    later = people(2)
    if point.startswith("ask"):
        stage.trigger.arm([point], 1, "stop")
        let_in(stage, later)
    else:
        with frozen(stage, "gateway"):
            let_in(stage, later)
            wait_until(lambda: owed(stage) == len(later), LONG_S)
            stage.trigger.arm([point], 1, "stop")
    wait_until(lambda: stage.trigger.pid_at(point))
    stage.skip(2400)
    time.sleep(3)  # the others go on without it
    os.kill(stage.trigger.pid_at(point) or 0, signal.SIGCONT)
    stage.settle()
    assert check(stage.ground, stage.outside, [*citizens, *later]) == []


@pytest.mark.skipif(not LIBFAKETIME, reason="libfaketime is not installed: apt-get install faketime")
def test_workers_and_a_sweeper_whose_clocks_are_30_hours_off_decide_nothing_wrong(
    stage: Theatre, people: People
) -> None:
    with only_strangers(stage, ("worker", "+30h"), ("worker", "-30h"), ("clock", "+30h")):
        citizens = people(6)
        stage.admit(citizens)
        stage.pass_time(lambda: stage.still_open()[0] == 0)
        assert check(stage.ground, stage.outside, citizens) == []


@contextmanager
def only_strangers(stage: Theatre, *parts: tuple[str, str]) -> Iterator[None]:
    """The cast's own players of these roles are gone; in their place play processes whose clock is off."""
    assert stage.cast is not None
    supervisor = psutil.Process(stage.cast.pid)
    supervisor.suspend()  # or it would bring them back
    for player in stage.players(*(role for role, _ in parts)):
        player.kill()
    strangers = []
    for role, shift in parts:
        faked = {"LD_PRELOAD": LIBFAKETIME[0], "FAKETIME": shift, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        apart = {"ONECERT_METRICS_BIND": f"127.0.0.1:{free_port()}"}
        command = [sys.executable, "-m", "tests.faults.processes", str(stage.directory), role]
        strangers.append(subprocess.Popen(command, cwd=ROOT, env={**stage.environment, **faked, **apart}))
    try:
        yield
    finally:
        for stranger in strangers:
            stranger.kill()
            stranger.wait()
        supervisor.resume()
