"""Bulkheads: each step that calls a partner runs in a lane of its own, so that a slow partner holds up only itself.

A worker waits for a step no longer than a healthy partner takes, and then goes on with the next job. A partner has
at most a few lanes of a worker; what is rung for it meanwhile runs when one of them is free.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable
from queue import SimpleQueue
from typing import Final, TypeAlias

from config.errors import OneCertError
from config.log import get_logger

PATIENCE_S: Final = 0.25
MOST_LANES: Final = 128

Step: TypeAlias = Callable[[], None]

_log = get_logger(__name__)


class Lanes:
    """The lanes of one process: threads that are kept, the one used last taken first (its connections are warm)."""

    def __init__(self, most: int = MOST_LANES, patience_s: float = PATIENCE_S) -> None:
        self._most, self._patience_s = most, patience_s
        self._lock = threading.Lock()
        self._idle: list[_Lane] = []
        self._lanes = 0
        self._running: Counter[str] = Counter()
        self._again: dict[str, tuple[int, Step]] = {}
        self._slow: set[str] = set()

    def run(self, partner: str, limit: int, step: Step) -> None:
        """Run `step`, one of at most `limit` for this partner; returns when it ends, or is found to be slow."""
        done = self._start(partner, limit, step)
        if done is None or partner in self._slow:
            return
        if not done.wait(self._patience_s):
            with self._lock:
                self._slow.add(partner)

    def _start(self, partner: str, limit: int, step: Step) -> threading.Event | None:
        with self._lock:
            full = not self._idle and self._lanes >= self._most
            if full or self._running[partner] >= limit:
                # Whoever runs now may have looked already: one more look when it ends.
                self._again[partner] = (limit, step)
                return None
            self._running[partner] += 1
            lane = self._idle.pop() if self._idle else self._new_lane()
        done = threading.Event()
        lane.inbox.put((partner, step, done))
        return done

    def _new_lane(self) -> "_Lane":
        self._lanes += 1
        lane = _Lane(self._ended)
        lane.start()
        return lane

    def _ended(self, lane: "_Lane", partner: str, seconds: float) -> None:
        with self._lock:
            self._running[partner] -= 1
            self._idle.append(lane)
            if seconds < self._patience_s:
                self._slow.discard(partner)
            again = self._again.pop(partner, None)
        if again is not None:
            self._start(partner, *again)


class _Lane(threading.Thread):
    """One thread. It dies with its process: a lease that it held runs out, like that of a killed worker."""

    def __init__(self, ended: Callable[["_Lane", str, float], None]) -> None:
        super().__init__(name="lane", daemon=True)
        self.inbox: SimpleQueue[tuple[str, Step, threading.Event]] = SimpleQueue()
        self._ended = ended

    def run(self) -> None:
        """Step after step."""
        while True:
            partner, step, done = self.inbox.get()
            begun = time.monotonic()
            try:
                step()
            except OneCertError as error:
                _log.warning("step_failed", partner=partner, error=type(error).__name__, detail=error.detail)
            except Exception:
                _log.exception("step_broken", partner=partner)
            self._ended(self, partner, time.monotonic() - begun)
            done.set()
