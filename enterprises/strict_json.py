"""Strict JSON from a partner: whatever is not strict JSON is refused as AnswerInvalid. Pure."""

from typing import Any

from config import strict_json
from config.strict_json import NotStrictJson
from enterprises.errors import AnswerInvalid


def read_object(body: bytes) -> dict[str, Any]:
    """Parse a body that must be one JSON object. AnswerInvalid gives the reason and nothing of the content."""
    try:
        return strict_json.read_object(body)
    except NotStrictJson as error:
        reason = error.reason
    # Raised out here so that the parser's exception is not chained to ours.
    raise AnswerInvalid(f"the answer is refused: it is {reason}")
