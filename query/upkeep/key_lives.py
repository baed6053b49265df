"""The lives of content keys, and SQLite's log: the parts of the sweep that make erased data unreadable."""

import threading
import time
from functools import partial
from typing import Final

from sqlalchemy import Connection

from config import audit
from config.db.engine import transact
from config.db.sqlite_log import truncate_wal
from config.ground import Ground

TRUNCATE_EVERY_S: Final = 60.0


def tend_keys(ground: Ground) -> None:
    """Make the keys that are due, and destroy content keys whose content is past its time."""
    transact(ground.engine, partial(_tend, ground=ground, now=ground.clock.now()))


def _tend(db: Connection, ground: Ground, now: int) -> None:
    ground.keys.tend(db, now)
    if ground.keys.is_old(db, now):
        number = ground.keys.rotate(db, now)
        audit.record(db, ground, "key.rotate", f"data key {number}", "by age", actor="clock")


class LogTruncation:
    """Empties SQLite's write-ahead log once a minute: a checkpoint alone leaves what was written in the file."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next = 0.0

    def truncate(self, ground: Ground) -> None:
        """Empty the log if it is time to; a reader that is at work puts it off to the next pass."""
        with self._lock:
            if time.monotonic() < self._next:
                return
            if truncate_wal(ground.engine):
                self._next = time.monotonic() + TRUNCATE_EVERY_S


log_truncation: Final = LogTruncation()
"""This process's."""


def truncate_log(ground: Ground) -> None:
    """Empty SQLite's write-ahead log if it is time to."""
    log_truncation.truncate(ground)
