"""Work done together: rounds, their order, their faults."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from query.intake.group_commit import GroupCommit
from tests.support.servers import wait_until


class Office:
    """Work that a test can hold up; it doubles numbers, and remembers its rounds."""

    def __init__(self, most: int = 10, delay_s: float = 0.0) -> None:
        self.together: GroupCommit[int, int] = GroupCommit(most, delay_s)
        self.rounds: list[list[int]] = []
        self.open = threading.Event()
        self.threads = ThreadPoolExecutor(20)

    def work(self, items: Sequence[int]) -> list[int]:
        self.rounds.append(list(items))
        assert self.open.wait(90)
        if 13 in items:
            raise ValueError("thirteen")
        return [2 * item for item in items]

    def ask(self, item: int, place: str = "here") -> Future[int]:
        return self.threads.submit(self.together.run, place, item, self.work)

    def ask_while_busy(self, *items: int) -> list[Future[int]]:
        """One at work, and the others waiting in this order."""
        asked = [self.ask(0)]
        wait_until(lambda: self.rounds == [[0]])
        for item in items:
            asked.append(self.ask(item))
            wait_until(lambda item=item: item in self.waiting())
        return asked

    def waiting(self, place: str = "here") -> list[int]:
        """Return the items that wait and are in no batch yet."""
        return [waiter.item for waiter in list(self.together._waiters.get(place, ()))]


def test_a_lone_caller_does_its_own_work_at_once() -> None:
    office = Office()
    office.open.set()
    assert [office.together.run("here", item, office.work) for item in (1, 2)] == [2, 4]
    assert office.rounds == [[1], [2]]


def test_those_who_come_while_one_works_are_the_next_round() -> None:
    office = Office()
    asked = office.ask_while_busy(1, 2, 3)
    office.open.set()
    assert [one.result(90) for one in asked] == [0, 2, 4, 6]
    assert office.rounds == [[0], [1, 2, 3]]


def test_after_a_round_with_company_the_next_one_lingers_for_those_on_their_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    office, lingered = Office(delay_s=1.0), list[float]()

    def linger(seconds: float) -> None:
        lingered.append(seconds)
        wait_until(lambda: len(office.waiting()) == 2)

    monkeypatch.setattr("query.intake.group_commit.time", SimpleNamespace(sleep=linger))
    asked = office.ask_while_busy(1, 2)
    office.open.set()
    assert [one.result(90) for one in asked] == [0, 2, 4]
    later = [office.ask(item) for item in (3, 4)]
    assert [one.result(90) for one in later] == [6, 8]
    assert [sorted(round_) for round_ in office.rounds] == [[0], [1, 2], [3, 4]]
    assert lingered == [1.0]


def test_after_a_round_without_company_nobody_lingers() -> None:
    office = Office(delay_s=600)
    office.open.set()
    assert [office.ask(item).result(90) for item in (1, 2)] == [2, 4]


def test_a_round_has_an_end_and_the_next_one_follows() -> None:
    office = Office(most=2)
    asked = office.ask_while_busy(1, 2, 3)
    office.open.set()
    assert [one.result(90) for one in asked] == [0, 2, 4, 6]
    assert office.rounds == [[0], [1, 2], [3]]


def test_what_a_round_raises_everybody_in_it_raises_and_nobody_else() -> None:
    office = Office(most=2)
    asked = office.ask_while_busy(1, 13, 3)
    office.open.set()
    for broken in asked[1:3]:
        with pytest.raises(ValueError, match="thirteen"):
            broken.result(90)
    assert (asked[0].result(90), asked[3].result(90)) == (0, 6)
    assert office.ask(4).result(90) == 8


def test_different_places_work_beside_each_other() -> None:
    office = Office()
    asked = [office.ask(1, "here"), office.ask(2, "there")]
    wait_until(lambda: sorted(office.rounds) == [[1], [2]])
    office.open.set()
    assert [one.result(90) for one in asked] == [2, 4]


def test_a_hundred_threads_each_get_their_own_answer() -> None:
    together: GroupCommit[int, int] = GroupCommit(most=7)
    with ThreadPoolExecutor(100) as threads:
        results = list(
            threads.map(lambda item: together.run("here", item, lambda items: [3 * one for one in items]), range(2000))
        )
    assert results == [3 * item for item in range(2000)]
