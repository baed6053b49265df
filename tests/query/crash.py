"""A process that dies at a fault point, played in this one."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator

from config import failpoints


class Killed(BaseException):
    """The process dies here; nothing of ours catches it."""


@contextlib.contextmanager
def killed_at(point: str, passage: int = 1) -> Iterator[None]:
    """Whoever passes this point for the n-th time in the block dies there, and the block is over."""
    passed = itertools.count(1)

    def act(name: str) -> None:
        if name == point and next(passed) == passage:
            raise Killed

    failpoints.arm(act)
    try:
        with contextlib.suppress(Killed):
            yield
    finally:
        failpoints.arm(None)
