"""Bulkheads: each step that calls a partner runs in a lane of its own, so that a slow partner holds up only itself.

A worker waits for a partner no longer than a healthy one takes, and then goes on with what is next. A partner has
at most a few lanes of a worker; what is rung for it meanwhile runs when one of them is free.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Final, TypeAlias

from config.errors import OneCertError
from config.telemetry.log import get_logger

PATIENCE_S: Final = 0.25
ITEM_S: Final = 0.002
"""What an item more may cost a healthy partner."""
MOST_LANES: Final = 128

Step: TypeAlias = Callable[[], object]

_log = get_logger(__name__)


@dataclass(slots=True)
class _Run:
    """A step in its lane. `since`: since when it waits for its partner, if it does; `slowest`: its longest wait, s."""

    partner: str
    step: Step
    done: threading.Event = field(default_factory=threading.Event)
    since: float | None = None
    grace_s: float = 0.0
    slowest: float | None = None


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
        """Run `step`, one of at most `limit` for this partner; returns when it ends, or its partner is found slow.

        With every lane taken it runs when one is free; of several that wait for the same partner, one.
        """
        with self._lock:
            run = self._start(partner, limit, step)
            if run is None:
                # Whoever runs now may have looked already: one more look when a lane is free.
                self._again[partner] = (limit, step)
        if run is not None:
            self._wait(run)

    def run_beside(self, steps: Mapping[str, tuple[int, Step]]) -> set[str]:
        """Run a step (with its limit) for each partner, side by side; returns when all of them ended but the slow.

        Those for which there is no lane are not run: the partners returned.
        """
        with self._lock:
            runs = {partner: self._start(partner, *step) for partner, step in steps.items()}
        for run in runs.values():
            if run is not None:
                self._wait(run)
        return {partner for partner, run in runs.items() if run is None}

    def has_room(self, partner: str, limit: int) -> bool:
        """Whether a step of this partner could run now."""
        with self._lock:
            return not self._is_full(partner, limit)

    def _is_full(self, partner: str, limit: int) -> bool:
        return self._running[partner] >= limit or (not self._idle and self._lanes >= self._most)

    def _start(self, partner: str, limit: int, step: Step) -> _Run | None:
        if self._is_full(partner, limit):
            return None
        self._running[partner] += 1
        run = _Run(partner, step)
        (self._idle.pop() if self._idle else self._new_lane()).inbox.put(run)
        return run

    def _new_lane(self) -> "_Lane":
        self._lanes += 1
        lane = _Lane(self._ended)
        lane.start()
        return lane

    def _wait(self, run: _Run) -> None:
        left = self._patience_s
        while run.partner not in self._slow and not run.done.wait(left):
            since = run.since
            left = self._patience_s
            if since is not None:
                left = since + self._patience_s + run.grace_s - time.monotonic()
                if left <= 0:
                    with self._lock:
                        self._slow.add(run.partner)

    def _ended(self, lane: "_Lane", run: _Run) -> None:
        with self._lock:
            self._running[run.partner] -= 1
            self._idle.append(lane)
            if run.slowest is not None and run.slowest < self._patience_s:
                self._slow.discard(run.partner)
            # Whoever waits longest and may: the lane that is free now is everybody's.
            free = next((one for one, (limit, _) in self._again.items() if not self._is_full(one, limit)), None)
            if free is not None:
                self._start(free, *self._again.pop(free))


class _Lane(threading.Thread):
    """One thread. It dies with its process: a lease that it held runs out, like that of a killed worker."""

    def __init__(self, ended: Callable[["_Lane", _Run], None]) -> None:
        super().__init__(name="lane", daemon=True)
        self.inbox: SimpleQueue[_Run] = SimpleQueue()
        self.current: _Run | None = None
        self._ended = ended

    def run(self) -> None:
        """Step after step."""
        while True:
            self.current = run = self.inbox.get()
            try:
                run.step()
            except OneCertError as error:
                _log.warning("step_failed", partner=run.partner, error=type(error).__name__, detail=error.detail)
            except Exception:
                _log.exception("step_broken", partner=run.partner)
            self._ended(self, run)
            run.done.set()


@contextmanager
def waiting(items: int = 0) -> Iterator[None]:
    """Within it, a step waits for its partner, with so many items: what it takes besides does not make it slow."""
    lane = threading.current_thread()
    run = lane.current if isinstance(lane, _Lane) else None
    if run is None:
        yield
        return
    begun = time.monotonic()
    run.grace_s, run.since = items * ITEM_S, begun
    try:
        yield
    finally:
        run.since = None
        run.slowest = max(run.slowest or 0.0, time.monotonic() - begun - run.grace_s)
