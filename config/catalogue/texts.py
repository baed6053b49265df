"""The catalogue's texts: which there are, what is filled into them, and whether they fit. Pure.

Lengths of SMS texts are UCS-2 units: up to 70 in one part, 67 in each of several.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from config.catalogue.fields import ServiceCode
from config.catalogue.schema import Catalogue, Partner

SINGLE_PART_UNITS, JOINED_PART_UNITS = 70, 67
MAX_PARTS, USUAL_PARTS = 3, 2
MOST_PARTS = 5
"""Parts of a reply on the rare day when nearly every partner is silent: each of them is named, whatever it costs."""
NAMED_APPS = 3
"""Applications that texts name before "and so many others"."""
SERVICES: tuple[ServiceCode, ...] = ("internet-accounts", "phone-cards")
MAX_CHAT_BYTES, LINK_LENGTH = 2047, 300

SMS_PLACES: dict[str, set[str]] = {
    "code-internet-accounts": {"code"},
    "code-phone-cards": {"code"},
    "result-internet-accounts": {"date", "phone", "counts", "total"},
    "partial-internet-accounts": {"date", "phone", "counts", "total", "silent"},
    "brief-internet-accounts": {"date", "phone", "counts", "total", "silent"},
    "none-internet-accounts": {"date", "phone", "asked"},
    "unsuccessful-internet-accounts": {"date", "phone"},
    "result-phone-cards": {"date", "total", "counts"},
    "partial-phone-cards": {"date", "total", "counts", "silent"},
    "brief-phone-cards": {"date", "total", "counts", "silent"},
    "none-phone-cards": {"date", "asked"},
    "unsuccessful-phone-cards": {"date"},
    "count-internet-accounts": {"name", "count"},
    "count-phone-cards": {"name", "count"},
    "zero-internet-accounts": {"others"},
    "zero-phone-cards": {"others"},
    "more-internet-accounts": {"others", "sum"},
    "more-phone-cards": {"others", "sum"},
    "before-internet-accounts": {"before"},
    "some-of": {"name", "count"},
    "resend-mark": set(),
    "opt-out": set(),
    "opt-in": set(),
    "help": set(),
    "code-objection": {"code"},
    "objection-accepted": {"date", "due", "reference"},
    "objection-unmatched": {"date"},
    "objection-too-new": {"date", "when"},
    "objection-settled-ask": {"date", "findings", "label"},
    "objection-settled-unbind": {"date", "findings"},
    "objection-refused": {"date", "names", "reason"},
    "objection-silent": {"date", "names"},
    "objection-late-ask": {"date", "findings", "label"},
    "objection-late": {"date", "findings"},
    "objection-reopened": {"date", "due", "reference"},
    "objection-last": {"date", "findings"},
    "objection-thanks": set(),
    "objection-none": set(),
    "objection-how": set(),
    "finding-done": set(),
    "finding-none": set(),
    "finding-none-unbind": set(),
    "finding-yours": set(),
    "finding-needs_holder": {"reason"},
    "finding-refused": set(),
    "finding-silent": set(),
    "reason-face": set(),
    "reason-id_photo": set(),
    "reason-in_app": set(),
    "reason-shop": set(),
    "reason-not_supported": set(),
    "reason-minor": set(),
    "reason-legal_hold": set(),
    "reason-too_many": set(),
    "watch-on": {"until"},
    "watch-alert": {"name", "count"},
    "watch-alert-several": {"names", "count"},
    "watch-off": set(),
    "watch-yearly": {"until"},
    "sms-inquiry-ask": set(),
    "sms-inquiry-ask-digits": {"digits"},
    "sms-inquiry-accepted": set(),
    "sms-inquiry-short": {"missing"},
    "sms-inquiry-full": set(),
    "sms-inquiry-too-soon": set(),
    "sms-cards": set(),
    "code-help": {"code"},
    "help-offer": {"helper"},
    "help-offer-digits": set(),
    "help-accepted": set(),
    "help-lapsed": {"date"},
    "help-blocked": set(),
    "next-day-internet-accounts": {"date"},
    "next-day-phone-cards": {"date"},
    "verification-code": {"audience", "code"},
}
"""Every SMS text and the places that must be in it."""

AFTER_THE_COUNT: frozenset[str] = frozenset(
    name for name in SMS_PLACES if name.startswith(("objection-", "finding-", "reason-", "watch-", "code-objection"))
)
"""Texts of objections and alerts: all of them are needed where the catalogue offers objections, else none."""

BY_TEXT: frozenset[str] = frozenset(name for name in SMS_PLACES if name.startswith("sms-"))
"""Texts of an inquiry by text message: all of them, or none where the port number takes no inquiries."""

FOR_A_RELATIVE: frozenset[str] = frozenset(name for name in SMS_PLACES if name.startswith(("help-", "code-help")))
"""Texts of an inquiry for a relative (帮家人查): all of them, or none where it is not offered."""

SHORTENING: frozenset[str] = frozenset(
    f"{piece}-{service}" for piece in ("zero", "more") for service in ("internet-accounts", "phone-cards")
)
"""Pieces that shorten a list: for the applications without an account, and for those that have no room left."""

BRIEF: frozenset[str] = frozenset({"brief-internet-accounts", "brief-phone-cards"})
"""What is sent in place of `partial-…` when that does not fit, so that all who were silent can be named."""

NEXT_DAY: frozenset[str] = frozenset({"next-day-internet-accounts", "next-day-phone-cards"})
"""The SMS of the next day; without its text a service has none."""

OPTIONAL: frozenset[str] = SHORTENING | BRIEF | NEXT_DAY | {"before-internet-accounts", "some-of", "verification-code"}
"""Texts that a catalogue of an earlier release does without; what they would tell is then left out."""

OPTIONAL_PLACES: dict[str, set[str]] = {
    "result-internet-accounts": {"total"},
    "partial-internet-accounts": {"total"},
    "menu": {"apps", "others"},
}
"""Places that a text may have and one of an earlier release has not: they are filled in where they stand."""

CHAT_PLACES: dict[str, set[str]] = {
    "welcome": set(),
    "menu": {"internet_accounts", "phone_cards", "apps", "others"},
    "unknown": set(),
    "number": set(),
    "progress": set(),
    "objection": {"objections"},
    "down": set(),
}
"""Every chat answer and the places that must be in it."""

ONE_PART = {
    name
    for name, places in SMS_PLACES.items()
    if not {"audience", "counts", "name", "names", "before", "others", "findings"} & places
    and not name.startswith(("finding-", "reason-"))
}
"""Texts without a list in them; each fits one part."""


_PIECES = {"count-internet-accounts", "count-phone-cards", "resend-mark"} | (OPTIONAL - BRIEF - NEXT_DAY)
_PIECES |= {name for name in SMS_PLACES if name.startswith(("finding-", "reason-"))}
_WIDEST = {"code": "000000", "date": "12月31日", "phone": "138****8000", "total": "9999", "asked": "99"}
_WIDEST |= {"due": "12月31日", "when": "12月31日", "reference": "482719356041", "until": "2027年11月30日"}
_WIDEST |= {"digits": "0000", "missing": "5", "helper": "139****5678"}


def chat_texts(catalogue: Catalogue) -> dict[str, dict[str, str]]:
    """Fill the number of applications into the menu's chat answer; return all answers by topic and language."""
    apps = catalogue.application_count()
    others = max(0, apps - NAMED_APPS)
    menu = {
        language: text.replace("{apps}", str(apps)).replace("{others}", str(others))
        for language, text in catalogue.texts.chat["menu"].items()
    }
    return {**catalogue.texts.chat, "menu": menu}


def find_text_faults(catalogue: Catalogue) -> Iterator[str]:
    """Texts that are missing, unknown, cannot be filled in, or do not fit."""
    faults = [*_sms_texts(catalogue), *_chat_texts(catalogue)]
    yield from faults or _widths(catalogue)


def find_text_warnings(catalogue: Catalogue) -> Iterator[str]:
    """Texts that cost more parts than they need to."""
    units = count_result_units(catalogue, "internet-accounts", digits=1)
    if units > USUAL_PARTS * JOINED_PART_UNITS:
        yield (
            f"texts.sms.result-internet-accounts: the usual result has {units} units and costs three parts; "
            "shorter application names would bring it to two"
        )


def count_units(text: str) -> int:
    """UCS-2 units, as a gateway counts them."""
    return len(text.encode("utf-16-be")) // 2


def count_parts(text: str) -> int:
    """SMS parts that a gateway sends and charges for."""
    units = count_units(text)
    return 1 if units <= SINGLE_PART_UNITS else -(-units // JOINED_PART_UNITS)


def _sms_texts(catalogue: Catalogue) -> Iterator[str]:
    texts = catalogue.texts.sms
    missing = OPTIONAL if catalogue.objections is not None else OPTIONAL | AFTER_THE_COUNT
    for together in (BY_TEXT, FOR_A_RELATIVE):
        missing |= together if not together & set(texts) else frozenset()
    yield from _names("texts.sms", set(texts) | missing, set(SMS_PLACES))
    for name in sorted(set(texts) & set(SMS_PLACES)):
        yield from _places(f"texts.sms.{name}", texts[name], SMS_PLACES[name], OPTIONAL_PLACES.get(name, set()))
        if name not in _PIECES and not texts[name].startswith(catalogue.signature):
            yield f"texts.sms.{name}: must start with the signature {catalogue.signature}"


def _chat_texts(catalogue: Catalogue) -> Iterator[str]:
    texts = catalogue.texts.chat
    missing = set() if catalogue.objections is not None else {"objection"}
    yield from _names("texts.chat", set(texts) | missing, set(CHAT_PLACES))
    for topic in sorted(set(texts) & set(CHAT_PLACES)):
        yield from _names(f"texts.chat.{topic}", set(texts[topic]), {"zh-CN", "en"})
        for language, text in texts[topic].items():
            place = f"texts.chat.{topic}.{language}"
            yield from _places(place, text, CHAT_PLACES[topic], OPTIONAL_PLACES.get(topic, set()))
            size = len(re.sub(r"\{(internet_accounts|phone_cards|objections)\}", "x" * LINK_LENGTH, text).encode())
            if size > MAX_CHAT_BYTES:
                yield f"{place}: has {size} bytes with its links; WeChat shows {MAX_CHAT_BYTES}, shorten it"


def _names(place: str, given: set[str], known: set[str]) -> Iterator[str]:
    yield from (f"{place}.{name}: is missing; add it" for name in sorted(known - given))
    yield from (f"{place}.{name}: no such text; remove it" for name in sorted(given - known))


def _places(place: str, text: str, known: set[str], optional: set[str]) -> Iterator[str]:
    given = set(re.findall(r"\{([^{}]*)\}", text))
    if "{" in re.sub(r"\{[^{}]*\}", "", text) or "}" in re.sub(r"\{[^{}]*\}", "", text):
        yield f"{place}: has a single curly bracket; remove it"
    yield from (f"{place}: lacks {{{name}}}; add it" for name in sorted(known - given - optional))
    yield from (f"{place}: {{{name}}} means nothing here; remove it" for name in sorted(given - known))


def _widths(catalogue: Catalogue) -> Iterator[str]:
    for service in SERVICES:
        name, units, parts = _widest(catalogue, service)
        if units > parts * JOINED_PART_UNITS:
            yield (
                f"texts.sms.{name}: can reach {units} units, {parts} parts hold {parts * JOINED_PART_UNITS}; "
                "shorten it, or the names in it"
            )
    for name in sorted(ONE_PART & set(catalogue.texts.sms)):
        units = count_units(_fill(catalogue.texts.sms[name]))
        if units > SINGLE_PART_UNITS:
            yield f"texts.sms.{name}: has {units} units, one part holds {SINGLE_PART_UNITS}; shorten it"


def _widest(catalogue: Catalogue, service: ServiceCode) -> tuple[str, int, int]:
    """The text that is hardest to fit, its units, and the parts it may take.

    A list of counts can be shortened where the catalogue has the piece for it, names of the silent cannot.
    """
    texts = catalogue.texts.sms
    if f"more-{service}" not in texts:
        return f"result-{service}", count_result_units(catalogue, service, digits=3), MAX_PARTS
    rest = texts[f"more-{service}"].format(others="999", sum="9999")
    silent = "、".join(dict.fromkeys(partner.short_name for partner in _asked(catalogue, service)))
    name = f"brief-{service}" if f"brief-{service}" in texts else f"partial-{service}"
    return name, count_units(texts["resend-mark"] + _fill(texts[name], rest, silent)), MOST_PARTS


def count_result_units(catalogue: Catalogue, service: ServiceCode, *, digits: int) -> int:
    """Units of a full result in which every count has that many digits."""
    piece = catalogue.texts.sms[f"count-{service}"]
    pieces = [piece.format(name=name, count="9" * digits) for names in _names_of(catalogue, service) for name in names]
    return count_units(_fill(catalogue.texts.sms[f"result-{service}"], "，".join(pieces)))


def _asked(catalogue: Catalogue, service: ServiceCode) -> tuple[Partner, ...]:
    return catalogue.enterprises() if service == "internet-accounts" else catalogue.carriers()


def _names_of(catalogue: Catalogue, service: ServiceCode) -> list[list[str]]:
    """The names that a reply gives counts under, by partner; partners that share a short name are one."""
    asked = _asked(catalogue, service)
    shared = Counter(partner.short_name for partner in asked)
    names = {
        partner.short_name: [partner.short_name]
        if shared[partner.short_name] > 1
        else [one.name.zh for one in partner.counted]
        for partner in asked
    }
    return list(names.values())


def _fill(text: str, counts: str = "", silent: str = "") -> str:
    return text.format_map({**_WIDEST, "counts": counts, "silent": silent})
