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
from tests.faults.crowd import coming
from tests.faults.infrastructure import FAULTS, Fault, cross_locks
from tests.faults.points import ROOT
from tests.faults.theatre import Citizen, Theatre
from tests.servers import free_port, wait_until

LIBFAKETIME = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")

People = Callable[[int], list[Citizen]]


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.__name__ for fault in FAULTS])
def test_a_fault_of_the_ground_costs_time_and_nothing_else(stage: Theatre, people: People, fault: Fault) -> None:
    citizens = people(12)
    with coming(stage, citizens):
        time.sleep(0.3)
        fault(stage)
    skipped = stage.settle(60)
    assert skipped < 30 * 60_000, "and not much time either"
    assert check(stage.ground, stage.outside, citizens) == []


def test_the_deadlocks_that_are_made_here_are_real(stage: Theatre, people: People) -> None:
    before = deadlocks(stage)
    citizens = people(60)
    with coming(stage, citizens):
        cross_locks(stage)
    stage.settle()
    assert deadlocks(stage) > before
    assert check(stage.ground, stage.outside, citizens) == []


def deadlocks(stage: Theatre) -> int:
    return int(stage.mariadb.run("SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'")[0][1])


@pytest.mark.parametrize("point", ["ask.before_call", "ask.after_answer", "send.after_claim", "send.before_first_byte"])
def test_a_process_frozen_past_its_lease_does_no_harm_when_it_goes_on(
    stage: Theatre, people: People, point: str
) -> None:
    citizens = people(3)
    stage.admit(citizens)
    wait_until(lambda: stage.still_open() == (0, 0, 0, 0), 20)
    later = people(2)
    stage.trigger.arm([point], 3 if point.startswith("send") else 1, "stop")
    stage.admit(later, 20) if point.startswith("ask") else admit_leniently(stage, later)
    wait_until(lambda: stage.trigger.pid_at(point), 20)
    for _ in range(8):
        stage.skip(300)
        time.sleep(0.4)
    os.kill(stage.trigger.pid_at(point) or 0, signal.SIGCONT)
    stage.admit(later)
    stage.settle(60)
    assert check(stage.ground, stage.outside, [*citizens, *later]) == []


def admit_leniently(stage: Theatre, citizens: list[Citizen]) -> None:
    """With the only gateway frozen there may be no code for the last of them."""
    for citizen in citizens:
        try:
            stage.admit([citizen], 5)
        except AssertionError:
            return


@pytest.mark.skipif(not LIBFAKETIME, reason="libfaketime is not installed: apt-get install faketime")
def test_workers_and_a_sweeper_whose_clocks_are_30_hours_off_decide_nothing_wrong(
    stage: Theatre, people: People
) -> None:
    with only_strangers(stage, ("worker", "+30h"), ("worker", "-30h"), ("clock", "+30h")):
        citizens = people(6)
        stage.admit(citizens)
        wait_until(lambda: stage.still_open()[0] == 0, 40)
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
        command = [sys.executable, "-m", "tests.faults.cast", str(stage.directory), role]
        strangers.append(subprocess.Popen(command, cwd=ROOT, env={**stage.environment, **faked, **apart}))
    try:
        yield
    finally:
        for stranger in strangers:
            stranger.kill()
            stranger.wait()
        supervisor.resume()
