"""Names of messages (pure): ours, by which a gateway knows a message, and the ids that gateways give to parts.

An offer that certainly failed is repeated under the same reference, so a gateway that keeps references refuses a
duplicate. Only the flagged resend, a different text, gets a new one.
"""

from __future__ import annotations

import hashlib
import re
import secrets

SHAPE = re.compile(r"([0-9a-f]{32})-([12])")
FILLING = re.compile(r"[\s\0\-\"']+")
ID_SHAPE = re.compile(r"[a-z0-9_.:]{1,32}")
UNNAMED = "unnamed"
"""Id of a part whose gateway gives none."""


def build_reference(message_id: bytes, sending: int) -> str:
    """Return `<32 hexadecimal digits>-<1 or 2>`, ASCII."""
    return f"{message_id.hex()}-{sending}"


def parse_reference(text: str) -> tuple[bytes, int] | None:
    """Return (message id, sending), or None when it is no reference of ours."""
    found = SHAPE.fullmatch(text)
    return (bytes.fromhex(found[1]), int(found[2])) if found else None


def extension_of(message_id: bytes, digits: int) -> str:
    """Return the digits after the port number that identify a message; "" when the contract allows none."""
    return str(int.from_bytes(message_id, "big") % 10**digits).rjust(digits, "0") if digits else ""


def normalise_id(text: str) -> str:
    """Return a gateway's id in the one form that is stored, at most 32 characters; "" when it gives none.

    Letter case, leading zeros, padding, hyphens and spaces differ between a gateway's responses and its receipts.
    """
    bare = FILLING.sub("", text).casefold()
    if not bare:
        return ""
    bare = bare.lstrip("0") or "0"
    return bare if ID_SHAPE.fullmatch(bare) else hashlib.sha256(bare.encode()).hexdigest()[:32]


def spellings_of(name: str) -> tuple[str, ...]:
    """Return the forms in which the same id may have been stored: as it is, in hexadecimal, in decimal."""
    found = [name]
    if re.fullmatch(r"[0-9]{1,20}", name):
        found.append(f"{int(name):x}")
    if re.fullmatch(r"[0-9a-f]{1,16}", name):
        found.append(str(int(name, 16)))
    return tuple(dict.fromkeys(found))


def unnamed_receipt(delivery: str) -> str:
    """Return the id of a receipt that names no part: the gateway's id of the delivery, else a random one.

    So the receipts of several parts stay several.
    """
    return f"{UNNAMED}-r{delivery or secrets.token_hex(8)}"


def is_unnamed(name: str) -> bool:
    """Return whether a part or a receipt has no id of the gateway's."""
    return name == UNNAMED or name.startswith(f"{UNNAMED}-")


def unnamed_id(phone_index: bytes) -> str:
    """Return the id under which parts without one are stored: their number stands in for it."""
    return f"{UNNAMED}-{phone_index.hex()[:24]}"
