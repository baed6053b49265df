"""In the middle of two hundred inquiries a worker is killed and Redis emptied: everybody is told once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from tests.faults.checker import check
from tests.faults.instance import Citizen, Theatre
from tests.faults.load import let_in
from tests.support.servers import wait_until

CITIZENS = 200


def test_two_hundred_are_told_once_though_a_worker_dies_and_redis_is_emptied(
    stage: Theatre, people: Callable[[int], list[Citizen]]
) -> None:
    citizens = people(CITIZENS)
    first, later = citizens[: CITIZENS // 2], citizens[CITIZENS // 2 :]
    with ThreadPoolExecutor(1) as pool:
        admission = pool.submit(let_in, stage, first)
        wait_until(lambda: sum(bool(citizen.promised) for citizen in first) > len(first) // 2)
        stage.players("worker")[0].kill()
        stage.redis.client().flushall()
        let_in(stage, later)
        admission.result()
    stage.settle()
    assert len({one.reference for one in stage.outside.sent}) == CITIZENS
    assert check(stage.ground, stage.outside, citizens) == []
