"""Requests of the lookup protocol, version 1 (docs/lookup-protocol.md, section 10): what citizens ask of companies.

Four kinds: `unbind` and `dispute` (an objection), `watch` and `unwatch` (alerts). The partner answers each item at
once, or accepts it and reports later. Its bodies are read as if their sender meant harm; a fault names a place and a
reason, never a value. Pure.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final, TypeAlias

from config.strict_json import write_object
from enterprises.errors import AnswerInvalid, QuestionInvalid
from enterprises.protocol import Pending
from enterprises.strict_json import read_object

PATH: Final = "/v1/requests"
UNBIND: Final = "unbind"
DISPUTE: Final = "dispute"
WATCH: Final = "watch"
UNWATCH: Final = "unwatch"

FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    UNBIND: ("phone", "application", "held"),
    DISPUTE: ("phone", "application"),
    WATCH: ("phone", "application", "until"),
    UNWATCH: ("phone", "application"),
}
"""What an item of each kind carries beside its id, and nothing else leaves us."""

ACCEPTED: Final = "accepted"
FINALS: Final[Mapping[str, frozenset[str]]] = {
    UNBIND: frozenset({"done", "none", "needs_holder", "refused"}),
    DISPUTE: frozenset({"done", "none", "yours", "needs_holder", "refused"}),
    WATCH: frozenset({"done", "refused"}),
    UNWATCH: frozenset({"done", "none"}),
}
"""The states that end an item, by kind; a final state is never left."""

REASONS: Final[Mapping[str, frozenset[str]]] = {
    "needs_holder": frozenset({"face", "id_photo", "in_app", "shop"}),
    "refused": frozenset({"not_supported", "minor", "legal_hold", "too_many"}),
}
"""The closed lists of reasons. Their words are ours (query/objections/texts.py): a company's text reaches nobody."""

MOST_ITEMS: Final = 5_000
LONGEST_ID: Final = 64
LONGEST_WAIT: Final = timedelta(days=60)
MOST_NEW_ACCOUNTS: Final = 99
"""Accounts that one event may tell of; more is an error of the company's."""
CLOCK_SKEW_MS: Final = 300_000

_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)


@dataclass(frozen=True, slots=True)
class RequestItem:
    """One request about one application; `id` is opaque to the partner, and a repeated id is the same request.

    `held`: since which month (YYYY-MM) the citizen has held the number. `until`: the last day (YYYY-MM-DD) of a watch.
    """

    id: str
    phone: str = field(repr=False)
    application: str
    held: str | None = field(default=None, repr=False)
    until: str | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """The partner works on the item; `due` is its own date, where it gave a usable one."""

    due: date | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """The final state of one item, with its reason where the state has one."""

    state: str = field(repr=False)
    reason: str | None = field(default=None, repr=False)


RequestAnswer: TypeAlias = Accepted | Finding | Pending


@dataclass(frozen=True, slots=True)
class Event:
    """A company's news about one watch: `change` new accounts of `application`, at `at` (epoch ms)."""

    event: str
    watch: str
    application: str
    change: int
    at: int


@dataclass(frozen=True, slots=True)
class ParsedRequests:
    """An answer for every id that was sent, and what was wrong (safe to print)."""

    answers: dict[str, RequestAnswer]
    faults: list[str]


@dataclass(frozen=True, slots=True)
class Reports:
    """Reports by item id (the first of each counts), and what was wrong (safe to print)."""

    findings: Mapping[str, Accepted | Finding]
    faults: list[str]


@dataclass(frozen=True, slots=True)
class Events:
    """Usable events in the order sent, and what was wrong with the rest (safe to print)."""

    events: Sequence[Event]
    faults: list[str]


_MISSING: Final = Pending("missing")


def build_requests(batch: str, kind: str, items: Sequence[RequestItem]) -> bytes:
    """The body of one call. QuestionInvalid when the kind is unknown or an item lacks a field of it."""
    if kind not in FIELDS:
        raise QuestionInvalid("the protocol has no such kind of request")
    return write_object({"batch": batch, "kind": kind, "items": [_build_item(item, FIELDS[kind]) for item in items]})


def _build_item(item: RequestItem, names: Iterable[str]) -> dict[str, str]:
    built = {"id": item.id}
    for name in names:
        value = getattr(item, name)
        if not value:
            raise QuestionInvalid(f"an item has no {name}")
        built[name] = value
    return built


def parse_requests(body: bytes, *, batch: str, sent: Iterable[str], kind: str, today: date) -> ParsedRequests:
    """Read a partner's answer to a batch of requests; every id of `sent` is in the result.

    AnswerInvalid refuses the whole. An item that is wrong stays pending: it is sent again.
    """
    answer = read_object(body)
    if answer.get("batch") != batch:
        raise AnswerInvalid("the answer is refused: it names another batch", code="wrong_batch")
    found, faults = _read_items(answer.get("items"), kind, today)
    answers: dict[str, RequestAnswer] = {name: found.pop(name, _MISSING) for name in sent}
    if found:
        faults.append(f"{len(found)} ids were not sent")
    if missing := sum(answer is _MISSING for answer in answers.values()):
        faults.append(f"{missing} of {len(answers)} items are not answered")
    return ParsedRequests(answers, faults)


def parse_reports(body: bytes, today: date) -> Reports:
    """Read a body of `POST /partners/<code>/reports`. AnswerInvalid refuses the whole."""
    found, faults = _read_items(read_object(body).get("items"), None, today)
    return Reports({name: one for name, one in found.items() if not isinstance(one, Pending)}, faults)


def _read_items(items: Any, kind: str | None, today: date) -> tuple[dict[str, RequestAnswer], list[str]]:
    if not isinstance(items, list) or len(items) > MOST_ITEMS:
        raise AnswerInvalid(f"the answer is refused: it has no list of at most {MOST_ITEMS} items")
    found: dict[str, RequestAnswer] = {}
    faults: list[str] = []
    for place, item in enumerate(items):
        name, answer, fault = _read_item(item, kind, today)
        if name is not None and answer is not None and name in found:
            answer, fault = None, "its id was answered before, the first answer counts"
        if name is not None and answer is not None:
            found[name] = answer
        if fault:
            faults.append(f"items[{place}]: {fault}")
    return found, faults


def _read_item(item: Any, kind: str | None, today: date) -> tuple[str | None, RequestAnswer | None, str | None]:
    """(id, the answer if it is valid, what is wrong). Members that are not the protocol's are let pass."""
    if not isinstance(item, dict):
        return None, None, "it is not an object"
    name = item.get("id")
    if not isinstance(name, str) or not 0 < len(name) <= LONGEST_ID:
        return None, None, "it has no id"
    if item.get("error") == "retry" and "state" not in item:
        return name, Pending("retry"), None
    state = item.get("state")
    if state == ACCEPTED:
        due, fault = _read_due(item.get("due"), today)
        return name, Accepted(due), fault
    known = FINALS[kind] if kind is not None else frozenset[str]().union(*FINALS.values())
    if not isinstance(state, str) or state not in known:
        return name, None, "its state is none of this kind's"
    return name, *_read_reason(state, item.get("reason"))


def _read_reason(state: str, reason: Any) -> tuple[Finding | None, str | None]:
    known = REASONS.get(state)
    if known is None:
        return Finding(state), None if reason is None else "its state takes no reason; it counts without"
    if not isinstance(reason, str) or reason not in known:
        return None, "its reason is missing, or not in the list of its state"
    return Finding(state, reason), None


def _read_due(due: Any, today: date) -> tuple[date | None, str | None]:
    if due is None:
        return None, None
    try:
        day = date.fromisoformat(due) if isinstance(due, str) and len(due) == len("2026-12-07") else None
    except ValueError:
        day = None
    if day is None:
        return None, "its due is no date such as 2026-12-07; the item is accepted without"
    if not today <= day <= today + LONGEST_WAIT:
        return None, f"its due is past, or more than {LONGEST_WAIT.days} days ahead; the item is accepted without"
    return day, None


def parse_events(body: bytes, now: int) -> Events:
    """Read a body of `POST /partners/<code>/events` at `now` (epoch ms). AnswerInvalid refuses the whole."""
    items = read_object(body).get("items")
    if not isinstance(items, list) or len(items) > MOST_ITEMS:
        raise AnswerInvalid(f"the answer is refused: it has no list of at most {MOST_ITEMS} items")
    events: dict[str, Event] = {}
    faults = []
    for place, item in enumerate(items):
        event, fault = _read_event(item, now)
        if event is not None and event.event in events:
            event, fault = None, "its event came before, the first counts"
        if event is not None:
            events[event.event] = event
        if fault:
            faults.append(f"items[{place}]: {fault}")
    return Events(list(events.values()), faults)


def _read_event(item: Any, now: int) -> tuple[Event | None, str | None]:
    if not isinstance(item, dict):
        return None, "it is not an object"
    event, watch, application = item.get("event"), item.get("id"), item.get("application")
    if not isinstance(event, str) or not _UUID.fullmatch(event.lower()):
        return None, "its event is no UUID"
    if not isinstance(watch, str) or not 0 < len(watch) <= LONGEST_ID or not isinstance(application, str):
        return None, "its id or application is missing"
    change = item.get("change")
    # type() and not isinstance(): True is an int to Python and no number to us.
    if type(change) is not int or not 1 <= change <= MOST_NEW_ACCOUNTS:
        return None, f"its change is not an integer from 1 to {MOST_NEW_ACCOUNTS}"
    at = _read_moment(item.get("at"))
    if at is None:
        return None, "its at is no time such as 2026-11-30T10:00:00Z"
    if at > now + CLOCK_SKEW_MS:
        return None, "its at is in the future"
    return Event(event.lower(), watch, application, change, at), None


def _read_moment(text: Any) -> int | None:
    """Epoch milliseconds of an RFC 3339 time with a zone."""
    if not isinstance(text, str) or len(text) > LONGEST_ID:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return int(moment.timestamp() * 1000) if moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
