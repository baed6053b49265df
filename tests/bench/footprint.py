"""Footprint of an idle embedded instance: memory of all its processes together, and the time until it says ready."""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

import psutil

from tests.bench.instances import embedded
from tests.support.instances import Citizen, Instance

ROUNDS = 3


def memory(instance: Instance) -> tuple[float, float]:
    """Resident MB of the supervisor and all below it: (shared pages counted once, counted again in each process)."""
    supervisor = psutil.Process(instance.pid)
    found = [child.memory_full_info() for child in [supervisor, *supervisor.children(recursive=True)]]
    return sum(info.pss for info in found) / 1e6, sum(info.rss for info in found) / 1e6


def measure() -> dict[str, float]:
    """Medians of `ROUNDS` starts of an instance that is already set up, after one inquiry each has warmed it."""
    starts, resident, again = [], [], []
    with tempfile.TemporaryDirectory(prefix="onecert-bench-") as name:
        with embedded(Path(name)):
            pass
        for turn in range(ROUNDS):
            with embedded(Path(name)) as instance:
                citizen = Citizen(instance, f"1390000000{turn}")
                citizen.submit(citizen.receive_code())
                instance.wait_for_messages(citizen.phone, 2)
                once, each = memory(instance)
                starts.append(instance.start_s)
                resident.append(once)
                again.append(each)
    return {
        "rss_mb": round(statistics.median(resident), 1),
        "rss_mb_counting_shared_pages_again": round(statistics.median(again), 1),
        "start_s": round(statistics.median(starts), 2),
    }
