"""Work that several threads want at the same moment, done for all of them at once by whichever came first.

Whoever finds nobody at work starts at once, and those who come meanwhile are the next round. So a lone caller waits for
nobody, and under load the rounds fill by themselves. Only after a round that had company the next one lingers for a
moment before it closes: where two came together, more are on their way.
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
    """Rounds of at most `most` items that linger for `linger_s` after one that had company.

    One a process; items of different places are never in one round.
    """

    def __init__(self, most: int, delay_s: float = 0.0) -> None:
        self._most = most
        self._delay_s = delay_s
        self._lock = threading.Lock()
        # A place is in here while somebody works for it; the first seat is whose turn it is next.
        self._waiters: dict[Hashable, deque[_Waiter[Item, Result]]] = {}
        self._had_company = False  # of the last round, wherever it was: a hint, no more

    def run(self, key: Hashable, item: Item, work: Callable[[Sequence[Item]], Sequence[Result]]) -> Result:
        """What `work` tells of `item` (one answer for each item, in order); raises what it raises for the round."""
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
    """One thread's place in a round. `leads` tells it, once, to lead the next round (True) or that its own is over."""

    def __init__(self, item: Item) -> None:
        self.item = item
        self.leads: SimpleQueue[bool] = SimpleQueue()
        self.result: tuple[Result, ...] = ()
        self.error: BaseException | None = None
