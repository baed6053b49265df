"""Do answers tell a match from a mismatch? Inquiries of both kinds, polled every 50 ms, compared by bytes and times.

Bytes: every body of the first five seconds, without reference, number and times. Times: of the submission, of the
polls, and from acceptance to the first `closed`, each by the Mann-Whitney U test (two-sided, normal approximation with
ties): a small p says that the kinds can be told apart.
"""

from __future__ import annotations

import math
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from query.inquiry import UNIFORM_MS
from tests.bench.instances import embedded, limits_off
from tests.support.instances import Citizen, Instance

EACH = int(os.environ.get("ORACLE_EACH", "100"))
AT_ONCE, EVERY_S, WATCHED_S = 10, 0.05, 7.0
TAILS = {"match": "12345X", "mismatch": "000000"}
NAMED = ("reference", "phone", "accepted_at", "reply_by")


@dataclass
class Seen:
    """One inquiry as its owner sees it; times in ms."""

    submit_ms: float
    poll_ms: float = 0.0
    closed_ms: float = 0.0
    bodies: set[str] = field(default_factory=set)


def watch(instance: Instance, number: int, kind: str) -> Seen:
    """Submit an inquiry and poll its progress until it is closed."""
    citizen = Citizen(instance, f"138{number:08d}")
    code = citizen.receive_code()
    begun = time.monotonic()
    answer = citizen.submit(code, TAILS[kind])
    accepted = time.monotonic()
    assert answer.status_code == 202, answer.text
    seen, polls = Seen((accepted - begun) * 1000), []
    path = f"/inquiries/{answer.json()['reference']}"
    while not seen.closed_ms and time.monotonic() < accepted + WATCHED_S:
        asked = time.monotonic()
        told: dict[str, Any] = citizen.call("GET", path).json()
        polls.append((time.monotonic() - asked) * 1000)
        if told["status"] == "closed":
            seen.closed_ms = (time.monotonic() - accepted) * 1000
        elif time.monotonic() - accepted < UNIFORM_MS / 1000 - 0.5:
            seen.bodies.add(str({name: value for name, value in told.items() if name not in NAMED}))
        time.sleep(max(0.0, EVERY_S - (time.monotonic() - asked)))
    seen.poll_ms = statistics.median(polls)
    return seen


def mann_whitney(first: Sequence[float], second: Sequence[float]) -> float:
    """Return the two-sided p of both being of one distribution; the normal approximation, with ties."""
    together = sorted((value, kind) for kind, values in enumerate((first, second)) for value in values)
    ranks, ties, place = [0.0, 0.0], 0, 0
    while place < len(together):
        alike = [one for one in together[place:] if one[0] == together[place][0]]
        for _, kind in alike:
            ranks[kind] += place + (len(alike) + 1) / 2
        ties += len(alike) ** 3 - len(alike)
        place += len(alike)
    a, b = len(first), len(second)
    u, n = ranks[0] - a * (a + 1) / 2, a + b
    spread = math.sqrt(a * b / 12 * (n + 1 - ties / (n * (n - 1))))
    if not spread:
        return 1.0
    z = max(0.0, abs(u - a * b / 2) - 0.5) / spread
    return 2 * (1 - statistics.NormalDist().cdf(z))


def measure(each: int = EACH) -> dict[str, Any]:
    """The kinds in turn, AT_ONCE inquiries at a time, on the embedded default."""
    found: dict[str, list[Seen]] = {kind: [] for kind in TAILS}
    with tempfile.TemporaryDirectory(prefix="onecert-oracle-") as name, embedded(Path(name)) as instance:
        limits_off(instance)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            kinds = [kind for _ in range(each) for kind in TAILS]
            jobs = [(kind, pool.submit(watch, instance, number, kind)) for number, kind in enumerate(kinds)]
            for kind, job in jobs:
                found[kind].append(job.result())
    match, mismatch = found["match"], found["mismatch"]
    bodies = [set().union(*(one.bodies for one in kind)) for kind in (match, mismatch)]
    figures: dict[str, Any] = {"each": each, "same_bytes": bodies[0] == bodies[1], "bodies": len(bodies[0] | bodies[1])}
    for name in ("submit_ms", "poll_ms", "closed_ms"):
        first, second = ([getattr(one, name) for one in kind] for kind in (match, mismatch))
        figures[name] = {
            "match": round(statistics.median(first), 2),
            "mismatch": round(statistics.median(second), 2),
            "p": round(mann_whitney(first, second), 3),
        }
    return figures
