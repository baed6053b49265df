"""In the middle of two hundred inquiries a worker is killed and Redis emptied: everybody is told once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from tests.faults.checker import check
from tests.faults.crowd import let_in
from tests.faults.theatre import Citizen, Theatre
from tests.servers import wait_until

CITIZENS = 200


def test_two_hundred_are_told_once_though_a_worker_dies_and_redis_is_emptied(
    stage: Theatre, people: Callable[[int], list[Citizen]]
) -> None:
    citizens = people(CITIZENS)
    with ThreadPoolExecutor(1) as pool:
        admission = pool.submit(let_in, stage, citizens)
        wait_until(lambda: sum(bool(citizen.promised) for citizen in citizens) > CITIZENS // 4, 30)
        stage.players("worker")[0].kill()
        stage.redis.client().flushall()
        assert not all(citizen.promised for citizen in citizens), "it was over before anything happened"
        admission.result()
    stage.settle(60)
    assert len(stage.outside.sent) == CITIZENS
    assert check(stage.ground, stage.outside, citizens) == []
