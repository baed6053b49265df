"""The steps and texts of the progress page. Pure.

Every outcome looks the same: no figure, no company, no reason. Without figures an inquiry is drawn as received.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from query.progress import Progress
from wechat.pages.texts import Words
from wechat.pages.times import hour_and_minute, soon, stamp

DONE, NOW, LATER = "done", "now", "later"


@dataclass(frozen=True)
class Step:
    """One of the three steps; `segments` is (filled, all) while partners are asked."""

    state: str
    title: str
    detail: str = ""
    segments: tuple[int, int] | None = None


@dataclass(frozen=True)
class ProgressView:
    """The page: keys of its heading and lead, its steps, and whether the advice lies open."""

    heading: str
    lead: str
    steps: tuple[Step, Step, Step]
    reference: str
    service: str
    deadline: str
    closed: bool
    advice_open: bool


def view_progress(seen: Progress, now: int, words: Words) -> ProgressView:
    """The page for one's own inquiry at `now` (epoch ms)."""
    closed = seen.status == "closed"
    return ProgressView(
        heading="pr.h1.closed" if closed else "pr.h1",
        lead="pr.lead.closed" if closed else "pr.lead",
        steps=(Step(DONE, words("pr.s1"), stamp(seen.accepted_at, words)), _second(seen, words), _third(seen, words)),
        reference=grouped(seen.reference),
        service=words("home.ia" if seen.service == "internet-accounts" else "home.pc"),
        deadline=stamp(seen.reply_by, words),
        closed=closed,
        advice_open=closed or now >= seen.reply_by,
    )


@dataclass(frozen=True)
class RecentView:
    """The first page's way back to an inquiry."""

    reference: str
    what: str
    when: str


def view_recent(seen: Progress, now: int, words: Words) -> RecentView:
    """The way back to `seen` at `now` (epoch ms): what was asked of which number, when, and its reference."""
    service = words("home.ia" if seen.service == "internet-accounts" else "home.pc")
    at = words("home.recent.at", time=soon(seen.accepted_at, now, words), reference=grouped(seen.reference))
    return RecentView(seen.reference, words("home.recent.d", service=service, phone=seen.phone), at)


def grouped(reference: str) -> str:
    """`4827 1935 6041`: in groups of four, to be read out."""
    return " ".join(reference[start : start + 4] for start in range(0, len(reference), 4))


def _second(seen: Progress, words: Words) -> Step:
    if seen.status == "asking":
        return _asking(seen, words)
    over = Step(DONE, words("pr.s2.over"))
    return replace(over, detail=stamp(seen.closed_at, words)) if seen.closed_at is not None else over


def _asking(seen: Progress, words: Words) -> Step:
    if not seen.asked:
        return Step(NOW, words("pr.s2.received"), words("pr.s2.received.d"))
    title = words("pr.s2.asking" if seen.service == "internet-accounts" else "pr.s2.asking.pc")
    answered = seen.answered or 0
    detail = words("pr.s2.asking.d", asked=seen.asked, answered=answered)
    return Step(NOW, title, detail, segments=(answered, seen.asked))


def _third(seen: Progress, words: Words) -> Step:
    if seen.status == "closed" and seen.closed_at is not None:
        detail = words("pr.s3.closed.d", phone=seen.phone, time=hour_and_minute(seen.closed_at))
        return Step(DONE, words("pr.s3.closed"), detail)
    promise = words("pr.s3.d", when=stamp(seen.reply_by, words))
    return Step(LATER, words("pr.s3", phone=seen.phone), promise)
