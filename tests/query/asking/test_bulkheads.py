"""Lanes: a slow partner holds up neither the worker nor anybody else."""

from __future__ import annotations

import threading

from query.asking.bulkheads import Lanes, waiting
from tests.support.servers import PATIENCE_S, wait_until


def wait_for(answer: threading.Event) -> None:
    """A call to a partner that does not answer by itself."""
    with waiting():
        answer.wait(PATIENCE_S)


def test_a_quick_step_is_over_when_the_worker_goes_on() -> None:
    ran: list[str] = []
    lanes = Lanes()
    for number in range(50):
        lanes.run("quick", 1, lambda number=number: ran.append(str(number)))
    assert ran == [str(number) for number in range(50)]


def test_a_slow_partner_costs_the_worker_its_patience_once() -> None:
    lanes, stop = Lanes(patience_s=0.1), threading.Event()
    answered: list[int] = []

    def step() -> None:
        wait_for(stop)
        answered.append(1)

    lanes.run("slow", 20, step)
    lanes._patience_s = 2 * PATIENCE_S  # whoever waited now would do so until there is an answer
    for _ in range(19):
        lanes.run("slow", 20, step)
    quick: list[int] = []
    for number in range(20):
        lanes.run("quick", 1, lambda number=number: quick.append(number))
    assert len(quick) == 20
    assert answered == []
    stop.set()


def test_no_partner_has_more_lanes_than_its_own_and_a_late_ring_is_heard() -> None:
    lanes, stop, lock = Lanes(patience_s=0.01), threading.Event(), threading.Lock()
    now, most, ended = 0, 0, 0

    def step() -> None:
        nonlocal now, most, ended
        with lock:
            now, most = now + 1, max(most, now + 1)
        wait_for(stop)
        with lock:
            now, ended = now - 1, ended + 1

    for _ in range(10):
        lanes.run("slow", 3, step)
    wait_until(lambda: now == 3)
    stop.set()
    wait_until(lambda: ended == 4 and now == 0)
    assert most == 3


def test_a_step_that_fails_frees_its_lane() -> None:
    lanes = Lanes(most=1)

    def broken() -> None:
        raise ValueError

    ran: list[int] = []
    for number in range(3):
        lanes.run("one", 1, broken)
        lanes.run("two", 1, lambda number=number: ran.append(number))
    wait_until(lambda: ran == [0, 1, 2])


def test_every_lane_taken_others_wait_and_are_not_forgotten() -> None:
    lanes, stop, ran = Lanes(most=1, patience_s=0.01), threading.Event(), threading.Event()
    lanes.run("slow", 1, lambda: wait_for(stop))
    lanes.run("other", 1, ran.set)
    assert not ran.is_set()
    stop.set()
    assert ran.wait(PATIENCE_S)
