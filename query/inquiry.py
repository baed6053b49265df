"""The rules of an inquiry: its states, its moves, its times. Pure: `now` and the catalogue's numbers come in.

    submit ─> CHECKING ──match──> ASKING ──all answered, or decision time──> REPLYING ─> CLOSED
                 └──── mismatch, inactive, carrier silent too long ────────────^

All times are epoch milliseconds; what the catalogue sets is in seconds, as there.
"""

from collections.abc import Iterable, Sequence
from enum import Enum, IntEnum
from secrets import randbelow, token_bytes
from typing import Final, Protocol

from config.times.formats import shanghai
from config.times.opening_hours import after_open_time

SECOND: Final = 1_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

INTERNET_ACCOUNTS: Final = "internet-accounts"
PHONE_CARDS: Final = "phone-cards"
OBJECTION: Final = "objection"
"""What the verification code of an objection is bound to, in place of a service."""
IDENTITY_FIELDS: Final = {INTERNET_ACCOUNTS: ("id_tail",), PHONE_CARDS: ("name", "id_number")}

CONSENT_VERSION: Final = "2026-11"
"""Version of the consent text on the form, stored with each inquiry; changes when that text changes."""

GAP: Final = DAY
"""One accepted inquiry per number and service in this time (DESIGN 6.6)."""

OWNER_SEES: Final = 48 * HOUR
"""How long the session that submitted an inquiry sees its progress (DESIGN 7)."""

UNIFORM_MS: Final = 5 * SECOND
"""How long after acceptance every inquiry's progress is the same, whatever became of it (DESIGN 6.5)."""

MASKED_KEPT: Final = 50 * HOUR
"""How long the masked number is kept, for that progress."""

PHONE_KEPT: Final = 120 * HOUR
"""How long a number is kept at most, should its reply never be settled: the promise and 72 h."""

INDEX_KEPT: Final = 30 * DAY
"""How long the blind index of a number, and what knows a session or a submission again, are kept."""


class State(IntEnum):
    """Where an inquiry stands; the numbers are stored."""

    CHECKING = 0
    ASKING = 1
    REPLYING = 2
    CLOSED = 3


class Outcome(IntEnum):
    """How an inquiry ended, set with the move to REPLYING; the numbers are stored."""

    ANSWERED = 0
    PARTIAL = 1
    UNSUCCESSFUL = 2


MOVES: Final = frozenset(
    {
        (State.CHECKING, State.ASKING),
        (State.CHECKING, State.REPLYING),
        (State.ASKING, State.REPLYING),
        (State.REPLYING, State.CLOSED),
    }
)


class Times(Protocol):
    """The times of a service in seconds, as the catalogue sets them."""

    @property
    def patience_s(self) -> int:
        """How long partners are waited for, from asking."""
        ...

    @property
    def identity_patience_s(self) -> int:
        """How long the carrier's word is waited for, from acceptance; then ID digits are erased."""
        ...

    @property
    def decision_s(self) -> int:
        """When it is decided at the latest, from acceptance."""
        ...

    @property
    def reply_within_s(self) -> int:
        """What the citizen is promised, from acceptance."""
        ...


class NextStep(Enum):
    """What a carrier's word, or its silence, means for one inquiry that is being checked."""

    ASK = "ask"
    ELSEWHERE = "elsewhere"
    END = "end"
    WAIT = "wait"


def next_step(verdict: str | None, *, overdue: bool) -> NextStep:
    """What follows a verdict (None: the carrier has not said); `overdue`: the time for checking is over."""
    if verdict == "match":
        return NextStep.ASK
    if verdict is None:
        return NextStep.END if overdue else NextStep.WAIT
    if verdict == "not_ours":
        return NextStep.END if overdue else NextStep.ELSEWHERE
    return NextStep.END


def check_by(accepted: int, times: Times) -> int:
    """When an inquiry whose carrier stays silent ends unsuccessfully."""
    return accepted + times.identity_patience_s * SECOND


def decide_by(service: str, accepted: int, asked_at: int, times: Times, closed: Sequence[str] = ()) -> int:
    """When an inquiry is decided with the answers there are: after the service's patience, and by the decision time.

    `closed`: hours of the day in which the patience does not run, since who is asked has declared them.
    Where partners are asked by ID number the digits must be gone after the patience for checking (DESIGN 6.9),
    so the decision cannot wait longer than that.
    """
    latest = accepted + times.decision_s * SECOND
    if service == PHONE_CARDS:
        latest = min(latest, check_by(accepted, times))
    return after_open_time(closed, asked_at, times.patience_s * SECOND, latest)


def retry_delay(schedule_s: Sequence[float], tries: int, spread: float) -> int:
    """Milliseconds until a partner is asked again after `tries` calls; the last entry repeats.

    `spread` in -0.2..0.2 keeps the waves of one outage from coming back together.
    """
    seconds = schedule_s[min(max(tries, 1), len(schedule_s)) - 1] if schedule_s else 60
    return int(seconds * SECOND * (1 + spread))


def next_carrier(order: Iterable[str], tried: Iterable[str]) -> str | None:
    """The first carrier of `order` that has not been tried; None: nobody is left to ask."""
    seen = set(tried)
    return next((carrier for carrier in order if carrier not in seen), None)


def new_inquiry_id(now: int) -> bytes:
    """16 bytes that sort by time of acceptance: 48 bits of milliseconds, 80 random bits."""
    return now.to_bytes(6, "big") + token_bytes(10)


def accepted_at(inquiry: bytes) -> int:
    """The time of acceptance that an inquiry's id begins with."""
    return int.from_bytes(inquiry[:6], "big")


def reply_by(accepted: int, times: Times) -> int:
    """The time by which the citizen has been promised the reply."""
    return accepted + times.reply_within_s * SECOND


def new_reference() -> int:
    """A reference to try: 12 random digits, the first not 0."""
    return 10**11 + randbelow(9 * 10**11)


def day_of(moment: int) -> str:
    """The date as a reply writes it, in Shanghai and without the year: 11月22日."""
    day = shanghai(moment)
    return f"{day.month}月{day.day}日"
