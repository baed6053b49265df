"""JSON as the lookup protocol allows it: UTF-8, one object, no key twice, no NaN or Infinity, not nested to death."""

import json
from typing import Any, Final

from enterprises.errors import AnswerInvalid


class _Twice(ValueError):
    """A key occurs twice in one object: two readers could understand two different things."""


class _NotANumber(ValueError):
    """NaN or Infinity, which Python reads and JSON does not have."""


def _refuse_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _Twice
    return members


def _refuse_constant(text: str) -> None:
    raise _NotANumber


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_refuse_twice, parse_constant=_refuse_constant)
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def read_object(body: bytes) -> dict[str, Any]:
    """Read a body that must be one JSON object. AnswerInvalid tells the reason and nothing of the content."""
    try:
        # Decoded here: json.loads would guess UTF-16 and UTF-32 from the bytes.
        found = _DECODER.decode(body.decode("utf-8"))
    except UnicodeDecodeError:
        reason = "it is not UTF-8"
    except _Twice:
        reason = "a key occurs twice in one object"
    except _NotANumber:
        reason = "it holds NaN or Infinity"
    except ValueError:  # also an integer of more than 4,300 digits
        reason = "it is not JSON"
    except RecursionError:
        reason = "it is nested too deeply"
    else:
        if isinstance(found, dict):
            return found
        reason = "it is not an object"
    # Raised out here so that no parser's exception, which quotes the body, hangs on to ours.
    raise AnswerInvalid(f"the answer is refused: {reason}")


def write(members: dict[str, Any]) -> bytes:
    """The bytes of an object: UTF-8, no spaces, keys in the order given."""
    return _ENCODER.encode(members).encode()
