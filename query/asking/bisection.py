"""Asking about a batch that a partner refuses as a whole: in halves, until the item to blame is alone."""

from collections.abc import Callable, Mapping
from typing import Final

from enterprises.errors import EnterpriseError
from enterprises.protocol import Answer, Item, Refused

MOST_CALLS: Final = 40
FRUITLESS_CALLS: Final = 12
"""So many calls without one that is answered: the partner refuses everything, and no item is to blame."""
REFUSED_AFTER: Final = 2
"""A question of one item that was refused so often before is refused for good."""

Items = Mapping[bytes, Item]


def ask_in_parts(
    ask: Callable[[Items], Mapping[str, Answer] | None], items: Items, failed: int
) -> tuple[dict[bytes, Answer], EnterpriseError | None]:
    """Ask about `items`, in halves as long as a part is refused (400, 413, 422); `failed`: tries before this one.

    Returns what was answered, by inquiry, and the error that ended the asking, if one did. `ask` returns None when
    there is no time left for another call.
    An item that is refused alone, where others were answered, is what its partner cannot stomach: Refused.
    """
    answers: dict[bytes, Answer] = {}
    alone: list[bytes] = []
    parts, calls, error = [dict(items)], 0, None
    while parts and calls < (MOST_CALLS if answers else FRUITLESS_CALLS):
        part = parts.pop()
        calls += 1
        try:
            told = ask(part)
        except EnterpriseError as failure:
            error = failure
            if failure.code != "question_refused":
                break
            if len(part) == 1:
                alone += part
            else:
                parts += _halves(part)
        else:
            if told is None:
                break
            answers |= {inquiry: told[item.id] for inquiry, item in part.items()}
    if answers or (len(items) == 1 and failed >= REFUSED_AFTER):
        answers |= dict.fromkeys(alone, Refused())
    return answers, error if len(answers) < len(items) else None


def _halves(part: dict[bytes, Item]) -> list[dict[bytes, Item]]:
    listed = list(part.items())
    middle = len(listed) // 2
    return [dict(listed[:middle]), dict(listed[middle:])]
