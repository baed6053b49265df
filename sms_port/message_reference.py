"""The name a gateway knows a message by: our id and which sending of it this is (pure).

An offer that certainly failed is repeated under the same reference, so a gateway that keeps
references refuses what it has seen; only the flagged resend, a different text, gets a new one.
"""

from __future__ import annotations

import re

SHAPE = re.compile(r"([0-9a-f]{32})-([12])")


def build_reference(message_id: bytes, sending: int) -> str:
    """`<32 hexadecimal digits>-<1 or 2>`, ASCII."""
    return f"{message_id.hex()}-{sending}"


def parse_reference(text: str) -> tuple[bytes, int] | None:
    """(message id, sending), or None when we have never given such a name."""
    found = SHAPE.fullmatch(text)
    return (bytes.fromhex(found[1]), int(found[2])) if found else None


def extension_of(message_id: bytes, digits: int) -> str:
    """Digits after the port number by which a receipt names its message; none when the contract allows none."""
    return str(int.from_bytes(message_id, "big") % 10**digits).rjust(digits, "0") if digits else ""
