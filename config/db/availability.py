"""Log lines for a database that goes away and comes back: one line a change, with the cause."""

from __future__ import annotations

from config.telemetry.log import get_logger

_log = get_logger(__name__)


class Availability:
    """Logs each change of the database's state once in a process, with its cause. Commands print it instead."""

    def __init__(self) -> None:
        self._cause: str | None = None
        self.logged = False

    def note(self, cause: str | None) -> None:
        """Note that a transaction failed for this cause, or (None) succeeded."""
        if cause is not None:
            count_failure("away")
        if cause == self._cause or not self.logged:
            return
        self._cause = cause
        if cause is None:
            _log.info("database_back")
        else:
            _log.error("database_away", cause=cause)


def count_failure(reason: str) -> None:
    """Count a failed transaction; loaded at the first one, so that commands need not wait for the meters."""
    from config.telemetry.metrics import count_database_failure  # noqa: PLC0415

    count_database_failure(reason)


availability = Availability()


def log_availability() -> None:
    """Log from now on when the database goes away and comes back; called by processes that run until stopped."""
    availability.logged = True
