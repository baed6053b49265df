"""Strict JSON: UTF-8, one object, no key twice, no NaN or Infinity, not nested beyond what the parser can hold.

Two readers of one body must not understand two different things, so what JSON leaves open is refused.
"""

import json
from collections.abc import Callable
from typing import Any, Final


class NotStrictJson(ValueError):
    """The text is not strict JSON; `reason` completes "it is ..." and repeats nothing of the text."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _DuplicateKey(ValueError):
    """A key occurs twice in one object."""


class _NotANumber(ValueError):
    """NaN or Infinity, which Python reads and JSON does not have."""


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _DuplicateKey
    return members


def _refuse_constant(text: str) -> None:
    raise _NotANumber


def _decoder(number: Callable[[str], Any] | None = None) -> json.JSONDecoder:
    return json.JSONDecoder(
        object_pairs_hook=_refuse_duplicates, parse_constant=_refuse_constant, parse_int=number, parse_float=number
    )


_DECODER: Final = _decoder()
_NUMBERS_AS_TEXT: Final = _decoder(str)
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def read_object(body: bytes | str, *, numbers_as_text: bool = False) -> dict[str, Any]:
    """Parse one JSON object; raises NotStrictJson. `numbers_as_text`: numbers keep their written digits, as text."""
    try:
        # Decoded here: json.loads would guess UTF-16 and UTF-32 from the bytes.
        text = body.decode("utf-8") if isinstance(body, bytes) else body
        found = (_NUMBERS_AS_TEXT if numbers_as_text else _DECODER).decode(text)
    except UnicodeDecodeError:
        reason = "not UTF-8"
    except _DuplicateKey:
        reason = "ambiguous, a key occurs twice in one object"
    except _NotANumber:
        reason = "not JSON, it holds NaN or Infinity"
    except ValueError:  # also an integer of more than 4,300 digits
        reason = "not JSON"
    except RecursionError:
        reason = "nested too deeply"
    else:
        if isinstance(found, dict):
            return found
        reason = "not an object"
    # Raised out here so that the parser's exception, which quotes the body, is not chained to ours.
    raise NotStrictJson(reason)


def write_object(members: dict[str, Any]) -> bytes:
    """Serialise an object: UTF-8, no spaces, keys in the order given."""
    return _ENCODER.encode(members).encode()
