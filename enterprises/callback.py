"""Parse what a partner calls back after a 202: an answer body, read without knowing the question. Pure.

The owner of the questions checks whether an id is known, still open and this partner's to answer; here an item only has
to be an answer that this partner could give.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from config.catalogue.schema import Partner
from enterprises.errors import AnswerInvalid
from enterprises.protocol import VERDICTS, Answer, Pending, read_answer
from enterprises.strict_json import read_object

MOST_ITEMS: Final = 5_000
LONGEST_ID: Final = 64


@dataclass(frozen=True, slots=True)
class CalledBack:
    """The batch named, the answers by item id (`retry` is none), and the faults found (safe to print)."""

    batch: str
    answers: Mapping[str, Answer]
    faults: list[str]


def parse_callback(body: bytes, partner: Partner) -> CalledBack:
    """Parse a body that `partner` called back; AnswerInvalid refuses the whole."""
    callback = read_object(body)
    batch, items = callback.get("batch"), callback.get("items")
    # ASCII: we made it and repeat it in our response, where half a surrogate pair could not be written.
    if not isinstance(batch, str) or not batch.isascii() or not 0 < len(batch) <= LONGEST_ID:
        raise AnswerInvalid("the answer is refused: it names no batch")
    if not isinstance(items, list) or len(items) > MOST_ITEMS:
        raise AnswerInvalid(f"the answer is refused: it has no list of at most {MOST_ITEMS} items")
    applications = frozenset(application.code for application in partner.counted)
    answers: dict[str, Answer] = {}
    faults = []
    for place, item in enumerate(items):
        if fault := _take(item, answers, partner.kind == "carrier", applications):
            faults.append(f"items[{place}]: {fault}")
    return CalledBack(batch, answers, faults)


def _kind_of(item: Mapping[str, Any]) -> str:
    """The kind of question that a carrier's verdict may answer."""
    words = VERDICTS["tenure"]
    return "tenure" if item["verdict"] in words and item["verdict"] not in VERDICTS["identity"] else "identity"


def _take(item: Any, answers: dict[str, Answer], verdicts: bool, applications: Collection[str]) -> str | None:
    if not isinstance(item, dict):
        return "it is not an object"
    asked = item.get("id")
    if not isinstance(asked, str) or not 0 < len(asked) <= LONGEST_ID:
        return "it has no id"
    kind = _kind_of(item) if verdicts and "verdict" in item else "count"
    answer, fault = read_answer(item, kind, applications)
    if answer is None or isinstance(answer, Pending):
        return fault
    if asked in answers:
        return "its id was answered before, the first answer counts"
    answers[asked] = answer
    return fault
