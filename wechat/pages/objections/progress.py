"""The steps of an objection's progress page. Pure.

Every finding looks the same: the second step is ticked by the clock alone, and endings carry the day, not the hour.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from query.objections.progress import ObjectionProgress
from query.objections.rules.objection import due_at
from wechat.pages.progress import DONE, LATER, NOW, Step, grouped
from wechat.pages.texts import Words
from wechat.pages.times import day, stamp

RELAYED_AFTER_MS = 5_000
"""From then on the page says that the companies have it, where number and ID agree."""


@dataclass(frozen=True)
class ObjectionView:
    """The page: keys of its heading and lead, its steps, and the facts below them."""

    heading: str
    lead: str
    steps: tuple[Step, ...]
    reference: str
    wish: str
    applications: str
    closed: bool
    disputes: bool


def view_objection(seen: ObjectionProgress, names: Sequence[str], now: int, words: Words) -> ObjectionView:
    """The page for one's own objection at `now` (epoch ms); `names`: of the ticked applications."""
    closed = seen.closed_at is not None
    return ObjectionView(
        heading="op.h1.closed" if closed else "op.h1",
        lead="op.lead.closed" if closed else "op.lead",
        steps=_closed_steps(seen, words) if closed else _working_steps(seen, now, words),
        reference=grouped(seen.reference),
        wish=words(f"op.wish.{seen.wish}"),
        applications=("、" if words.language == "zh-CN" else ", ").join(names),
        closed=closed,
        disputes=seen.wish == "dispute",
    )


def _working_steps(seen: ObjectionProgress, now: int, words: Words) -> tuple[Step, ...]:
    due = day(due_at(date.fromisoformat(seen.due)) - 1, words)
    first = Step(DONE, words("op.s1"), stamp(seen.accepted_at, words))
    last = Step(LATER, words("op.s4", phone=seen.phone), words("op.s4.d", due=due))
    if now < seen.accepted_at + RELAYED_AFTER_MS:
        return first, Step(NOW, words("op.s2")), Step(LATER, words("op.s3"), words("op.s3.d", due=due)), last
    relayed = Step(DONE, words("op.s2"), words("op.s2.d"))
    return first, relayed, Step(NOW, words("op.s3"), words("op.s3.d", due=due)), last


def _closed_steps(seen: ObjectionProgress, words: Words) -> tuple[Step, ...]:
    over = day(seen.closed_at or 0, words)
    return (
        Step(DONE, words("op.s1"), stamp(seen.accepted_at, words)),
        Step(DONE, words("op.s2"), words("op.s2.d")),
        Step(DONE, words("op.s3.closed"), over),
        Step(DONE, words("op.s4.closed"), words("op.s4.closed.d", phone=seen.phone, time=over)),
    )
