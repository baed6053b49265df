"""Quarantine: find the item that kills the workers that ask about it, and set it aside after three crashes.

A dead process reports nothing, so its items must follow from what is stored: after a crash the items of a try are
chosen by the number of the try. After one crash the question goes on in portions of the root of its size, after two
item by item; at the third the item is known, gets no answer, and the rest goes on. It is found in whatever wave it
travels.
"""

from collections.abc import Iterable
from hashlib import sha256
from math import ceil, sqrt
from typing import Final

CRASHES_TO_QUARANTINE: Final = 3


def portion_size(lost: int, owed: int) -> int:
    """Return how many of the items still owed one call carries after this many lost leases."""
    return owed if not lost else ceil(sqrt(owed)) if lost == 1 else 1


def carried(owed: Iterable[bytes], attempt: int, most: int) -> list[bytes]:
    """Return the items, at most `most`, that try number `attempt` carries: the same in every process."""
    return sorted(owed, key=lambda item: sha256(attempt.to_bytes(4, "big") + item).digest())[:most]


def poison_of(owed: Iterable[bytes], lost: int, attempt: int) -> bytes | None:
    """Return the item to set aside at try number `attempt`: the one the try before carried, after the third crash."""
    if lost < CRASHES_TO_QUARANTINE:
        return None
    return next(iter(carried(owed, attempt - 1, 1)), None)
