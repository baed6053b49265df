"""Asking about a batch that a partner refuses as a whole: in halves, until the item to blame is alone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from enterprises.errors import EnterpriseError
from enterprises.protocol import Answer, Item, Refused

MOST_CALLS: Final = 40
FRUITLESS_CALLS: Final = 12
"""So many calls without one that is answered: the partner refuses everything, and no item is to blame."""
REFUSED_AFTER: Final = 2
"""A question of one item that was refused so often before is refused for good."""

Items = Mapping[bytes, Item]


@dataclass(frozen=True, slots=True)
class Told:
    """What was answered, by inquiry, and the error that ended the asking, if one did."""

    answers: dict[bytes, Answer]
    error: EnterpriseError | None


def ask_in_parts(ask: Callable[[Items], Mapping[str, Answer] | None], items: Items, failed: int) -> Told:
    """Ask about `items`, in halves as long as a part is refused (400, 413, 422); `failed`: tries before this one.

    `ask` returns None when there is no time left for another call.
    An item that is refused alone, where others were answered, is what its partner cannot stomach: Refused.
    """
    told: dict[bytes, Answer] = {}
    alone: list[bytes] = []
    parts, calls, error = [dict(items)], 0, None
    while parts and calls < (MOST_CALLS if told else FRUITLESS_CALLS):
        part = parts.pop()
        calls += 1
        try:
            answers = ask(part)
        except EnterpriseError as failure:
            error = failure
            if failure.code != "question_refused":
                break
            if len(part) == 1:
                alone += part
            else:
                parts += _halves(part)
        else:
            if answers is None:
                break
            told |= {inquiry: answers[item.id] for inquiry, item in part.items()}
    if told or (len(items) == 1 and failed >= REFUSED_AFTER):
        told |= dict.fromkeys(alone, Refused())
    return Told(told, error if len(told) < len(items) else None)


def _halves(part: dict[bytes, Item]) -> list[dict[bytes, Item]]:
    listed = list(part.items())
    middle = len(listed) // 2
    return [dict(listed[:middle]), dict(listed[middle:])]
