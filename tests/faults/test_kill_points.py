"""Processes that die at every named point, on its first, second and third passage: nothing is lost, nothing doubled."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.faults.checker import check
from tests.faults.external_services import Body
from tests.faults.failpoints import inquiry_points
from tests.faults.instance import STILL_S, Citizen, Theatre
from tests.faults.load import assemble, frozen, owed
from tests.support.servers import wait_until

LONGEST_S = 240
FIRST_BYTE = "call.after_first_byte"


@pytest.mark.parametrize("passage", [1, 2, 3])
def test_a_process_killed_at_any_point_leaves_inquiries_that_end_once(
    stage: Theatre, people: Callable[[int], list[Citizen]], passage: int
) -> None:
    said_before = stage.log.stat().st_size
    stage.trigger.arm(inquiry_points(), passage)
    stage.outside.plays |= {"meituan": Moody(2), "gateway": Moody(3)}
    citizens: list[Citizen] = []
    until = time.monotonic() + LONGEST_S
    while not citizens or (stage.trigger.waiting() and time.monotonic() < until):
        if stage.trigger.waiting() == ["ledger.before_commit"]:
            stage.trigger.arm(["send.after_claim"], 1)  # for a lease that runs out
        some = people(6)
        stage.admit(some)
        stage.settle(careful_s=STILL_S)  # many a lease is lost here
        citizens += some
    assert stage.trigger.waiting() == [], "never reached"
    # All points at once hit the same first wave, and three deaths in a row make an innocent look like poison.
    innocents = set_aside(stage, said_before)
    assert len(innocents) <= len(citizens) / 2, "most must be answered, or nothing is asked here"
    assert check(stage.ground, stage.outside, citizens, floor=1 - len(innocents) / len(citizens)) == []


def test_the_gateway_killed_after_the_first_byte_of_a_reply_sends_it_once(
    stage: Theatre, people: Callable[[int], list[Citizen]]
) -> None:
    citizens, gateways = people(3), {player.pid for player in stage.players("gateway")}
    with contextlib.ExitStack() as asleep:
        with frozen(stage, "gateway"):
            assemble(stage, citizens)
            wait_until(lambda: owed(stage) == len(citizens))
            asleep.enter_context(frozen(stage, "worker"))  # from here on nobody else calls anybody
            stage.trigger.arm([FIRST_BYTE], 1)
        wait_until(lambda: stage.trigger.pid_at(FIRST_BYTE))
    assert stage.trigger.pid_at(FIRST_BYTE) in gateways
    stage.settle()
    assert check(stage.ground, stage.outside, citizens) == []


def set_aside(stage: Theatre, said_before: int) -> set[str]:
    """The inquiries that the product's log names as set aside, since it was so long."""
    lines = stage.log.read_bytes()[said_before:].decode(errors="replace").splitlines()
    return {
        found[1] for line in lines if "item_set_aside" in line and (found := re.search(r'"inquiry": "(\w+)"', line))
    }


class Moody:
    """Breaks one answer in so many, so that the points of a failed call are passed too."""

    def __init__(self, one_in: int) -> None:
        self.one_in, self.calls = one_in, 0

    def __call__(self, _question: Any, status: int, body: bytes) -> tuple[int, str, Body]:
        self.calls += 1
        return (500, "text/plain", b"") if self.calls % self.one_in == 0 else (status, "application/json", body)
