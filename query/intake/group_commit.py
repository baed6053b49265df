"""Group commit: one thread does the work that several want at the same moment, for all of them at once.

A caller that finds the key idle becomes the leader and starts at once; callers that arrive during its work form the
next batch. A lone caller therefore never waits, and under load the batches fill by themselves.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from queue import SimpleQueue
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class GroupCommit(Generic[Item, Result]):
    """Run up to `most` queued items in one call of `work`.

    After a batch of more than one, the next leader waits `delay_s` for more, because more are likely. Items with
    different keys are never batched together. One instance per process.
    """

    def __init__(self, most: int, delay_s: float = 0.0) -> None:
        self._most = most
        self._delay_s = delay_s
        self._lock = threading.Lock()
        # A key is present while a leader works for it; the first waiter leads next.
        self._waiters: dict[Hashable, deque[_Waiter[Item, Result]]] = {}
        self._had_company = False  # of the last batch, for any key: only a hint

    def run(self, key: Hashable, item: Item, work: Callable[[Sequence[Item]], Sequence[Result]]) -> Result:
        """Return `work`'s result for `item`.

        `work` gets the batch and must return one result per item, in order; an exception that it raises is raised to
        every caller in the batch.
        """
        waiter: _Waiter[Item, Result] = _Waiter(item)
        with self._lock:
            is_first = key not in self._waiters
            self._waiters.setdefault(key, deque()).append(waiter)
        if is_first or waiter.leads.get():
            self._lead(key, work)
        if waiter.error is not None:
            raise waiter.error
        return waiter.result[0]

    def _lead(self, key: Hashable, work: Callable[[Sequence[Item]], Sequence[Result]]) -> None:
        if self._had_company:
            time.sleep(self._delay_s)
        with self._lock:
            queued = self._waiters[key]
            batch = [queued.popleft() for _ in range(min(len(queued), self._most))]
            self._had_company = len(batch) > 1
        try:
            for waiter, result in zip(batch, work([waiter.item for waiter in batch]), strict=True):
                waiter.result = (result,)
        except BaseException as error:
            for waiter in batch:
                waiter.error = error
        self._hand_over(key)
        for waiter in batch:
            waiter.leads.put(False)

    def _hand_over(self, key: Hashable) -> None:
        with self._lock:
            if queued := self._waiters[key]:
                queued[0].leads.put(True)
            else:
                del self._waiters[key]


class _Waiter(Generic[Item, Result]):
    """One caller in a batch. `leads` receives one value: True (lead the next batch) or False (the batch is over)."""

    def __init__(self, item: Item) -> None:
        self.item = item
        self.leads: SimpleQueue[bool] = SimpleQueue()
        self.result: tuple[Result, ...] = ()
        self.error: BaseException | None = None
