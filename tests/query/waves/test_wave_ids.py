"""Wave ids: none twice, whichever processes make them in the same millisecond; and one that is taken is drawn again."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from unittest.mock import patch

import pytest

from config.ground import Ground
from config.times.clock import FixedClock
from query.inquiry import Outcome
from query.models import wave
from query.waves.wave_ids import WaveIds, wave_ids
from tests.query.asking.test_rounds import CARRIER
from tests.query.partner_stub import Partners, accept, gather, one, rows, work
from tests.support.factories import LAUNCH_DAY

ROWS_63 = 2**63
MAKE = f"from query.waves.wave_ids import wave_ids\nfor _ in range(25000): print(wave_ids.new({LAUNCH_DAY}))"


def test_four_processes_make_100000_in_one_millisecond_without_a_repeat() -> None:
    """20 random bits repeated themselves among 43 in one millisecond about once in 1,200 runs."""
    children = [subprocess.Popen([sys.executable, "-c", MAKE], stdout=subprocess.PIPE, text=True) for _ in range(4)]
    made = [int(line) for child in children for line in child.communicate()[0].split()]
    assert len(set(made)) == len(made) == 100_000
    assert all(0 < number < ROWS_63 for number in made)


def test_a_forked_process_does_not_go_on_where_its_parent_stood() -> None:
    parent = wave_ids.new(LAUNCH_DAY)
    read, write = os.pipe()
    if (pid := os.fork()) == 0:
        os.write(write, str(wave_ids.new(LAUNCH_DAY)).encode())
        os._exit(0)
    os.waitpid(pid, 0)
    child = int(os.read(read, 40))
    os.close(read)
    os.close(write)
    assert child != parent + 1


@pytest.mark.parametrize("steps", [(0, 1, 2), (0, 70_000, 140_000), (70_000, 0, 1), (0, 70_000, 69_999)])
def test_ids_rise_also_when_the_clock_goes_back(steps: tuple[int, ...]) -> None:
    ids = WaveIds()
    made = [ids.new(LAUNCH_DAY + step) for step in steps]
    assert made == sorted(set(made))


def test_ids_are_above_those_of_an_earlier_release_and_last_into_the_next_century() -> None:
    ids = WaveIds()
    assert ids.new(LAUNCH_DAY) > (LAUNCH_DAY + 10**10) << 20
    assert ids.new(4_390_000_000_000) < ROWS_63


@pytest.fixture
def two_that_are_alike() -> Iterator[list[int]]:
    """Two processes that begin at the same place: the second one's first beginning is the first one's."""
    drawn = [5, 5, 2**30]
    with patch("query.waves.wave_ids.randbits", lambda bits: drawn.pop(0)):
        yield drawn


def test_a_wave_whose_id_is_taken_is_gathered_under_another(
    ground: Ground, clock: FixedClock, partners: Partners, two_that_are_alike: list[int]
) -> None:
    first = accept(ground, "13800138000")
    wave_ids.begin_anew()
    gather(ground, CARRIER)
    second = accept(ground, "13800138001")
    wave_ids.begin_anew()
    gather(ground, CARRIER)
    assert two_that_are_alike == []
    assert len({row.id for row in rows(ground, wave)}) == 2
    work(ground)
    assert {one(ground, entry).outcome for entry in (first, second)} == {Outcome.ANSWERED}
