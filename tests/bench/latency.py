"""One inquiry after another in an idle system, of each service: milliseconds from the 202 to the SMS at the gateway."""

from __future__ import annotations

import statistics
import tempfile
import time
from datetime import datetime
from itertools import product
from pathlib import Path
from typing import Any

from tests.bench.instances import embedded, limits_off, on_mariadb
from tests.support.instances import Citizen, Instance

INQUIRIES, ROUNDS = 200, 3
ACCOUNTS, CARDS = "internet-accounts", "phone-cards"
BESIDE = 500
"""The first number of the second service in a round of a thousand."""


def one(instance: Instance, phone: str, service: str) -> float:
    """Milliseconds from the moment the 202 was read to the moment the sandbox's gateway had the reply."""
    citizen = Citizen(instance, phone)
    code = citizen.receive_code(service)
    before = len(instance.messages(phone))
    answer = citizen.submit(code) if service == ACCOUNTS else citizen.submit_phone_cards(code)
    accepted = time.time()
    assert answer.status_code == 202, answer.text
    reply = instance.wait_for_messages(phone, before + 1)[-1]
    return (datetime.fromisoformat(reply["received_at"]).timestamp() - accepted) * 1000


def sample(instance: Instance, first: int, service: str) -> dict[str, float]:
    """p50 and p99 over `INQUIRIES` numbers nobody asked about before."""
    times = sorted(one(instance, f"138{first + n:08}", service) for n in range(INQUIRIES))
    return {"p50_ms": statistics.median(times), "p99_ms": times[int(len(times) * 0.99) - 1]}


def middle(turns: list[dict[str, float]]) -> dict[str, float]:
    """The median of each figure over the rounds."""
    return {key: round(statistics.median(turn[key] for turn in turns), 1) for key in ("p50_ms", "p99_ms")}


def measure() -> dict[str, dict[str, Any]]:
    """Per database: the medians over `ROUNDS` rounds of internet accounts, and of phone cards in `phone_cards`.

    The databases and the services are taken in turn.
    """
    found: dict[tuple[str, str], list[dict[str, float]]] = {}
    with tempfile.TemporaryDirectory(prefix="onecert-bench-") as name:
        directory = Path(name)
        with embedded(directory / "sqlite") as sqlite, on_mariadb(directory / "mariadb") as mariadb:
            instances = {"sqlite": sqlite, "mariadb": mariadb}
            for instance in instances.values():
                limits_off(instance)
            for turn in range(ROUNDS):
                for (database, instance), service in product(instances.items(), (ACCOUNTS, CARDS)):
                    first = turn * 1000 + (BESIDE if service == CARDS else 0)
                    found.setdefault((database, service), []).append(sample(instance, first, service))
    return {
        database: {**middle(found[database, ACCOUNTS]), "phone_cards": middle(found[database, CARDS])}
        for database in ("sqlite", "mariadb")
    }
