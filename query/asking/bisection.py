"""Bisection: a batch that a partner refuses as a whole is asked in halves until the item to blame is alone."""

from collections.abc import Callable, Mapping
from typing import Final

from enterprises.errors import EnterpriseError
from enterprises.protocol import Answer, Item, Refused

MAX_CALLS: Final = 40
MAX_FRUITLESS_CALLS: Final = 12
"""After this many calls without an answer the partner refuses everything, and no item is to blame."""
REFUSED_AFTER: Final = 2
"""A question of one item that was refused this often before is refused for good."""

Items = Mapping[bytes, Item]


def ask_bisected(
    ask: Callable[[Items], Mapping[str, Answer] | None], items: Items, failed: int
) -> tuple[dict[bytes, Answer], EnterpriseError | None]:
    """Ask about `items`, in halves as long as a half is refused (400, 413, 422); `failed`: tries before this one.

    Returns the answers by inquiry, and the error that ended the calls, if one did. `ask` returns None when there is no
    time left for another call. An item that is refused alone, where others were answered, is Refused.
    """
    answers: dict[bytes, Answer] = {}
    alone: list[bytes] = []
    parts, calls, error = [dict(items)], 0, None
    while parts and calls < (MAX_CALLS if answers else MAX_FRUITLESS_CALLS):
        part = parts.pop()
        calls += 1
        try:
            answered = ask(part)
        except EnterpriseError as failure:
            error = failure
            if failure.code != "question_refused":
                break
            if len(part) == 1:
                alone += part
            else:
                parts += _halves(part)
        else:
            if answered is None:
                break
            answers |= {inquiry: answered[item.id] for inquiry, item in part.items()}
    if answers or (len(items) == 1 and failed >= REFUSED_AFTER):
        answers |= dict.fromkeys(alone, Refused())
    return answers, error if len(answers) < len(items) else None


def _halves(part: dict[bytes, Item]) -> list[dict[bytes, Item]]:
    listed = list(part.items())
    middle = len(listed) // 2
    return [dict(listed[:middle]), dict(listed[middle:])]
