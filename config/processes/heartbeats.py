"""Heartbeats: each process that runs until stopped keeps a row with the time it was last alive.

`onecert processes` and `onecert doctor` read them, so a dead or frozen clock, gateway or worker is named.
The web server's readiness check writes its row, so it fails when nothing can be written.
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Final

from sqlalchemy import Column, Integer, String, Table, delete, select
from sqlalchemy.pool import QueuePool

from config.db.engine import begin, metadata, reading, transact, upsert
from config.db.types import Id16, Ms
from config.errors import OneCertError
from config.ground import Ground
from config.telemetry.metrics import set_connections

ROLES: Final = ("web", "worker", "gateway", "clock")
BEAT_S: Final = 5.0
STALE_MS: Final = 20_000
"""A process without a heartbeat for this time is dead, frozen, or cut off from the database."""
KEPT_MS: Final = 24 * 3600 * 1000
CHECK_S: Final = 2.0
"""A readiness check within this time of the last write writes nothing."""

process = Table(
    "process",
    metadata,
    Column("id", Id16, primary_key=True),
    Column("role", String(16), nullable=False),
    Column("host", String(64), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("release", String(32), nullable=False),
    Column("public_url", String(255), nullable=False),
    Column("started_at", Ms, nullable=False),
    Column("seen_at", Ms, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Seen:
    """A process as its row tells it; times in epoch ms. `alive`: it has been seen within STALE_MS."""

    role: str
    host: str
    pid: int
    release: str
    public_url: str
    started_at: int
    seen_at: int
    alive: bool


class Heartbeat:
    """Writes one process's row every BEAT_S from a thread, until it is stopped."""

    def __init__(self, ground: Ground, role: str) -> None:
        self._ground = ground
        self._row = {
            "id": secrets.token_bytes(16),
            "role": role,
            "host": socket.gethostname()[:64],
            "pid": os.getpid(),
            "release": version("onecert")[:32],
            "public_url": ground.settings.public_url[:255],
            "started_at": ground.clock.now(),
        }
        self._stopped = threading.Event()
        self._written = 0.0
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Begin; a database that is away is tried again at the next beat."""
        self._thread.start()

    def stop(self) -> None:
        """End, and take the row away: a process that was stopped is not missed."""
        self._stopped.set()
        self._thread.join(timeout=BEAT_S)
        try:
            self.forget()
        except OneCertError:
            return  # the row is stale soon, and gone after a day

    def forget(self) -> None:
        """Take the row away. Raises DatabaseUnavailable."""
        with begin(self._ground.engine) as db:
            db.execute(delete(process).where(process.c.id == self._row["id"]))

    def write(self) -> None:
        """Write the row now, unless that was done within CHECK_S. Raises DatabaseUnavailable."""
        if time.monotonic() - self._written < CHECK_S:
            return
        row = {**self._row, "seen_at": self._ground.clock.now()}
        statement = upsert(process, self._ground.engine.dialect.name, update=["seen_at"])
        transact(self._ground.engine, lambda db: db.execute(statement, [row]))
        self._written = time.monotonic()

    def _run(self) -> None:
        self._try(self._forget_old)
        while True:
            self._try(self.write)
            if isinstance(pool := self._ground.engine.pool, QueuePool):
                set_connections(str(self._row["role"]), pool.checkedout())
            if self._stopped.wait(BEAT_S):
                return

    def _forget_old(self) -> None:
        with begin(self._ground.engine) as db:
            db.execute(delete(process).where(process.c.seen_at < self._ground.clock.now() - KEPT_MS))

    def _try(self, act: Callable[[], None]) -> None:
        try:
            act()
        except OneCertError:
            return  # logged once by the database's availability


@contextmanager
def heartbeat(ground: Ground, role: str) -> Iterator[None]:
    """Keep a heartbeat for the block."""
    beat = Heartbeat(ground, role)
    beat.start()
    try:
        yield
    finally:
        beat.stop()


def read_processes(ground: Ground) -> list[Seen]:
    """Return every process with a row, by role and host. Raises DatabaseUnavailable."""
    with reading(ground.engine) as db:
        rows = db.execute(select(process).order_by(process.c.role, process.c.host, process.c.started_at)).all()
        now = ground.clock.now()
    return [
        Seen(
            *(row.role, row.host, row.pid, row.release, row.public_url, row.started_at, row.seen_at),
            alive=now - row.seen_at < STALE_MS,
        )
        for row in rows
    ]
