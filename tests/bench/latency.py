"""One inquiry after another in an idle system: milliseconds from the 202 to the SMS at the gateway."""

from __future__ import annotations

import statistics
import tempfile
import time
from datetime import datetime
from pathlib import Path

from tests.bench.instances import embedded, limits_off, on_mariadb
from tests.instances import Citizen, Instance

INQUIRIES, ROUNDS = 200, 3


def one(instance: Instance, phone: str) -> float:
    """Milliseconds from the moment the 202 was read to the moment the sandbox's gateway had the reply."""
    citizen = Citizen(instance, phone)
    code = citizen.receive_code()
    before = len(instance.messages(phone))
    answer = citizen.submit(code)
    accepted = time.time()
    assert answer.status_code == 202, answer.text
    reply = instance.wait_for_messages(phone, before + 1)[-1]
    return (datetime.fromisoformat(reply["received_at"]).timestamp() - accepted) * 1000


def sample(instance: Instance, first: int) -> dict[str, float]:
    """p50 and p99 over `INQUIRIES` numbers nobody asked about before."""
    times = sorted(one(instance, f"138{first + n:08}") for n in range(INQUIRIES))
    return {"p50_ms": statistics.median(times), "p99_ms": times[int(len(times) * 0.99) - 1]}


def measure() -> dict[str, dict[str, float]]:
    """Per database: the medians over `ROUNDS` rounds, the databases taken in turn."""
    with tempfile.TemporaryDirectory(prefix="onecert-bench-") as name:
        directory = Path(name)
        with embedded(directory / "sqlite") as sqlite, on_mariadb(directory / "mariadb") as mariadb:
            for instance in (sqlite, mariadb):
                limits_off(instance)
            found: dict[str, list[dict[str, float]]] = {"sqlite": [], "mariadb": []}
            for turn in range(ROUNDS):
                found["sqlite"].append(sample(sqlite, turn * 1000))
                found["mariadb"].append(sample(mariadb, turn * 1000))
    return {
        database: {key: round(statistics.median(turn[key] for turn in turns), 1) for key in ("p50_ms", "p99_ms")}
        for database, turns in found.items()
    }
