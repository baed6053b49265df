"""After six hours away there is a herd: who comes now gets a code at once, and the backlog is soon gone."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from tests.faults.checker import check
from tests.faults.instance import LONG_S, Citizen, Theatre
from tests.faults.load import assemble, owed
from tests.support.servers import wait_until

HERD = int(os.environ.get("HERD", "400"))
NEWCOMERS = 6
AWAY_S = 6 * 3600
CODE_WITHIN_S = 5
BACKLOG_GONE_S = 300
BATCH_S = 2.0
"""A batch of hundreds is under way for a while, and nothing is to be seen of it."""


def test_after_six_hours_away_codes_come_first_and_the_backlog_is_gone_in_five_minutes(
    stage: Theatre, people: Callable[[int], list[Citizen]]
) -> None:
    early, herd, newcomers = people(NEWCOMERS), people(HERD), people(NEWCOMERS)
    alone = longest_wait(stage, early)
    stage.settle()
    stage.behaviour.set("gateway", "429")
    assemble(stage, herd)
    wait_until(lambda: owed(stage) == HERD, LONG_S)
    stage.skip(AWAY_S)
    time.sleep(2)  # the gateway is tried again, in vain
    stage.behaviour.set("gateway", "ok")
    # On a machine that is slow just now it takes longer, with a herd as without.
    assert longest_wait(stage, newcomers) < max(CODE_WITHIN_S * 1000, 5 * alone), "not one of them waits"
    assert stage.settle(step_s=15, pause_s=BATCH_S) < BACKLOG_GONE_S * 1000
    assert check(stage.ground, stage.outside, [*early, *herd, *newcomers]) == []


def longest_wait(stage: Theatre, citizens: list[Citizen]) -> int:
    """Admit them; how long (ms) it took until the last of them had a code."""
    begun = stage.ground.clock.now()
    stage.admit(citizens)
    return max(min(one.at for one in stage.outside.sent if one.phone == citizen.phone) for citizen in citizens) - begun
