"""A stopwatch that stands still while this process is not let run, so that a limit holds on a busy machine too."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

TICK_S = 0.01


@contextlib.contextmanager
def stopwatch() -> Iterator[Callable[[], float]]:
    """In the block: the seconds since its beginning, in ticks of a thread that does nothing but tick."""
    ticks, over = [0], threading.Event()

    def tick() -> None:
        while not over.wait(TICK_S):
            ticks[0] += 1

    thread = threading.Thread(target=tick, name="stopwatch", daemon=True)
    thread.start()
    try:
        yield lambda: ticks[0] * TICK_S
    finally:
        over.set()
        thread.join()
