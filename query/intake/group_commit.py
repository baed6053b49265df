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
Told = TypeVar("Told")


class Together(Generic[Item, Told]):
    """Rounds of at most `most` items that linger for `linger_s` after one that had company.

    One a process; items of different places are never in one round.
    """

    def __init__(self, most: int, linger_s: float = 0.0) -> None:
        self._most = most
        self._linger_s = linger_s
        self._lock = threading.Lock()
        # A place is in here while somebody works for it; the first seat is whose turn it is next.
        self._seats: dict[Hashable, deque[_Seat[Item, Told]]] = {}
        self._company = False  # of the last round, wherever it was: a hint, no more

    def run(self, place: Hashable, item: Item, work: Callable[[Sequence[Item]], Sequence[Told]]) -> Told:
        """What `work` tells of `item` (one answer for each item, in order); raises what it raises for the round."""
        seat: _Seat[Item, Told] = _Seat(item)
        with self._lock:
            first = place not in self._seats
            self._seats.setdefault(place, deque()).append(seat)
        if first or seat.leads.get():
            self._lead(place, work)
        if seat.fault is not None:
            raise seat.fault
        return seat.told[0]

    def _lead(self, place: Hashable, work: Callable[[Sequence[Item]], Sequence[Told]]) -> None:
        if self._company:
            time.sleep(self._linger_s)
        with self._lock:
            waiting = self._seats[place]
            round_ = [waiting.popleft() for _ in range(min(len(waiting), self._most))]
            self._company = len(round_) > 1
        try:
            for seat, told in zip(round_, work([seat.item for seat in round_]), strict=True):
                seat.told = (told,)
        except BaseException as fault:
            for seat in round_:
                seat.fault = fault
        self._hand_over(place)
        for seat in round_:
            seat.leads.put(False)

    def _hand_over(self, place: Hashable) -> None:
        with self._lock:
            if waiting := self._seats[place]:
                waiting[0].leads.put(True)
            else:
                del self._seats[place]


class _Seat(Generic[Item, Told]):
    """One thread's place in a round. `leads` tells it, once, to lead the next round (True) or that its own is over."""

    def __init__(self, item: Item) -> None:
        self.item = item
        self.leads: SimpleQueue[bool] = SimpleQueue()
        self.told: tuple[Told, ...] = ()
        self.fault: BaseException | None = None
