"""What an idle embedded instance takes: memory of all its processes together, and the time until it says ready."""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

import psutil

from tests.bench.instances import embedded
from tests.instances import Citizen, Instance

ROUNDS = 3


def memory(instance: Instance) -> tuple[float, float]:
    """(proportional, resident) MB of the supervisor and everything below it; shared pages count once in the first."""
    supervisor = psutil.Process(instance.pid)
    found = [child.memory_full_info() for child in [supervisor, *supervisor.children(recursive=True)]]
    return sum(info.pss for info in found) / 1e6, sum(info.rss for info in found) / 1e6


def measure() -> dict[str, float]:
    """Medians of `ROUNDS` starts of an instance that is already set up, after one inquiry each has warmed it."""
    starts, shared, resident = [], [], []
    with tempfile.TemporaryDirectory(prefix="onecert-bench-") as name:
        with embedded(Path(name)):
            pass
        for turn in range(ROUNDS):
            with embedded(Path(name)) as instance:
                citizen = Citizen(instance, f"1390000000{turn}")
                citizen.submit(citizen.receive_code())
                instance.wait_for_messages(citizen.phone, 2)
                proportional, rss = memory(instance)
                starts.append(instance.start_s)
                shared.append(proportional)
                resident.append(rss)
    return {
        "rss_mb": round(statistics.median(resident), 1),
        "pss_mb": round(statistics.median(shared), 1),
        "start_s": round(statistics.median(starts), 2),
    }
