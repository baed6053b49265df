"""An item that kills whoever asks about it: found and set aside after three deaths, whatever wave it travels in.

A dead process says nothing, so what it carried must follow from what is stored: the items of a try after a death are
chosen by the try's number. One death, and the question goes on in portions of the root of its size; two, item by item;
at the third the item is known, gets no answer, and the rest goes on as if nothing had happened.
"""

from collections.abc import Iterable
from hashlib import sha256
from math import ceil, sqrt
from typing import Final

CRASHES_TO_QUARANTINE: Final = 3


def portion_size(lost: int, owed: int) -> int:
    """How many of the items still owed one call carries after so many lost leases."""
    return owed if not lost else ceil(sqrt(owed)) if lost == 1 else 1


def carried(owed: Iterable[bytes], attempt: int, most: int) -> list[bytes]:
    """The items that try number `attempt` carries, at most so many: the same for everybody who asks."""
    return sorted(owed, key=lambda item: sha256(attempt.to_bytes(4, "big") + item).digest())[:most]


def poison_of(owed: Iterable[bytes], lost: int, attempt: int) -> bytes | None:
    """The item to set aside at try number `attempt`: what the try before it carried, when that was the third death."""
    if lost < CRASHES_TO_QUARANTINE:
        return None
    return next(iter(carried(owed, attempt - 1, 1)), None)
