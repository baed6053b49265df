"""The rules of an objection: its wishes, states, moves and times. Pure: `now` and the catalogue's numbers come in.

    submit ─> RECEIVED ─> CHECKING ──match──> RELAYED ──all final, or due──> SETTLED ─> CLOSED
                              └── mismatch, inactive, silent: told after 24 h ──^          │ 未解决, once
                                                 RELAYED <─────────────────────────────────┘

All times are epoch milliseconds, days are dates in Shanghai.
"""

from datetime import date
from enum import IntEnum
from typing import Final, Literal, TypeAlias

from config.times.formats import SHANGHAI, shanghai
from query.inquiry import DAY, HOUR
from query.objections.rules.working_days import Calendar, end_of_day

CONSENT_VERSION: Final = "2026-11-objection"
CHECK_FOR: Final = 6 * HOUR
"""How long the carrier's word is waited for; then the ID digits are erased and the objection is not relayed."""
UNMATCHED_AFTER: Final = 24 * HOUR
"""An objection that no carrier confirmed is told so no sooner than this: a stranger learns nothing by trying."""
FIRST_HOUR, LAST_HOUR = 9, 20
"""The hours of the day in which `unmatched` is told: those in which settlements come."""
ANSWER_WITHIN: Final = 30 * DAY
"""How long 已解决 / 未解决 may be answered."""
NEWS_WITHIN: Final = 30 * DAY
"""How long after the due day a company's late finding is still told, once."""
SAME_APPLICATION: Final = 30 * DAY
"""One objection about an application of a number in this time."""
OWNER_SEES: Final = 48 * HOUR
"""How long its owner sees the progress after the objection is closed."""
KEPT: Final = 30 * DAY
"""How long the blind index is kept after the due day, and the longest that anything personal is."""
MOST_A_YEAR: Final = 10
LAG_DAYS: Final = 10
"""Carriers know a number's new holder up to this many days late."""


WishWord: TypeAlias = Literal["unbind", "dispute"]


class Wish(IntEnum):
    """The citizen's request; the numbers are stored."""

    UNBIND = 0
    DISPUTE = 1

    @property
    def word(self) -> WishWord:
        """The wish in the API, and the kind of the requests it leads to."""
        return "unbind" if self is Wish.UNBIND else "dispute"


class State(IntEnum):
    """The states of an objection; the numbers are stored."""

    RECEIVED = 0
    CHECKING = 1
    RELAYED = 2
    SETTLED = 3
    CLOSED = 4


OPEN: Final = (State.RECEIVED, State.CHECKING, State.RELAYED)
"""States in which an objection keeps its number from another one."""


class Outcome(IntEnum):
    """The end of an objection as a whole; findings are apart, sealed. The numbers are stored."""

    FOUND = 0
    UNMATCHED = 1
    TOO_NEW = 2


MOVES: Final = frozenset(
    {
        (State.RECEIVED, State.CHECKING),
        (State.RECEIVED, State.SETTLED),
        (State.CHECKING, State.RELAYED),
        (State.CHECKING, State.SETTLED),
        (State.RELAYED, State.SETTLED),
        (State.SETTLED, State.CLOSED),
        (State.SETTLED, State.RELAYED),
        (State.CLOSED, State.RELAYED),
    }
)
"""The last two are the reopening."""


def due_day(accepted: int, days: int, calendar: Calendar) -> date:
    """The last day for the answer: the `days`-th working day after the day of acceptance."""
    return calendar.working_days_after(shanghai(accepted).date(), days)


def due_at(day: date) -> int:
    """The moment at which a due day is over."""
    return end_of_day(day, SHANGHAI)


def day_of_due(due: int) -> date:
    """The due day that is over at `due`."""
    return shanghai(due - 1).date()


def tell_unmatched_at(accepted: int) -> int:
    """The first moment at least 24 h after acceptance in which a settlement might come, too."""
    moment = accepted + UNMATCHED_AFTER
    hour = shanghai(moment).hour
    if FIRST_HOUR <= hour < LAST_HOUR:
        return moment
    midnight = end_of_day(shanghai(moment).date(), SHANGHAI) - DAY
    return midnight + FIRST_HOUR * HOUR + (DAY if hour >= LAST_HOUR else 0)


def is_too_new(held: str, accepted: int) -> bool:
    """Return whether a number held since `held` (YYYY-MM) has certainly been held for less than LAG_DAYS days."""
    return held > f"{shanghai(accepted - LAG_DAYS * DAY):%Y-%m}"


def not_before(accepted: int) -> int:
    """From when an objection about a number that is too new is taken."""
    return accepted + LAG_DAYS * DAY


def kind_relayed(wish: Wish, held: str | None) -> Wish:
    """The wish that companies are sent: without the carrier's word since when the number is held, a dispute."""
    return wish if held else Wish.DISPUTE
