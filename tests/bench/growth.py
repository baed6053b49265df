"""The same drain on a database that holds ten thousand, a hundred thousand and a million finished inquiries."""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path
from typing import Any

import psutil

from config.ground import Ground
from tests.bench.history import analyze, store_finished
from tests.bench.instances import ground_of, on_mariadb
from tests.bench.pipeline import WARM_UP, drain
from tests.support.instances import Instance

STORED = (10_000, 100_000, 1_000_000)
INQUIRIES, ROUNDS = 10_000, 3


def worker_mb(instance: Instance) -> float:
    """Resident memory of the largest worker, MB."""
    children = psutil.Process(instance.pid).children(recursive=True)
    return max(child.memory_info().rss for child in children if "worker" in child.cmdline()) / 1e6


def _drains(ground: Ground, instance: Instance, first: int) -> list[dict[str, Any]]:
    return [drain(ground, instance, first + turn * 1_000_000, INQUIRIES) for turn in range(ROUNDS)]


def measure() -> dict[str, Any]:
    """Inquiries a second and CPU-ms by how many are stored; the ratio of the ends; and the workers' memory."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="onecert-bench-") as name:  # noqa: SIM117 - the directory goes last
        with on_mariadb(Path(name) / "mariadb", "--workers", "2") as instance, ground_of(instance) as ground:
            instance.behave("gateway", "no_receipt")
            drain(ground, instance, 90_000_000, WARM_UP)
            before = worker_mb(instance)
            stored = 0
            for place, count in enumerate(STORED):
                store_finished(ground, stored + 1, count - stored)
                analyze(ground)
                stored = count
                runs = _drains(ground, instance, (1 + place) * 10_000_000)
                found[f"stored_{count}"] = {
                    "per_second": statistics.median(run["per_second"] for run in runs),
                    "cpu_ms": statistics.median(run["cpu_ms"]["all"] for run in runs),
                    "database_cpu_ms": statistics.median(run["cpu_ms"]["database"] for run in runs),
                }
            grown = worker_mb(instance) - before
    least, most = found[f"stored_{STORED[0]}"], found[f"stored_{STORED[-1]}"]
    return {
        "ratio_1m_to_10k": round(most["per_second"] / least["per_second"], 3),
        "cpu_ratio_1m_to_10k": round(most["cpu_ms"] / least["cpu_ms"], 3),
        "worker_grew_mb": round(grown, 1),
        "worker_inquiries": len(STORED) * ROUNDS * INQUIRIES,
        **found,
    }
