"""Encode and decode HTTP bodies, sealed or plain as agreed with the partner. Pure."""

from collections.abc import Sequence
from typing import Final

from enterprises.errors import AnswerInvalid
from enterprises.sealed_body import open_body, seal_body

JSON_TYPE: Final = "application/json"
SEALED_TYPE: Final = "application/jose"
PLAIN: Final = "none"
"""The `seal` of a partner whose bodies are not sealed."""


def build_content(seal: str, secret: str, key_id: str, plain: bytes) -> tuple[bytes, str]:
    """Return (body, Content-Type) of JSON text for a partner."""
    if seal == PLAIN:
        return plain, JSON_TYPE
    return seal_body(seal, secret, key_id, plain), SEALED_TYPE


def parse_content(seal: str, secrets: Sequence[str], content_type: str, body: bytes) -> bytes:
    """Return the JSON text that a partner sent; AnswerInvalid when it is not as agreed."""
    if seal == PLAIN:
        if not _is_json(content_type):
            raise AnswerInvalid(f"the answer is refused: its Content-Type is not {JSON_TYPE} in UTF-8")
        return body
    if content_type.partition(";")[0].strip().lower() != SEALED_TYPE:
        raise AnswerInvalid(f"the answer is refused: its Content-Type is not {SEALED_TYPE}")
    return open_body(seal, secrets, body)


def _is_json(content_type: str) -> bool:
    kind, *parameters = (part.strip().lower() for part in content_type.split(";"))
    charsets = [text.partition("=")[2].strip('" ') for text in parameters if text.startswith("charset")]
    return kind == JSON_TYPE and all(charset in ("utf-8", "utf8") for charset in charsets)
