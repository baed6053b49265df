"""A bounded semaphore per key. Taking a slot never waits, so one slow dependency ties up only a few threads."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class Seats:
    """`each` seats at every place. One for a process; threads share it."""

    def __init__(self, each: int) -> None:
        self._each = each
        self._taken: Counter[str] = Counter()
        self._freed = threading.Condition()

    @contextmanager
    def take(self, place: str = "", *, wait_s: float = 0) -> Iterator[bool]:
        """Hold a seat meanwhile; whether there was one, within `wait_s` seconds."""
        with self._freed:
            seated = self._freed.wait_for(lambda: self._taken[place] < self._each, wait_s)
            self._taken[place] += seated
        try:
            yield seated
        finally:
            with self._freed:
                self._taken[place] -= seated
                if not self._taken[place]:
                    del self._taken[place]  # a place may be any word that somebody sent
                self._freed.notify_all()
