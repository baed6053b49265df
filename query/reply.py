"""Compose our SMS from the catalogue's texts. Pure.

Rules: the order is the catalogue's; 0 is written; a silent company is named and never counted; one text for every
unsuccessful end; a flagged resend differs by its mark alone; companies of one name (the virtual operators) are counted
as one. Where a list of every application does not fit three SMS parts, those without an account share one phrase, and
what does not fit even then is given as a sum. Texts and places are those of the catalogue's `texts.sms`, named
`<text>-<service>`.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from config.catalogue.texts import MAX_PARTS, count_parts
from query.inquiry import Outcome

SEPARATOR: Final = "，"
LISTING: Final = "、"
BEFORE: Final = "<"
"""Prefix of an application's code: number of its accounts that are older than the citizen's hold on the number."""

Texts = Mapping[str, str]
Counts = Mapping[str, int]
CompanyAnswer = tuple["Company", Counts | None]
"""A company and its counts; None: unavailable."""


@dataclass(frozen=True, slots=True)
class Company:
    """A company that was asked: its short name, and (code, name) of its applications, in the order of the SMS."""

    name: str
    counted: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class About:
    """The facts a reply mentions: the service, the day of acceptance as written, and the masked number."""

    service: str
    day: str
    phone: str


@dataclass(frozen=True, slots=True)
class Reply:
    """The text to send, the same flagged as a resend, and the outcome it reports."""

    text: str = field(repr=False)
    resend_text: str = field(repr=False)
    outcome: Outcome


def compose_code(texts: Texts, service: str, code: str) -> str:
    """Compose the SMS with a verification code."""
    return texts[f"code-{service}"].format(code=code)


def compose_unsuccessful(texts: Texts, about: About) -> Reply:
    """Compose the one text for mismatch, inactive number and silent carrier."""
    text = texts[f"unsuccessful-{about.service}"].format(date=about.day, phone=about.phone)
    return _reply(texts, text, Outcome.UNSUCCESSFUL)


def compose_reply(texts: Texts, about: About, asked: Sequence[CompanyAnswer], *, dated: bool = True) -> Reply:
    """Compose the reply from each company's counts, companies in the order of the SMS.

    Not `dated`: it is unknown since when the citizen holds the number, so older accounts are not reported either.
    """
    counted_names: list[tuple[str, int]] = []
    silent: list[str] = []
    for name, group in _by_name(asked).items():
        counted_names += _counted(name, group)
        silent += _silent(texts, name, group)
    outcome = Outcome.PARTIAL if silent or not counted_names else Outcome.ANSWERED
    kind = "none" if not counted_names else "partial" if silent else "result"
    earlier = _listed(texts[f"count-{about.service}"], _counted_before(asked)) if dated else ""
    for form, counts in _forms(texts, kind, about.service, counted_names):
        text = form.format(
            date=about.day,
            phone=about.phone,
            counts=counts + _earlier(texts, about.service, earlier),
            total=sum(count for _, count in counted_names),
            silent=LISTING.join(silent),
            asked=len(asked),
        )
        reply = _reply(texts, text, outcome)
        if count_parts(reply.resend_text) <= MAX_PARTS:
            break
    return reply


def _forms(texts: Texts, kind: str, service: str, counted: Sequence[tuple[str, int]]) -> Iterator[tuple[str, str]]:
    """(text, list of counts) from the fullest to the shortest: no account is left out as long as that fits."""
    text = texts[f"{kind}-{service}"]
    brief = texts.get(f"brief-{service}", text) if kind == "partial" else text
    lists = list(_lists(texts, service, counted))
    yield from ((text, counts) for counts in lists)
    yield from ((brief, counts) for counts in lists)
    yield from ((brief, counts) for counts in _sums(texts, service, counted))


def _lists(texts: Texts, service: str, counted: Sequence[tuple[str, int]]) -> Iterator[str]:
    """The list of counts in full, and with the zeros in one phrase."""
    one, zero = texts[f"count-{service}"], texts.get(f"zero-{service}", "")
    yield _listed(one, counted)
    some = [(name, count) for name, count in counted if count] or list(counted[:1])
    zeros = len(counted) - len(some)
    if zero and zeros > 1:
        yield SEPARATOR.join([_listed(one, some), zero.format(others=zeros)])


def _sums(texts: Texts, service: str, counted: Sequence[tuple[str, int]]) -> Iterator[str]:
    """The list of counts with ever more of the smallest in a sum."""
    one, more = texts[f"count-{service}"], texts.get(f"more-{service}", "")
    some = [(name, count) for name, count in counted if count]
    while more and len(some) > 1:
        some.remove(min(reversed(some), key=lambda each: each[1]))
        rest = sum(count for _, count in counted) - sum(count for _, count in some)
        yield SEPARATOR.join([_listed(one, some), more.format(others=len(counted) - len(some), sum=rest)])


def _by_name(asked: Sequence[CompanyAnswer]) -> Mapping[str, Sequence[CompanyAnswer]]:
    groups: dict[str, list[CompanyAnswer]] = defaultdict(list)
    for company, counts in asked:
        groups[company.name].append((company, counts))
    return groups


def _listed(count_text: str, counted: Sequence[tuple[str, int]]) -> str:
    return SEPARATOR.join([_phrase(count_text, name, count) for name, count in counted])


@lru_cache(maxsize=4096)
def _phrase(count_text: str, name: str, count: int) -> str:
    # Cached: millions of replies consist of a few hundred phrases, none of which identifies a citizen.
    return count_text.format(name=name, count=count)


def _counted(name: str, group: Sequence[CompanyAnswer]) -> list[tuple[str, int]]:
    """Return (name, count) of the answered applications; one sum under the common name where several share it."""
    found = [
        (own, counts[code]) for company, counts in group if counts for code, own in company.counted if code in counts
    ]
    return found if len(group) == 1 or not found else [(name, sum(count for _, count in found))]


def _silent(texts: Texts, name: str, group: Sequence[CompanyAnswer]) -> list[str]:
    """Return the names without an answer: a company, or single applications that its answer left out.

    Of several companies under one name the number is given, unless it is all of them.
    """
    missing = [_missing(company, counts) for company, counts in group]
    if len(group) == 1:
        return [name] if len(missing[0]) == len(group[0][0].counted) else missing[0]
    silent = sum(bool(names) for names in missing)
    if silent in (0, len(group)):
        return [name] * bool(silent)
    return [texts.get("some-of", "{name}").format(name=name, count=silent)]


def _missing(company: Company, counts: Counts | None) -> list[str]:
    if counts is None:
        return [name for _, name in company.counted]
    return [name for code, name in company.counted if code not in counts]


def _counted_before(asked: Sequence[CompanyAnswer]) -> list[tuple[str, int]]:
    """Return (name, count) of accounts registered before the citizen held the number; zeros are left out."""
    return [
        (name, before)
        for company, counts in asked
        for code, name in company.counted
        if counts and (before := counts.get(f"{BEFORE}{code}", 0))
    ]


def _earlier(texts: Texts, service: str, before: str) -> str:
    text = texts.get(f"before-{service}", "")
    return "。" + text.format(before=before) if before and text else ""


def _reply(texts: Texts, text: str, outcome: Outcome) -> Reply:
    signature, bracket, rest = text.partition("】")
    return Reply(text, f"{signature}{bracket}{texts['resend-mark']}{rest}", outcome)
