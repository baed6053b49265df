"""The cost of a stretch of work: CPU by process, and the database's own counters."""

from __future__ import annotations

import contextlib
import os
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import psutil
from sqlalchemy import text

from config.db.engine import reading
from config.ground import Ground
from tests.support.instances import Instance

ROLES = ("web", "worker", "gateway", "clock", "sandbox")
COUNTERS = {
    "rows": ("Handler_write", "Handler_update", "Handler_delete"),
    "statements": ("Questions",),
    "redo_bytes": ("Innodb_os_log_written",),
}


@dataclass
class Taken:
    """CPU seconds by process, and counters, between the two ends of a stretch."""

    cpu: dict[str, float] = field(default_factory=dict)
    counters: dict[str, float] = field(default_factory=dict)

    def per_inquiry(self, count: int) -> dict[str, object]:
        """The figures of one inquiry."""
        by_process = {role: round(seconds * 1000 / count, 3) for role, seconds in sorted(self.cpu.items())}
        return {
            "cpu_ms": {"all": round(sum(self.cpu.values()) * 1000 / count, 3), **by_process},
            **{name: round(value / count, 1) for name, value in self.counters.items()},
        }


@contextlib.contextmanager
def metered(ground: Ground, instance: Instance) -> Iterator[Taken]:
    """Measure the block; `Taken` is filled in at its end."""
    cpu, counters, taken = cpu_seconds(instance), _counters(ground), Taken()
    yield taken
    taken.cpu = {role: spent for role, seconds in cpu_seconds(instance).items() if (spent := seconds - cpu[role]) > 0}
    taken.counters = {name: value - counters[name] for name, value in _counters(ground).items()}


def cpu_seconds(instance: Instance) -> defaultdict[str, float]:
    """CPU seconds so far by role; the servers are children of this process, the rest of the supervisor."""
    found = defaultdict[str, float](float)
    for child in psutil.Process(instance.pid).children(recursive=True):
        words = child.cmdline()
        role = next((role for role in ROLES if role in words), "other")
        found[role] += _cpu(child)
    for child in psutil.Process(os.getpid()).children():
        if (server := {"mariadbd": "database", "redis-server": "redis"}.get(child.name())) is not None:
            found[server] += _cpu(child)
    return found


def _cpu(child: psutil.Process) -> float:
    times = child.cpu_times()
    return float(times.user + times.system)


def _counters(ground: Ground) -> dict[str, float]:
    with reading(ground.engine) as db:
        status: dict[str, str] = {name: value for name, value in db.execute(text("SHOW GLOBAL STATUS"))}
    return {name: sum(float(status[part]) for part in parts) for name, parts in COUNTERS.items()}
