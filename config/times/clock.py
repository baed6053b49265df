"""The time, as epoch milliseconds, from a clock that can be exchanged.

Only the database's clock decides: several hosts share one database, and a host whose clock is off
by hours must not close an inquiry or outdate a code. `time.monotonic` carries it between samples.
"""

import threading
import time
from typing import Protocol

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

SAMPLE_EVERY_S = 10.0


class Clock(Protocol):
    """A source of the time."""

    def now(self) -> int:
        """Epoch milliseconds."""
        ...


class SystemClock:
    """This machine's clock."""

    def now(self) -> int:
        """Epoch milliseconds."""
        return time.time_ns() // 1_000_000


class FixedClock:
    """A clock that stands still until it is moved; for tests."""

    def __init__(self, ms: int) -> None:
        self.ms = ms

    def now(self) -> int:
        """Epoch milliseconds."""
        return self.ms

    def advance(self, ms: int) -> None:
        """Move on by so many milliseconds."""
        self.ms += ms


class DatabaseClock:
    """The database's clock, sampled every 10 s. SQLite has no clock of its own: the machine's.

    While the database does not answer, the last sample is carried on; before there is one, this
    machine's clock stands in (nothing can be decided without the database anyway).
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._of_machine = engine.dialect.name == "sqlite"
        self._lock = threading.Lock()
        self._offset_ms: int | None = None  # database time minus monotonic time
        self._sample_at = 0.0

    def now(self) -> int:
        """Epoch milliseconds."""
        if self._of_machine:
            return SystemClock().now()
        here = time.monotonic()
        if here >= self._sample_at:
            self._sample()
            here = time.monotonic()
        offset = self._offset_ms
        return SystemClock().now() if offset is None else int(here * 1000) + offset

    def _sample(self) -> None:
        if not self._lock.acquire(blocking=self._offset_ms is None):
            return
        try:
            if time.monotonic() < self._sample_at:
                return
            self._sample_at = time.monotonic() + SAMPLE_EVERY_S
            with self._engine.connect() as db:
                before = _monotonic_ms()
                at = int(db.execute(text("SELECT CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)")).scalar_one())
            self._offset_ms = at - (before + _monotonic_ms()) // 2
        except SQLAlchemyError:
            self._sample_at = time.monotonic() + 1.0
        finally:
            self._lock.release()


def _monotonic_ms() -> int:
    return time.monotonic_ns() // 1_000_000
