"""Lease of the one sending process among several gateways: a row that is taken and renewed in the database.

The others stand by. A holder that dies is succeeded when its lease ends; one that stops gives the lease back.
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from config.db.engine import is_duplicate, transact
from config.errors import OneCertError
from config.ground import Ground
from config.telemetry.log import get_logger
from sms_port.models import leader

ROLE = "gateway"
LEASE_MS = 12_000
RENEW_S = 3.0
STANDBY_S = 2.0

log = get_logger(__name__)


def process_name() -> str:
    """Return `host:pid:id`; the id tells apart hosts and containers of one name."""
    return f"{socket.gethostname()[:60]}:{os.getpid()}:{_host_id()}"


def _host_id() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")[:8]
        return f"{boot}.{os.stat('/proc/self/ns/pid').st_ino}"
    except OSError:
        return ""


def is_dead(process: str) -> bool:
    """Return whether a holder ran on this host and is gone: its lease can be taken before it ends."""
    host, _, rest = process.partition(":")
    pid, _, place = rest.partition(":")
    here = bool(place) and place == _host_id() and host == socket.gethostname()[:60]
    return here and pid.isdigit() and not Path(f"/proc/{pid}").exists()


class LeaderLease:
    """This process's claim to the lease."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._holder = secrets.token_bytes(16)
        self._held_at = -float("inf")

    @property
    def leads(self) -> bool:
        """Return whether the lease we took last still runs, by this host's clock and with some seconds to spare."""
        return time.monotonic() - self._held_at < (LEASE_MS / 1000) * 0.75

    def hold(self) -> bool:
        """Take the lease, or renew it. Returns whether we hold it; False as well when the database does not answer."""
        begun = time.monotonic()
        try:
            held = transact(self._ground.engine, self._take)
            self._held_at = begun if held else -float("inf")
            return held
        except IntegrityError as error:
            if not is_duplicate(error):
                raise
            return False  # another process was first
        except OneCertError as error:
            log.warning("leadership_unsure", code=error.code)
            return False

    def give_back(self) -> None:
        """Let another process lead at once."""

        def end(db: Connection) -> None:
            db.execute(update(leader).where(leader.c.role == ROLE, leader.c.holder == self._holder).values(until=0))

        try:
            transact(self._ground.engine, end)
        except OneCertError as error:
            log.warning("leadership_unsure", code=error.code)

    def wait(self, stop: threading.Event, meanwhile: Callable[[], None] = lambda: None) -> bool:
        """Stand by until we lead (True) or `stop` is set; `meanwhile` is called every two seconds."""
        logged = False
        while not stop.is_set():
            if self.hold():
                log.info("gateway_leads", process=process_name())
                return True
            if not logged:
                log.info("gateway_stands_by", process=process_name())
                logged = True
            meanwhile()
            stop.wait(STANDBY_S)
        return False

    def _take(self, db: Connection) -> bool:
        now = self._ground.clock.now()
        row = db.execute(select(leader).where(leader.c.role == ROLE).with_for_update()).first()
        values = {"holder": self._holder, "process": process_name(), "until": now + LEASE_MS}
        if row is None:
            db.execute(insert(leader).values(role=ROLE, **values))
            return True
        if row.holder != self._holder and row.until > now and not is_dead(row.process):
            return False
        db.execute(update(leader).where(leader.c.role == ROLE).values(**values))
        return True
