"""The whole pipeline from 20 thousand accepted inquiries to as many replies at the gateway, all on one machine."""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path
from typing import Any

from config.ground import Ground
from tests.bench import lower_bound, naive_design
from tests.bench.arrivals import lives, store_at_once, store_steadily, wait_drained
from tests.bench.instances import ground_of, on_mariadb
from tests.bench.measure import metered
from tests.support.instances import Instance

INQUIRIES, ROUNDS = 20_000, 3
WARM_UP = 2_000
OBVIOUS = {"simple": 200, "fork": 30}
RATES, STEADY_S = (50, 200, 600), 8.0


def drain(ground: Ground, instance: Instance, first: int, count: int) -> dict[str, Any]:
    """Store `count` inquiries at once and let two workers and the gateway have them."""
    started = ground.clock.now()
    store_at_once(ground, first, count)
    with metered(ground, instance) as taken:
        seconds = drained(ground, started, count)
    found = lives(ground, started)
    return {"per_second": round(count / seconds, 1), **taken.per_inquiry(count), **percentiles(found)}


def drained(ground: Ground, started: int, count: int) -> float:
    """Ring for what is stored and wait until it is handed over; seconds that this took."""
    rung = ground.clock.now()
    ground.bell.ring("gather")
    wait_drained(ground)
    found = lives(ground, started)
    assert len(found) == count
    return (max(closed for _, closed in found) - rung) / 1000


def floor_rate(ground: Ground, instance: Instance, first: int, count: int) -> float:
    """Inquiries a second of the same drain at the floor."""
    with lower_bound.on_the_floor(ground, instance):
        started = ground.clock.now()
        with lower_bound.sealed_by_nobody():
            store_at_once(ground, first, count)
        return count / drained(ground, started, count)


def steady(ground: Ground, instance: Instance, first: int, rate: int) -> dict[str, Any]:
    """Arrivals one by one at a rate, each committed by itself (by this process, whose CPU is not counted)."""
    started = ground.clock.now()
    with metered(ground, instance) as taken:
        count = store_steadily(ground, first, rate, STEADY_S)
        wait_drained(ground)
    found = lives(ground, started)
    return {"arrived_per_second": round(count / STEADY_S, 1), **taken.per_inquiry(count), **percentiles(found)}


def percentiles(found: list[tuple[int, int]]) -> dict[str, Any]:
    """From acceptance to the gateway's word, ms."""
    times = sorted(closed - accepted for accepted, closed in found)
    return {"p50_ms": statistics.median(times), "p99_ms": times[int(len(times) * 0.99) - 1]}


def measure() -> dict[str, Any]:
    """The three designs in turn, `ROUNDS` times on one database; medians, ratios, and the steady arrivals."""
    with tempfile.TemporaryDirectory(prefix="onecert-bench-") as name:  # noqa: SIM117 - the directory goes last
        with on_mariadb(Path(name) / "mariadb", "--workers", "2") as instance, ground_of(instance) as ground:
            # Receipts come back later and to the web process: they are no part of the way to the gateway.
            instance.behave("gateway", "no_receipt")
            drain(ground, instance, 90_000_000, WARM_UP)
            drains, floors, obvious_rates = [], [], []
            for turn in range(1, ROUNDS + 1):
                drains.append(drain(ground, instance, turn * 1_000_000, INQUIRIES))
                floors.append(floor_rate(ground, instance, 10_000_000 + turn * 1_000_000, INQUIRIES))
                obvious_rates.append(naive_design.rate(instance, "simple", OBVIOUS["simple"]))
            forking = naive_design.rate(instance, "fork", OBVIOUS["fork"])
            steadily = {f"at_{rate}": steady(ground, instance, 50_000_000 + rate * 10_000, rate) for rate in RATES}
    return {
        **_medians(drains),
        "ratio_to_obvious": round(_ratio(drains, obvious_rates), 1),
        "ratio_to_floor": round(_ratio(drains, floors), 3),
        "obvious_per_second": round(statistics.median(obvious_rates), 2),
        "obvious_forking_per_second": round(forking, 2),
        "floor_per_second": round(statistics.median(floors)),
        "runs": {
            "pipeline": [drained["per_second"] for drained in drains],
            "floor": [round(one) for one in floors],
            "obvious": [round(one, 2) for one in obvious_rates],
        },
        **steadily,
    }


def _ratio(drains: list[dict[str, Any]], others: list[float]) -> float:
    """The median of the ratios of neighbours in time: the machine may be slower the next minute."""
    pairs = zip(drains, others, strict=True)
    return statistics.median(drained["per_second"] / other for drained, other in pairs)


def _medians(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Figure by figure."""
    first = runs[0]
    return {
        name: _medians([run[name] for run in runs])
        if isinstance(first[name], dict)
        else round(statistics.median(run[name] for run in runs), 3)
        for name in first
    }
