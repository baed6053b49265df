"""Bulkheads: a slow partner holds up neither the worker nor any other partner."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from config.catalogue.schema import Partner
from config.ground import Ground
from query.asking.bulkheads import CALLS_EACH, Bulkheads
from tests.support.servers import PATIENCE_S, wait_until


@pytest.fixture
def listed(ground: Ground) -> dict[str, Partner]:
    """The partners of the catalogue by code."""
    return {partner.code: partner for partner in ground.catalogues.current().partners}


def started(bulkheads: Bulkheads, partner: Partner, call: Any, items: int = 0) -> Any:
    running = bulkheads.submit(partner, items, call)
    assert running is not None
    return running


def test_a_call_that_is_over_has_made_room_for_the_next(listed: dict[str, Partner]) -> None:
    bulkheads, partner = Bulkheads(patience_s=PATIENCE_S), listed["jd"].model_copy(update={"concurrency": 1})
    for number in range(50):
        running = started(bulkheads, partner, lambda number=number: number)
        assert bulkheads.wait([running]) == []
        assert running.future.result() == number


def test_a_slow_partner_costs_the_worker_its_patience_once(listed: dict[str, Partner]) -> None:
    bulkheads, stop = Bulkheads(patience_s=0.1), threading.Event()
    first = started(bulkheads, listed["jd"], lambda: stop.wait(PATIENCE_S))
    assert bulkheads.wait([first]) == [first]
    bulkheads._patience_s = 2 * PATIENCE_S  # a worker that waited now would do so until there is an answer
    second = started(bulkheads, listed["jd"], lambda: stop.wait(PATIENCE_S))
    quick = started(bulkheads, listed["meituan"], lambda: True)
    assert bulkheads.wait([second, quick]) == [second]
    assert quick.future.result()
    stop.set()


def test_a_partner_that_is_in_time_again_is_waited_for_again(listed: dict[str, Partner]) -> None:
    bulkheads, stop = Bulkheads(patience_s=0.1), threading.Event()
    assert bulkheads.wait([started(bulkheads, listed["jd"], lambda: stop.wait(PATIENCE_S))])
    stop.set()
    bulkheads._patience_s = PATIENCE_S
    quick = started(bulkheads, listed["jd"], lambda: True)
    wait_until(quick.future.done)
    later = started(bulkheads, listed["jd"], lambda: time.sleep(0.2))
    assert bulkheads.wait([later]) == []


def test_a_call_about_many_items_may_take_longer(listed: dict[str, Partner]) -> None:
    bulkheads = Bulkheads(patience_s=0.0)
    running = started(bulkheads, listed["jd"], lambda: time.sleep(0.05), items=int(PATIENCE_S * 500))
    assert bulkheads.wait([running]) == []


def test_no_partner_has_more_calls_under_way_than_its_share(listed: dict[str, Partner]) -> None:
    bulkheads, stop = Bulkheads(), threading.Event()
    running = [bulkheads.submit(listed["jd"], 0, lambda: stop.wait(PATIENCE_S)) for _ in range(CALLS_EACH + 1)]
    assert [one is not None for one in running] == [True] * CALLS_EACH + [False]
    assert not bulkheads.has_room(listed["jd"])
    assert bulkheads.has_room(listed["meituan"])
    stop.set()
    wait_until(lambda: bulkheads.has_room(listed["jd"]))


def test_all_partners_together_have_no_more_threads_than_there_are(listed: dict[str, Partner]) -> None:
    bulkheads, stop = Bulkheads(max_threads=1), threading.Event()
    started(bulkheads, listed["jd"], lambda: stop.wait(PATIENCE_S))
    assert bulkheads.submit(listed["meituan"], 0, lambda: True) is None
    stop.set()
    wait_until(lambda: bulkheads.has_room(listed["meituan"]))


def test_a_call_that_fails_makes_room(listed: dict[str, Partner]) -> None:
    bulkheads = Bulkheads(patience_s=PATIENCE_S, max_threads=1)

    def broken() -> None:
        raise ValueError("broken")

    for _ in range(3):
        running = started(bulkheads, listed["jd"], broken)
        assert bulkheads.wait([running]) == []
        with pytest.raises(ValueError, match="broken"):
            running.future.result()
