"""The lookup protocol, version 1 (docs/lookup-protocol.md): questions to bytes, bytes to answers. Pure.

An answer is parsed as untrusted input: strict JSON, exact types, every field checked before use. A fault in one item
costs that item (`Pending`) and is reported; a fault in the whole raises `AnswerInvalid`. Faults name a place and a
reason, never a value.
"""

import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, Final, Literal, TypeAlias

from config.strict_json import write_object
from config.times.formats import rfc3339
from enterprises.errors import AnswerInvalid, QuestionInvalid
from enterprises.strict_json import read_object

PATH: Final = "/v1/lookups"
MAX_COUNT: Final = 999
MAX_WAIT_S: Final = 86_400

# The fields each question carries; nothing else is sent. An enterprise learns the number only.
FIELDS: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    ("count", "internet-accounts"): ("phone",),
    ("identity", "internet-accounts"): ("phone", "id_tail"),
    ("identity", "phone-cards"): ("phone", "name", "id_number"),
    ("count", "phone-cards"): ("name", "id_number"),
    ("tenure", "internet-accounts"): ("phone", "since"),
}
# Fields that a question carries where they are known.
OPTIONAL_FIELDS: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {("count", "internet-accounts"): ("held_since",)}
VERDICTS: Final[Mapping[str, tuple[str, ...]]] = {
    "identity": ("match", "mismatch", "inactive", "not_ours"),
    "tenure": ("same", "changed", "inactive", "unknown", "not_ours"),
}
"""A carrier's words by the kind of question: number and ID belong together; the holder is the same since a month."""


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a question; `id` is opaque to the partner and stays the same when the item is asked again."""

    id: str
    phone: str | None = field(default=None, repr=False)
    id_tail: str | None = field(default=None, repr=False)
    name: str | None = field(default=None, repr=False)
    id_number: str | None = field(default=None, repr=False)
    held_since: str | None = field(default=None, repr=False)
    since: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A carrier's word on number and ID: "match", "mismatch", "inactive", or "not_ours" (ask the next carrier).

    `active_since` (YYYY-MM, of a match, if given): since when the citizen has held the number.
    """

    value: str
    active_since: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Counts:
    """Accounts by application code, each 0..999; an application that is left out was not looked up.

    `before`: the number of them that were registered before the citizen held the number, if asked and given.
    """

    counts: Mapping[str, int] = field(repr=False)
    before: Mapping[str, int] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Refused:
    """The partner will never answer this item."""


@dataclass(frozen=True, slots=True)
class Pending:
    """No answer yet. `later`: the partner took the question (202) and will call back; leave it alone until then."""

    reason: Literal["retry", "missing", "invalid", "later"] = "retry"

    @property
    def later(self) -> bool:
        """True when the answer will be called back."""
        return self.reason == "later"


Answer: TypeAlias = Verdict | Counts | Refused | Pending


@dataclass(frozen=True, slots=True)
class Parsed:
    """An answer for every id that was asked, and the faults found (for the log; safe to print)."""

    answers: dict[str, Answer]
    faults: list[str]


_MISSING: Final = Pending("missing")
_INVALID: Final = Pending("invalid")
_MONTH: Final = re.compile(r"(?:19[89]|20[0-9])[0-9]-(?:0[1-9]|1[0-2])", re.ASCII)
_ERRORS: Final[Mapping[str, Answer]] = {"retry": Pending("retry"), "refused": Refused()}


def build_request(batch: str, kind: str, service: str, answer_by: int, items: Sequence[Item]) -> bytes:
    """Return the body of one call; `answer_by` in epoch ms. QuestionInvalid when an item lacks a required field."""
    names = FIELDS.get((kind, service))
    if names is None:
        raise QuestionInvalid("the protocol has no such kind and service")
    return write_object(
        {
            "batch": batch,
            "kind": kind,
            "service": service,
            "answer_by": rfc3339(answer_by),
            "items": [_build_item(item, names, OPTIONAL_FIELDS.get((kind, service), ())) for item in items],
        }
    )


def _build_item(item: Item, names: Iterable[str], optional: Iterable[str]) -> dict[str, str]:
    built = {"id": item.id}
    for name in names:
        value = getattr(item, name)
        if not value:
            raise QuestionInvalid(f"an item has no {name}")
        built[name] = value
    for name in optional:
        if value := getattr(item, name):
            built[name] = value
    return built


def parse_answer(body: bytes, *, batch: str, asked: Iterable[str], kind: str, applications: Collection[str]) -> Parsed:
    """Parse a partner's answer to `batch`; every id of `asked` is in the result. AnswerInvalid refuses the whole."""
    answers: dict[str, Answer] = dict.fromkeys(asked, _MISSING)
    faults: list[str] = []
    for place, item in enumerate(_read_items(body, batch)):
        fault = _take(item, answers, kind, applications)
        if fault:
            faults.append(f"items[{place}]: {fault}")
    missing = sum(answer is _MISSING for answer in answers.values())
    if missing:
        faults.append(f"{missing} of {len(answers)} items are not answered")
    return Parsed(answers, faults)


def parse_later(body: bytes, *, batch: str) -> None:
    """Check the body of a 202; AnswerInvalid when it acknowledges something else."""
    _check_batch(read_object(body), batch)


def parse_retry_after(value: str | None, now: int) -> int | None:
    """Return the seconds to wait, 1..86400, from a Retry-After header (seconds or HTTP date); None if unusable."""
    if value is None:
        return None
    if value.isascii() and value.isdigit() and len(value) <= 9:
        seconds = int(value)
    else:
        try:
            until = parsedate_to_datetime(value)
        except (ValueError, OverflowError):
            return None
        seconds = math.ceil(until.replace(tzinfo=until.tzinfo or UTC).timestamp() - now / 1000)
    return min(max(seconds, 1), MAX_WAIT_S)


def _read_items(body: bytes, batch: str) -> list[Any]:
    answer = read_object(body)
    _check_batch(answer, batch)
    items = answer.get("items")
    if not isinstance(items, list):
        raise AnswerInvalid("the answer is refused: it has no list of items")
    return items


def _check_batch(answer: Mapping[str, Any], batch: str) -> None:
    if answer.get("batch") != batch:
        raise AnswerInvalid("the answer is refused: it names another batch", code="wrong_batch")


def _take(item: Any, answers: dict[str, Answer], kind: str, applications: Collection[str]) -> str | None:
    """Store one item's answer under its id, or return its fault. The first valid answer counts."""
    if not isinstance(item, dict):
        return "it is not an object"
    asked = item.get("id")
    if not isinstance(asked, str) or asked not in answers:
        return "its id was not asked"
    answer, fault = read_answer(item, kind, applications)
    before = answers[asked]
    if answer is None:
        if before is _MISSING:
            answers[asked] = _INVALID
        return fault
    if before is not _MISSING and before is not _INVALID:
        return "its id was answered before, the first answer counts"
    answers[asked] = answer
    return fault


def read_answer(item: Mapping[str, Any], kind: str, applications: Collection[str]) -> tuple[Answer | None, str | None]:
    """Return (the answer of one item if it is valid, its fault). Unknown members are ignored."""
    error, answer = item.get("error"), item.get("verdict" if kind in VERDICTS else "counts")
    if error is None:
        return _read_verdict(item, answer, kind) if kind in VERDICTS else _read_counts(item, answer, applications)
    if answer is not None:
        return None, "it holds both an answer and an error"
    known = _ERRORS.get(error) if isinstance(error, str) else None
    return known, None if known else "its error is neither retry nor refused"


def _read_verdict(item: Mapping[str, Any], verdict: Any, kind: str) -> tuple[Answer | None, str | None]:
    if not isinstance(verdict, str) or verdict not in VERDICTS[kind]:
        return None, f"its verdict is none of {', '.join(VERDICTS[kind])}"
    since = item.get("active_since")
    if since is None or verdict != "match":
        return Verdict(verdict), None
    if isinstance(since, str) and _MONTH.fullmatch(since):
        return Verdict(verdict, since), None
    return Verdict(verdict), "its active_since is no month such as 2024-05; the match counts without it"


def _read_counts(
    item: Mapping[str, Any], counts: Any, applications: Collection[str]
) -> tuple[Answer | None, str | None]:
    if not isinstance(counts, dict):
        return None, "it has no counts"
    known = {code: count for code, count in counts.items() if code in applications}
    for code, count in known.items():
        if not _is_count(count, MAX_COUNT):
            return None, f"its count of {code} is not an integer from 0 to {MAX_COUNT}"
    if not known:
        return None, "its counts name no application of this partner"
    before = item.get("before")
    if before is None:
        return Counts(known), None
    earlier = {code: n for code, n in before.items() if code in known} if isinstance(before, dict) else None
    if earlier is not None and all(_is_count(count, known[code]) for code, count in earlier.items()):
        return Counts(known, earlier), None
    return Counts(known), "its before is not part of its counts; they count without it"


def _is_count(count: Any, most: int) -> bool:
    # type() and not isinstance(): True is an int to Python, but not a count.
    return type(count) is int and 0 <= count <= most
