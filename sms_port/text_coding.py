"""Read the text of a message that came from a phone, in any coding that gateways use (pure).

The data coding of SMPP and CMPP (Msg_Fmt) names a family of codings; gateways set it wrongly often enough that the
bytes decide wherever they leave no doubt. Sources: SMPP 3.4 section 5.2.19, CMPP 3.0 section 7.4, GSM 03.38 section 4.
"""

from __future__ import annotations

from dataclasses import dataclass

UCS2, BYTES = "utf-16-be", ""
"""Codings of two bytes a character, and those of which only the bytes tell (7 bit, 8 bit, GBK, UTF-8)."""

MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xfe\xff", "utf-16-be"), (b"\xff\xfe", "utf-16-le"))
LATIN1 = 3
COMMON = frozenset("一怀最")
"""Ideographs in daily use whose code would be a letter in the other byte order."""

CONCATENATED_8, CONCATENATED_16 = 0x00, 0x08


@dataclass(frozen=True)
class Segment:
    """Position of one part in a concatenated message: `number` counts from 1 to `total`."""

    reference: int
    total: int
    number: int


def decode_text(content: bytes, coding: int) -> str:
    """Return the text of a content without its user data header; undecodable bytes are left out."""
    for mark, charset in MARKS:
        if content.startswith(mark):
            return content[len(mark) :].decode(charset, "ignore").rstrip("\0")
    if _family(coding) == UCS2:
        return _decode_ucs2(content).rstrip("\0")
    if coding == LATIN1 and not _is_utf16(content):
        return content.rstrip(b"\0").decode("latin-1")
    return _decode_bytes(content).rstrip("\0")


def split_header(content: bytes) -> tuple[bytes, Segment | None]:
    """Take off the user data header. Returns the rest and the segment it names, if any.

    A header that is longer than the content leaves nothing.
    """
    if not content:
        return b"", None
    end = content[0] + 1
    return (content[end:], _find_segment(content[1:end])) if end <= len(content) else (b"", None)


def join_segments(texts: list[str]) -> str:
    """Join decoded segments; a character outside the BMP may be cut between two of them."""
    return "".join(texts).encode("utf-16-be", "surrogatepass").decode("utf-16-be", "ignore")


def _family(coding: int) -> str:
    """Return UCS2 or BYTES for a data coding: 8, 9 and the groups of GSM 03.38 (flash, message class, waiting)."""
    if coding in (8, 9):
        return UCS2
    general = 0x10 <= coding < 0x80 and (coding >> 2) & 3 == 2
    return UCS2 if general or coding & 0xF0 == 0xE0 else BYTES


def _decode_ucs2(content: bytes) -> str:
    if len(content) % 2:
        if content[-1] and _is_plain(content):
            return content.decode("ascii")
        content = content[:-1]  # one NUL too many, or half a character
    if _is_ascii_under_a_wrong_coding(content):
        return content.decode("ascii")
    if _is_little_endian(content):
        return content.decode("utf-16-le", "surrogatepass")
    return content.decode("utf-16-be", "surrogatepass")


def _is_ascii_under_a_wrong_coding(content: bytes) -> bool:
    """Return whether it is a word, which ideographs spell by chance too rarely to matter, or ASCII and no Chinese."""
    is_word = content.isascii() and content.isalpha() and (content.isupper() or content.islower())
    return is_word or (_is_plain(content) and not _is_readable(content.decode("utf-16-be", "replace")))


def _decode_bytes(content: bytes) -> str:
    if _is_utf16(content):
        return content.decode("utf-16-be", "ignore")
    if _is_little_endian(content):
        return content.decode("utf-16-le", "ignore")
    content = content.rstrip(b"\0")
    for charset in ("ascii", "utf-8", "gb18030"):
        try:
            return content.decode(charset)
        except UnicodeDecodeError:
            continue
    if len(content) % 2 == 0 and _is_readable(text := content.decode("utf-16-be", "ignore")):
        return text
    return content.decode("gb18030", "ignore")


def _is_utf16(content: bytes) -> bool:
    """Return whether every second byte, from the first, is zero: ASCII in UTF-16 (big endian)."""
    return len(content) >= 2 and len(content) % 2 == 0 and not any(content[::2]) and any(content[1::2])


def _is_little_endian(content: bytes) -> bool:
    """Return whether it is ASCII in UTF-16LE, or Chinese that reads well in that order alone."""
    if len(content) < 2 or len(content) % 2:
        return False
    little, big = (content.decode(name, "replace").rstrip("\0") for name in ("utf-16-le", "utf-16-be"))
    if not _is_readable(little):
        return False
    return not _is_readable(big) or (little.isascii() and not COMMON.issuperset(big))


def _is_readable(text: str) -> bool:
    """Return whether it is made of what people write: ASCII, common ideographs and their punctuation."""
    return bool(text) and all(
        " " <= sign <= "~" or sign in "\r\n" or "\u4e00" <= sign <= "\u9fff" or "\u3000" <= sign <= "\u303f"
        or "\uff01" <= sign <= "\uff5e" or "\u2010" <= sign <= "\u2027"
        for sign in text
    )  # fmt: skip


def _is_plain(content: bytes) -> bool:
    return all(0x20 <= byte < 0x7F or byte in b"\r\n\t" for byte in content)


def _find_segment(header: bytes) -> Segment | None:
    while len(header) >= 2:
        kind, size = header[0], header[1]
        value, header = header[2 : 2 + size], header[2 + size :]
        if kind == CONCATENATED_8 and len(value) == 3:
            return make_segment(value[0], value[1], value[2])
        if kind == CONCATENATED_16 and len(value) == 4:
            return make_segment(int.from_bytes(value[:2], "big"), value[2], value[3])
    return None


def make_segment(reference: int, total: int, number: int) -> Segment | None:
    """Return the segment, or None for a message that is whole or whose numbers cannot be true."""
    return Segment(reference, total, number) if total > 1 and 1 <= number <= total else None
