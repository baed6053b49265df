"""After six hours away there is a herd: who comes now gets a code at once, and the backlog is soon gone."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from tests.faults.checker import check
from tests.faults.crowd import assemble, owed
from tests.faults.theatre import Citizen, Theatre
from tests.servers import wait_until

HERD = int(os.environ.get("HERD", "400"))
NEWCOMERS = 6
AWAY_S = 6 * 3600
CODE_WITHIN_S = 5
BACKLOG_GONE_S = 300


def test_after_six_hours_away_codes_come_first_and_the_backlog_is_gone_in_five_minutes(
    stage: Theatre, people: Callable[[int], list[Citizen]]
) -> None:
    herd, newcomers = people(HERD), people(NEWCOMERS)
    stage.behaviour.set("gateway", "429")
    assemble(stage, herd)
    wait_until(lambda: owed(stage) == HERD, 90)
    stage.skip(AWAY_S)
    time.sleep(2)  # the gateway is tried again, in vain
    stage.behaviour.set("gateway", "ok")
    back = stage.ground.clock.now()
    stage.admit(newcomers)
    came = [min(one.at for one in stage.outside.sent if one.phone == citizen.phone) for citizen in newcomers]
    assert max(came) - back < CODE_WITHIN_S * 1000, "not one of them waits"
    assert stage.settle(120, step_s=15) < BACKLOG_GONE_S * 1000
    assert check(stage.ground, stage.outside, [*herd, *newcomers]) == []
