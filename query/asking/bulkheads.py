"""Bulkheads: one pool of threads in which each partner has at most a few calls under way.

A slow partner fills its own share of the threads, so it delays only itself.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent import futures
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from config.catalogue.schema import Partner

CALLS_EACH: Final = 4
"""Maximum number of calls that one worker process makes to one partner at the same time."""
MAX_THREADS: Final = 128
PATIENCE_S: Final = 0.25
ITEM_PATIENCE_S: Final = 0.002
"""A healthy partner may take this much longer for each item of a call."""

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, eq=False)
class Running(Generic[Result]):
    """A call in a thread of the pool. A healthy partner has answered by `due` (seconds, monotonic)."""

    partner: str
    due: float
    future: "futures.Future[Result]"


class Bulkheads:
    """The pool of one worker process: `CALLS_EACH` calls to a partner, `MAX_THREADS` in all."""

    def __init__(self, patience_s: float = PATIENCE_S, max_threads: int = MAX_THREADS) -> None:
        self._patience_s, self._max_threads = patience_s, max_threads
        self._executor = futures.ThreadPoolExecutor(max_threads, "partner")
        self._lock = threading.Lock()
        self._running: Counter[str] = Counter()
        self._slow: set[str] = set()

    def has_room(self, partner: Partner) -> bool:
        """Return whether a call to this partner would start now."""
        with self._lock:
            return self._has_room(partner)

    def submit(self, partner: Partner, items: int, call: Callable[[], Result]) -> Running[Result] | None:
        """Start `call`, which asks about this many items, in a thread; None when the partner's share is used up."""
        with self._lock:
            if not self._has_room(partner):
                return None
            self._running[partner.code] += 1
        begun = time.monotonic()
        due = begun + self._patience_s + items * ITEM_PATIENCE_S

        def run() -> Result:
            try:
                return call()
            finally:
                # Before the result is there, so that whoever waited for it finds room for the next call.
                self._release(partner.code, in_time=time.monotonic() <= due)

        return Running(partner.code, due, self._executor.submit(run))

    def wait(self, calls: Sequence[Running[Result]]) -> list[Running[Result]]:
        """Wait as long as healthy partners take; return the calls that are still under way.

        A partner that was too slow last time is not waited for until one of its calls has been in time again.
        """
        awaited = [call for call in calls if call.partner not in self._slow]
        patience_s = max((call.due for call in awaited), default=0.0) - time.monotonic()
        futures.wait([call.future for call in awaited], max(patience_s, 0.0))
        late = [call for call in calls if not call.future.done()]
        with self._lock:
            self._slow |= {call.partner for call in late if call.due <= time.monotonic()}
        return late

    def _has_room(self, partner: Partner) -> bool:
        limit = min(partner.concurrency, CALLS_EACH)
        return self._running[partner.code] < limit and self._running.total() < self._max_threads

    def _release(self, partner: str, *, in_time: bool) -> None:
        with self._lock:
            self._running[partner] -= 1
            if in_time:
                self._slow.discard(partner)
