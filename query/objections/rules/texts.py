"""The words of an objection's SMS, filled into the catalogue's texts. Pure.

Findings are grouped by ending, in one order, applications in the order of the catalogue. Reasons are told in our own
words, from closed lists; no word of a company is ever sent.
"""

from collections.abc import Mapping, Sequence
from typing import Final

SILENT: Final = "silent"
"""The ending of an application whose company has given no final state."""
ORDER: Final = ("done", "none", "yours", "needs_holder", "refused", SILENT)
LISTING: Final = "、"
MOST_UNITS: Final = 134
"""UTF-16 units of two parts."""

Texts = Mapping[str, str]
Ending = tuple[str, str | None]
"""A final state or SILENT, and its reason, if it has one."""


def compose_accepted(texts: Texts, *, day: str, due: str, reference: int) -> str:
    """The SMS of acceptance; `day` and `due` as written (11月23日)."""
    return texts["objection-accepted"].format(date=day, due=due, reference=reference)


def compose_reopened(texts: Texts, *, day: str, due: str, reference: int) -> str:
    """The SMS after 未解决: the companies have it once more."""
    return texts["objection-reopened"].format(date=day, due=due, reference=reference)


def compose_unmatched(texts: Texts, *, day: str) -> str:
    """The one SMS for mismatch, inactive number and silent carrier alike."""
    return texts["objection-unmatched"].format(date=day)


def compose_too_new(texts: Texts, *, day: str, when: str) -> str:
    """The SMS about a number whose new holder the carrier may not know yet."""
    return texts["objection-too-new"].format(date=day, when=when)


def compose_settled(
    texts: Texts, *, day: str, kind: str, endings: Sequence[tuple[str, Ending]], label: str = ""
) -> str:
    """The SMS that settles: `endings` are (application's name, ending) in the catalogue's order.

    `kind`: unbind or dispute, as relayed; a dispute asks for 1 or 2. `label`: the letter that tells this objection from
    another one that waits for its answer.
    """
    states = {ending[0] for _, ending in endings}
    names = LISTING.join(name for name, _ in endings)
    if states == {SILENT}:
        return texts["objection-silent"].format(date=day, names=names)
    if states == {"refused"} and len({reason for _, (_, reason) in endings}) == 1:
        reason = texts[f"reason-{endings[0][1][1]}"]
        return texts["objection-refused"].format(date=day, names=names, reason=reason)
    name = "objection-settled-unbind" if kind == "unbind" else "objection-settled-ask"
    return _fitting(texts, name, kind, endings, date=day, label=label)


def compose_late(
    texts: Texts, *, day: str, kind: str, endings: Sequence[tuple[str, Ending]], label: str, asks: bool
) -> str:
    """The one later news: findings that came after the settlement."""
    name = "objection-late-ask" if asks else "objection-late"
    return _fitting(texts, name, kind, endings, date=day, label=label)


def compose_last(texts: Texts, *, day: str, kind: str, endings: Sequence[tuple[str, Ending]]) -> str:
    """The SMS after a reopening: the findings, and the next instance."""
    return _fitting(texts, "objection-last", kind, endings, date=day, label="")


def list_findings(texts: Texts, kind: str, endings: Sequence[tuple[str, Ending]], *, with_reasons: bool = True) -> str:
    """Findings in words: 微信、QQ已解绑；京东未查到."""
    groups: dict[tuple[int, str], list[str]] = {}
    for name, (state, reason) in endings:
        words = _words_of(texts, kind, state, reason if with_reasons else None)
        groups.setdefault((ORDER.index(state), words), []).append(name)
    told = [LISTING.join(names) + words for (_, words), names in sorted(groups.items(), key=lambda one: one[0][0])]
    return ("；" if any(len(names) > 1 for names in groups.values()) else "，").join(told)


def _words_of(texts: Texts, kind: str, state: str, reason: str | None) -> str:
    name = f"finding-{state}-unbind" if kind == "unbind" and f"finding-{state}-unbind" in texts else f"finding-{state}"
    told = texts.get(f"reason-{reason}", "") if reason else ""
    if state == "needs_holder":
        return texts[name].format(reason=told or texts["reason-in_app"])
    return texts[name] + (f"（{told}）" if told else "")


def _fitting(texts: Texts, name: str, kind: str, endings: Sequence[tuple[str, Ending]], **places: str) -> str:
    """The text with its findings; without the reasons of refusals, where it would need more than two parts."""
    for with_reasons in (True, False):
        listed = list_findings(texts, kind, endings, with_reasons=with_reasons)
        text = texts[name].format_map({**places, "findings": listed})
        if len(text.encode("utf-16-be")) // 2 <= MOST_UNITS:
            break
    return text
