"""Convert a partner's answer to its stored form, and read it back. Pure.

Stored is a word (a verdict; a match may carry the month since when the number is held: `match 2024-05`), or counts by
application, where `<weixin` is how many of `weixin` were registered before that month.
"""

from typing import Final

from enterprises.protocol import Answer, Counts, Refused, Verdict
from query.reply import BEFORE
from query.waves.questions import REFUSED, StoredAnswer


def stored_answer(answer: Answer) -> StoredAnswer:
    """Return the stored form of an answer; None: still owed."""
    match answer:
        case Counts(counts, before):
            return {**counts, **{f"{BEFORE}{code}": count for code, count in before.items()}}
        case Verdict(value, None):
            return value
        case Verdict(value, since):
            return f"{value}{SINCE}{since}"
        case Refused():
            return REFUSED
    return None


SINCE: Final = " "


def verdict_of(answer: StoredAnswer) -> str | None:
    """Return the word of a stored verdict; None: still owed."""
    return answer.partition(SINCE)[0] if isinstance(answer, str) else None


def held_since(answer: StoredAnswer) -> str | None:
    """Return the month since when the citizen has held the number, if the carrier gave one with its match."""
    return (answer.partition(SINCE)[2] or None) if isinstance(answer, str) else None
