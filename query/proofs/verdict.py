"""Codes of verifiable replies: made when a reply is composed, and held against what somebody shows. Nothing is stored.

The keys live by the month and are destroyed when the last code they made has expired: then nobody can tell any more.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import Enum

from config.catalogue.schema import Catalogue
from config.catalogue.texts import MAX_PARTS, count_parts
from config.errors import KeysUnavailable
from config.ground import Ground
from config.times.formats import shanghai
from query.errors import AudienceUnknown
from query.inquiry import INTERNET_ACCOUNTS, Outcome
from query.proofs.code import POLICE, Shown, code_of, day_of_words, is_expired, mend, normalise, take_apart, written
from query.reply import About, Company, Reply, compose_reply

KIND = "proof"


class Verdict(Enum):
    """The verdict on a shown reply; nothing else is told."""

    MATCH = "match"
    NO_MATCH = "no_match"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class ShownCounts:
    """A reply as a company's system sends it: the day, the masked number, the counts by application, the code."""

    date: str
    phone: str = field(repr=False)
    audience: str
    counts: Mapping[str, int] = field(repr=False)
    code: str = field(repr=False)


def is_offered(catalogue: Catalogue) -> bool:
    """Return whether replies can carry a code here."""
    return "verification-code" in catalogue.texts.sms


def audience_name(catalogue: Catalogue, code: str) -> str:
    """Return an audience as the SMS writes it: a company's support, or the police. Raises AudienceUnknown."""
    if code == POLICE:
        return "公安机关"
    company = next((one for one in catalogue.enterprises() if one.code == code), None)
    if company is None or not is_offered(catalogue):
        raise AudienceUnknown("no such audience, or replies carry no code here")
    return f"{company.short_name}客服"


def add_code(ground: Ground, reply: Reply, audience: str, accepted: int) -> Reply:
    """Return the reply with its code before the last sentence.

    It stays as it is where it tells no counts, has no room, or where there is no key: a reply waits for no code.
    """
    catalogue = ground.catalogues.current()
    if reply.outcome is Outcome.UNSUCCESSFUL or not is_offered(catalogue):
        return reply
    try:
        name = audience_name(catalogue, audience)
        macs = _macs(ground, shanghai(accepted).date(), name, normalise(reply.text))
    except (AudienceUnknown, KeysUnavailable):  # the company may have left the catalogue since
        return reply
    code = code_of(macs[0])
    sentence = catalogue.texts.sms["verification-code"].format(audience=name, code=written(code))
    text, resent = (_before_last(one, sentence) for one in (reply.text, reply.resend_text))
    return Reply(text, resent, reply.outcome) if count_parts(resent) <= MAX_PARTS else reply


def verify_text(ground: Ground, text: str) -> Verdict:
    """Return the verdict on a whole SMS as it was typed or pasted. Raises KeysUnavailable."""
    shown = take_apart(text)
    return _verify(ground, shown, None) if shown is not None else Verdict.NO_MATCH


def verify_counts(ground: Ground, shown: ShownCounts) -> Verdict:
    """Return the verdict on counts by application: put into the words of the SMS, in the catalogue's order."""
    catalogue = ground.catalogues.current()
    try:
        name = audience_name(catalogue, shown.audience)
        day = date.fromisoformat(shown.date)
    except (AudienceUnknown, ValueError):
        return Verdict.NO_MATCH
    asked = [
        (
            Company(one.short_name, tuple((app.code, app.name.zh) for app in one.counted)),
            {app.code: shown.counts[app.code] for app in one.counted if app.code in shown.counts} or None,
        )
        for one in catalogue.enterprises()
    ]
    about = About(INTERNET_ACCOUNTS, f"{day.month}月{day.day}日", shown.phone)
    words = normalise(compose_reply(catalogue.texts.sms, about, asked).text)
    return _verify(ground, Shown(words, name, mend(shown.code)), day)


def _verify(ground: Ground, shown: Shown, day: date | None) -> Verdict:
    today = shanghai(ground.clock.now()).date()
    day = day or day_of_words(shown.words, today)
    if day is None or day > today:
        return Verdict.NO_MATCH
    if is_expired(day, today):
        return Verdict.EXPIRED
    right = [code_of(mac) for mac in _macs(ground, day, shown.audience, shown.words)]
    return Verdict.MATCH if any([hmac.compare_digest(one, shown.code) for one in right]) else Verdict.NO_MATCH


def _macs(ground: Ground, day: date, audience: str, words: str) -> list[bytes]:
    macs = ground.keys.content_macs(KIND, "verifiable-reply", day.isoformat(), audience, words)
    if not macs:
        raise KeysUnavailable("there is no key for verifiable replies")
    return macs


def _before_last(text: str, sentence: str) -> str:
    """Put a sentence before the last one of a text that ends with 。"""
    head, stop, last = text.removesuffix("。").rpartition("。")
    return f"{head}{stop}{sentence}{last}。"
