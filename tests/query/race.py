"""Threads that start together."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from query.errors import QueryError


def at_once(count: int, call: Callable[[int], Any]) -> list[Any]:
    """Call from `count` threads that start together; what each returns, or the QueryError that refused it, in order."""
    barrier = threading.Barrier(count)

    def run(place: int) -> Any:
        barrier.wait()
        try:
            return call(place)
        except QueryError as refused:
            return refused

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(run, range(count)))
