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
    """Let the block end as by a kill at the n-th passage of this point."""
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
