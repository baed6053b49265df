"""The words of our SMS, filled into the catalogue's texts. Pure.

Rules: the order is the catalogue's; 0 is written; who is silent is named and never counted; one text for every
unsuccessful end; a flagged resend differs by its mark alone; companies of one name (the virtual operators) are told
as one. Texts and places are those of the catalogue's `texts.sms`, named `<what>-<service>`.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from query.inquiry import Outcome

SEPARATOR: Final = "，"
LISTING: Final = "、"
BEFORE: Final = "<"
"""Before an application's code: how many of its accounts are older than the citizen's hold on the number."""

Texts = Mapping[str, str]
Counts = Mapping[str, int]
CompanyAnswer = tuple["Company", Counts | None]
"""A company and what it answered; None: unavailable."""


@dataclass(frozen=True, slots=True)
class Company:
    """One that was asked: its short name, and (code, name) of what it counts, in the order of the SMS."""

    name: str
    counted: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class About:
    """What a reply is about: the service, the day of acceptance as written, and the masked number."""

    service: str
    day: str
    phone: str


@dataclass(frozen=True, slots=True)
class Reply:
    """The text to send, the same flagged as a resend, and the outcome it tells."""

    text: str = field(repr=False)
    resend_text: str = field(repr=False)
    outcome: Outcome


def compose_code(texts: Texts, service: str, code: str) -> str:
    """The SMS with a verification code."""
    return texts[f"code-{service}"].format(code=code)


def compose_unsuccessful(texts: Texts, about: About) -> Reply:
    """The one text for mismatch, inactive number and silent carrier alike."""
    text = texts[f"unsuccessful-{about.service}"].format(date=about.day, phone=about.phone)
    return _reply(texts, text, Outcome.UNSUCCESSFUL)


def compose_reply(texts: Texts, about: About, asked: Sequence[CompanyAnswer], *, dated: bool = True) -> Reply:
    """The reply from what each company answered, companies in the order of the SMS.

    Not `dated`: nobody was told since when the citizen holds the number, and what is older is not told either.
    """
    counted_names: list[tuple[str, int]] = []
    silent: list[str] = []
    for name, group in _by_name(asked).items():
        counted_names += _counted(name, group)
        silent += _silent(texts, name, group)
    outcome = Outcome.PARTIAL if silent or not counted_names else Outcome.ANSWERED
    kind = "none" if not counted_names else "partial" if silent else "result"
    count_text = texts[f"count-{about.service}"]
    earlier = _listed(count_text, _counted_before(asked)) if dated else ""
    text = texts[f"{kind}-{about.service}"].format(
        date=about.day,
        phone=about.phone,
        counts=_listed(count_text, counted_names) + _earlier(texts, about.service, earlier),
        total=sum(count for _, count in counted_names),
        silent=LISTING.join(silent),
        asked=len(asked),
    )
    return _reply(texts, text, outcome)


def _by_name(asked: Sequence[CompanyAnswer]) -> Mapping[str, Sequence[CompanyAnswer]]:
    groups: dict[str, list[CompanyAnswer]] = defaultdict(list)
    for company, counts in asked:
        groups[company.name].append((company, counts))
    return groups


def _listed(count_text: str, counted: Sequence[tuple[str, int]]) -> str:
    return SEPARATOR.join([_phrase(count_text, name, count) for name, count in counted])


@lru_cache(maxsize=4096)
def _phrase(count_text: str, name: str, count: int) -> str:
    # Kept, since millions of replies are made of a few hundred phrases; none of them tells whose it is.
    return count_text.format(name=name, count=count)


def _counted(name: str, group: Sequence[CompanyAnswer]) -> list[tuple[str, int]]:
    """(name, count) of what was answered; one sum under the common name where several share it."""
    found = [
        (own, counts[code]) for company, counts in group if counts for code, own in company.counted if code in counts
    ]
    return found if len(group) == 1 or not found else [(name, sum(count for _, count in found))]


def _silent(texts: Texts, name: str, group: Sequence[CompanyAnswer]) -> list[str]:
    """Who is named as not having answered: a company, or single applications of an answer that left them out.

    Of several under one name it is told how many, unless it is all of them.
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
    """(name, count) of what was registered before the citizen held the number; none is not told."""
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
