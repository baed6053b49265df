"""Split a text into the parts of a message (pure; lengths are UCS-2 units, two bytes each).

One part holds 70 units. A longer text is cut into parts of 67, because six of the 140 bytes go to
the header that lets the phone join them. Source: facts of CMPP 3.0, the same for SGIP, SMGP, SMPP.
"""

from __future__ import annotations

from sms_port.errors import MessageTooLong

WHOLE_UNITS = 70
PART_UNITS = 67
PARTS_ON_THE_WIRE = 255
LONG_HEADER = b"\x05\x00\x03"


def units(text: str) -> int:
    """Return the length of a text in UCS-2 units; a character outside the BMP (an emoji) counts two."""
    return len(text.encode("utf-16-be")) // 2


def split(text: str) -> tuple[str, ...]:
    """Cut a text into parts, never between the halves of a surrogate pair; MessageTooLong above 255 parts."""
    if (whole := units(text)) <= WHOLE_UNITS:
        return (text,)
    parts = _split_evenly(text) if whole == len(text) else _split_at_characters(text)
    if len(parts) > PARTS_ON_THE_WIRE:
        raise MessageTooLong(f"{len(parts)} parts, {PARTS_ON_THE_WIRE} at most")
    return tuple(parts)


def _split_evenly(text: str) -> list[str]:
    # Each character is one unit, as in every text of ours: 20 times faster than looking at each.
    return [text[start : start + PART_UNITS] for start in range(0, len(text), PART_UNITS)]


def _split_at_characters(text: str) -> list[str]:
    parts, start, length = [], 0, 0
    for position, character in enumerate(text):
        width = 2 if ord(character) > 0xFFFF else 1
        if length + width > PART_UNITS:
            parts.append(text[start:position])
            start, length = position, 0
        length += width
    return [*parts, text[start:]]


def compose_parts(text: str, signature: str, mode: str) -> tuple[str, ...]:
    """Return the parts to pass to a link whose `signature_mode` is `ours` or `gateway`.

    The phone shows the signature in front either way, so the cut counts it either way; a gateway
    that adds it gets the first part without it.
    """
    return handed_over(split(text if text.startswith(signature) else signature + text), signature, mode)


def handed_over(shown: tuple[str, ...], signature: str, mode: str) -> tuple[str, ...]:
    """Return the parts shown on the phone as they are passed to a link of that mode."""
    return (shown[0].removeprefix(signature), *shown[1:]) if mode == "gateway" else shown


def build_contents(parts: tuple[str, ...], joint: int) -> list[bytes]:
    """Return the parts as UTF-16BE; two or more get a concatenation header with the reference `joint` (0 to 255)."""
    if len(parts) == 1:
        return [parts[0].encode("utf-16-be")]
    heads = (LONG_HEADER + bytes((joint, len(parts), number)) for number in range(1, len(parts) + 1))
    return [head + part.encode("utf-16-be") for head, part in zip(heads, parts, strict=True)]
