"""A backup of the middle is restored after everything had gone on: nothing is sent twice, all of it ends again."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

from sqlalchemy import select

from config.db.engine import reading
from query.models import inquiry
from sms_port.models import Lane, State, message
from tests.faults.checker import check
from tests.faults.instance import Citizen, Theatre
from tests.support.servers import wait_until

GATEWAY_POINT = "send.after_acceptance"


def test_a_restore_in_mid_flight_sends_nothing_twice_and_erases_again(
    stage: Theatre, people: Callable[[int], list[Citizen]]
) -> None:
    citizens = people(9)
    told, asked, owed = citizens[:3], citizens[3:6], citizens[6:]
    stage.admit(told)
    stage.settle()
    stage.behaviour.set("jd", "retry")
    stage.admit(asked)
    wait_until(lambda: states(stage).count(1) == len(asked))
    stage.behaviour.set("jd", "ok")
    stage.behaviour.set("china-mobile", "retry")
    stage.admit(owed)
    wait_until(lambda: not unrecorded(stage))
    stage.behaviour.set("gateway", "no_receipt")  # or the network's word would tell how far it came
    stage.trigger.arm([GATEWAY_POINT], 1, "stop")
    stage.behaviour.set("china-mobile", "ok")
    stage.pass_time(lambda: stage.trigger.pid_at(GATEWAY_POINT) is not None, step_s=5)
    assert State.SENDING in reply_states(stage), "one SMS is on its way, and nobody knows how far"
    backup = stage.mariadb.dump()
    os.kill(stage.trigger.pid_at(GATEWAY_POINT) or 0, signal.SIGCONT)
    stage.settle()
    before = {one.reference for one in stage.outside.sent}

    stage.drop_curtain()
    stage.mariadb.load(backup)
    stage.redis.client().flushall()
    assert any(state < 3 for state in states(stage)), "the backup is of the middle"
    stage.raise_curtain()
    stage.settle()
    assert {one.reference for one in stage.outside.sent} == before, "what the gateway had taken is not a new message"
    assert check(stage.ground, stage.outside, citizens) == []


def states(stage: Theatre) -> list[int]:
    with reading(stage.ground.engine) as db:
        return list(db.scalars(select(inquiry.c.state)))


def unrecorded(stage: Theatre) -> bool:
    """Return whether the gateway is still busy with a message, say the last citizen's code, or will be."""
    with reading(stage.ground.engine) as db:
        return bool({State.DUE, State.SENDING} & set(db.scalars(select(message.c.state))))


def reply_states(stage: Theatre) -> set[int]:
    with reading(stage.ground.engine) as db:
        return set(db.scalars(select(message.c.state).where(message.c.lane == Lane.REPLY)))
