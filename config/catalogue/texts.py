"""The catalogue's texts: which there are, what is filled into them, and whether they fit. Pure.

Lengths of SMS texts are UCS-2 units: up to 70 in one part, 67 in each of several.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from config.catalogue.fields import ServiceCode
from config.catalogue.schema import Catalogue

SINGLE_PART_UNITS, JOINED_PART_UNITS = 70, 67
MAX_PARTS, USUAL_PARTS = 3, 2
MAX_CHAT_BYTES, LINK_LENGTH = 2047, 300

SMS_PLACES: dict[str, set[str]] = {
    "code-internet-accounts": {"code"},
    "code-phone-cards": {"code"},
    "result-internet-accounts": {"date", "phone", "counts"},
    "partial-internet-accounts": {"date", "phone", "counts", "silent"},
    "none-internet-accounts": {"date", "phone", "asked"},
    "unsuccessful-internet-accounts": {"date", "phone"},
    "result-phone-cards": {"date", "total", "counts"},
    "partial-phone-cards": {"date", "total", "counts", "silent"},
    "none-phone-cards": {"date", "asked"},
    "unsuccessful-phone-cards": {"date"},
    "count-internet-accounts": {"name", "count"},
    "count-phone-cards": {"name", "count"},
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
}
"""Every SMS text and the places that must be in it."""

AFTER_THE_COUNT: frozenset[str] = frozenset(
    name for name in SMS_PLACES if name.startswith(("objection-", "finding-", "reason-", "watch-", "code-objection"))
)
"""Texts of objections and alerts: all of them are needed where the catalogue offers objections, else none."""

OPTIONAL: frozenset[str] = frozenset({"before-internet-accounts", "some-of"})
"""Texts that a catalogue of an earlier release does without; what they would tell is then left out."""

CHAT_PLACES: dict[str, set[str]] = {
    "welcome": set(),
    "menu": {"internet_accounts", "phone_cards"},
    "unknown": set(),
    "number": set(),
    "progress": set(),
    "down": set(),
}
"""Every chat answer and the places that must be in it."""

ONE_PART = {
    name
    for name, places in SMS_PLACES.items()
    if not {"counts", "name", "names", "before", "findings"} & places and not name.startswith(("finding-", "reason-"))
}
"""Texts without a list in them; each fits one part."""


_PIECES = {"count-internet-accounts", "count-phone-cards", "before-internet-accounts", "some-of", "resend-mark"}
_PIECES |= {name for name in SMS_PLACES if name.startswith(("finding-", "reason-"))}
_WIDEST = {"code": "000000", "date": "12月31日", "phone": "138****8000", "total": "9999", "asked": "99"}
_WIDEST |= {"due": "12月31日", "when": "12月31日", "reference": "482719356041", "until": "2027年11月30日"}


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


def _sms_texts(catalogue: Catalogue) -> Iterator[str]:
    texts = catalogue.texts.sms
    missing = OPTIONAL if catalogue.objections is not None else OPTIONAL | AFTER_THE_COUNT
    yield from _names("texts.sms", set(texts) | missing, set(SMS_PLACES))
    for name in sorted(set(texts) & set(SMS_PLACES)):
        yield from _places(f"texts.sms.{name}", texts[name], SMS_PLACES[name])
        if name not in _PIECES and not texts[name].startswith(catalogue.signature):
            yield f"texts.sms.{name}: must start with the signature {catalogue.signature}"


def _chat_texts(catalogue: Catalogue) -> Iterator[str]:
    texts = catalogue.texts.chat
    yield from _names("texts.chat", set(texts), set(CHAT_PLACES))
    for topic in sorted(set(texts) & set(CHAT_PLACES)):
        yield from _names(f"texts.chat.{topic}", set(texts[topic]), {"zh-CN", "en"})
        for language, text in texts[topic].items():
            place = f"texts.chat.{topic}.{language}"
            yield from _places(place, text, CHAT_PLACES[topic])
            size = len(re.sub(r"\{[a-z_]+\}", "x" * LINK_LENGTH, text).encode())
            if size > MAX_CHAT_BYTES:
                yield f"{place}: has {size} bytes with its links; WeChat shows {MAX_CHAT_BYTES}, shorten it"


def _names(place: str, given: set[str], known: set[str]) -> Iterator[str]:
    yield from (f"{place}.{name}: is missing; add it" for name in sorted(known - given))
    yield from (f"{place}.{name}: no such text; remove it" for name in sorted(given - known))


def _places(place: str, text: str, needed: set[str]) -> Iterator[str]:
    given = set(re.findall(r"\{([^{}]*)\}", text))
    if "{" in re.sub(r"\{[^{}]*\}", "", text) or "}" in re.sub(r"\{[^{}]*\}", "", text):
        yield f"{place}: has a single curly bracket; remove it"
    yield from (f"{place}: lacks {{{name}}}; add it" for name in sorted(needed - given))
    yield from (f"{place}: {{{name}}} means nothing here; remove it" for name in sorted(given - needed))


def _widths(catalogue: Catalogue) -> Iterator[str]:
    for service in ("internet-accounts", "phone-cards"):
        units = count_result_units(catalogue, service, digits=3)
        if units > MAX_PARTS * JOINED_PART_UNITS:
            yield (
                f"texts.sms.result-{service}: can reach {units} units, three parts hold "
                f"{MAX_PARTS * JOINED_PART_UNITS}; shorten it, or the names of the applications"
            )
    for name in sorted(ONE_PART & set(catalogue.texts.sms)):
        units = count_units(_fill(catalogue.texts.sms[name]))
        if units > SINGLE_PART_UNITS:
            yield f"texts.sms.{name}: has {units} units, one part holds {SINGLE_PART_UNITS}; shorten it"


def count_result_units(catalogue: Catalogue, service: ServiceCode, *, digits: int) -> int:
    """Units of a full result in which every count has that many digits."""
    asked = catalogue.enterprises() if service == "internet-accounts" else catalogue.carriers()
    piece = catalogue.texts.sms[f"count-{service}"]
    shared = Counter(partner.short_name for partner in asked)
    names = {
        partner.short_name: [partner.short_name]
        if shared[partner.short_name] > 1
        else [one.name.zh for one in partner.counted]
        for partner in asked
    }
    counts = "，".join(piece.format(name=name, count="9" * digits) for told in names.values() for name in told)
    return count_units(_fill(catalogue.texts.sms[f"result-{service}"], counts))


def _fill(text: str, counts: str = "") -> str:
    return text.format_map({**_WIDEST, "counts": counts, "silent": ""})
