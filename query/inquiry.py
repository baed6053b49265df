"""The rules of an inquiry: its states, its moves, its times. Pure: `now` and the catalogue's numbers come in.

    submit ─> CHECKING ──match──> ASKING ──all answered, or decision time──> REPLYING ─> CLOSED
                 └──── mismatch, inactive, carrier silent too long ────────────^

All times are epoch milliseconds; the catalogue's are seconds.
"""

from collections.abc import Iterable, Mapping, Sequence
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
HELP: Final = "help"
"""What the verification code of a relative's helper is bound to, and the entrance of the relative's inquiry."""
FORM_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    INTERNET_ACCOUNTS: ("phone", "id_tail", "code"),
    PHONE_CARDS: ("name", "id_number", "phone", "code"),
}
"""The fields of each service's form, in the order of the page; consent follows."""
IDENTITY_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    service: tuple(name for name in fields if name not in ("phone", "code")) for service, fields in FORM_FIELDS.items()
}

CONSENT_VERSION: Final = "2026-11"
"""Version of the consent text on the form, stored with each inquiry; changes when that text changes."""

GAP: Final = DAY
"""One accepted inquiry per number and service in this time."""

OWNER_SEES: Final = 48 * HOUR
"""Time from acceptance in which the session that submitted an inquiry sees its progress."""

UNIFORM_MS: Final = 5 * SECOND
"""Time from acceptance in which every inquiry shows the same progress, whatever its outcome."""

MASKED_KEPT: Final = 50 * HOUR
"""Time that the masked number is kept, for that progress."""

PHONE_KEPT: Final = 120 * HOUR
"""Longest time that a number is kept if its reply is never settled: the promise and 72 h."""

INDEX_KEPT: Final = 30 * DAY
"""Time that a number's blind index, and the MACs of session and submission, are kept."""

ROWS_KEPT: Final = 62 * DAY
"""Time that a closed inquiry's row is kept, of which nothing personal is left after INDEX_KEPT."""


class State(IntEnum):
    """The state of an inquiry; the numbers are stored."""

    CHECKING = 0
    ASKING = 1
    REPLYING = 2
    CLOSED = 3


class Outcome(IntEnum):
    """The result of an inquiry, set with the move to REPLYING; the numbers are stored."""

    ANSWERED = 0
    PARTIAL = 1
    UNSUCCESSFUL = 2
    WITHDRAWN = 3
    """Taken back by the citizen: it is closed without a reply."""


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
        """Time that partners get to answer, from asking."""
        ...

    @property
    def identity_patience_s(self) -> int:
        """Time that the carrier gets to answer, from acceptance; then ID digits are erased."""
        ...

    @property
    def decision_s(self) -> int:
        """Latest time of the decision, from acceptance."""
        ...

    @property
    def reply_within_s(self) -> int:
        """Time promised to the citizen, from acceptance."""
        ...


class NextStep(Enum):
    """The next step of an inquiry that is being checked, after a carrier's verdict or its silence."""

    ASK = "ask"
    ELSEWHERE = "elsewhere"
    END = "end"
    WAIT = "wait"


def next_step(verdict: str | None, *, overdue: bool) -> NextStep:
    """Return the step after a verdict (None: the carrier is silent); `overdue`: the time for checking is over."""
    if verdict == "match":
        return NextStep.ASK
    if verdict is None:
        return NextStep.END if overdue else NextStep.WAIT
    if verdict == "not_ours":
        return NextStep.END if overdue else NextStep.ELSEWHERE
    return NextStep.END


def check_by(accepted: int, times: Times) -> int:
    """Return when an inquiry whose carrier stays silent ends unsuccessfully."""
    return accepted + times.identity_patience_s * SECOND


def decide_by(service: str, accepted: int, asked_at: int, times: Times, closed: Sequence[str] = ()) -> int:
    """Return when an inquiry is decided with the answers there are.

    That is after the service's patience, and at the decision time at the latest. `closed`: hours of the day, declared
    by the partner, in which the patience does not run. Where partners are asked by ID number, the digits must be erased
    after the patience for checking, so the decision cannot wait longer than that.
    """
    latest = accepted + times.decision_s * SECOND
    if service == PHONE_CARDS:
        latest = min(latest, check_by(accepted, times))
    return after_open_time(closed, asked_at, times.patience_s * SECOND, latest)


def retry_delay(schedule_s: Sequence[float], tries: int, spread: float) -> int:
    """Return the milliseconds until a partner is asked again after `tries` calls; the last entry repeats.

    `spread` in -0.2..0.2 keeps the waves of one outage from coming back together.
    """
    seconds = schedule_s[min(max(tries, 1), len(schedule_s)) - 1] if schedule_s else 60
    return int(seconds * SECOND * (1 + spread))


def next_carrier(order: Iterable[str], tried: Iterable[str]) -> str | None:
    """Return the first carrier of `order` that has not been tried; None: none is left."""
    seen = set(tried)
    return next((carrier for carrier in order if carrier not in seen), None)


def new_inquiry_id(now: int) -> bytes:
    """Make 16 bytes that sort by time of acceptance: 48 bits of milliseconds, 80 random bits."""
    return now.to_bytes(6, "big") + token_bytes(10)


def accepted_at(inquiry: bytes) -> int:
    """Return the time of acceptance that an inquiry's id begins with."""
    return int.from_bytes(inquiry[:6], "big")


def reply_by(accepted: int, times: Times) -> int:
    """Return the time by which the citizen has been promised the reply."""
    return accepted + times.reply_within_s * SECOND


def new_reference() -> int:
    """Draw a reference to try: 12 random digits, the first not 0."""
    return 10**11 + randbelow(9 * 10**11)


def day_of(moment: int) -> str:
    """Return the date as a reply writes it, in Shanghai and without the year: 11月22日."""
    day = shanghai(moment)
    return f"{day.month}月{day.day}日"
