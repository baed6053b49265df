"""The key store is down: nothing is opened, nothing is sent, (architecture 9.10)."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

import requests

from tests.faults.checker import check
from tests.faults.infrastructure import hidden_keys
from tests.faults.instance import BROKEN, Caller, Citizen, Theatre
from tests.support.servers import wait_until


def test_without_its_keys_nothing_is_opened_or_sent_and_whoever_asks_is_told_503(
    stage: Theatre, people: Callable[[int], list[Citizen]]
) -> None:
    citizens = people(6)
    stage.admit(citizens[:3])
    with hidden_keys(stage):
        wait_until(lambda: readiness(stage) == 503)
        time.sleep(1)  # what was under way when they died has come
        before = len(stage.outside.sent), len(stage.outside.asked)
        caller = Caller(stage)
        said: list[int] = []
        while len(said) < 5:  # it may have been the old process that was ready, and the new one not be there yet
            with contextlib.suppress(*BROKEN):
                said.append(caller.post("/sessions", {"entrance": "web"}).status_code)
        time.sleep(1)
        assert set(said) == {503}
        assert (len(stage.outside.sent), len(stage.outside.asked)) == before
    stage.admit(citizens)
    stage.settle()
    assert check(stage.ground, stage.outside, citizens) == []


def readiness(stage: Theatre) -> int | None:
    """Return what the started web process says of itself; None: there is none."""
    with contextlib.suppress(*BROKEN):
        return requests.get(f"{stage.ground.settings.public_url}/health/ready", timeout=(1, 5)).status_code
    return None
