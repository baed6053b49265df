"""Claim the questions due to a partner: a lease in a short transaction, before any call."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from config.catalogue.schema import Partner
from config.db.engine import transact
from config.errors import SealBroken
from config.failpoints import failpoint
from config.ground import Ground
from config.telemetry.log import get_logger
from enterprises.protocol import FIELDS, OPTIONAL_FIELDS, Item
from query.inquiry import SECOND
from query.models import question, wave
from query.services import times_of
from query.waves.questions import ISOLATE_AFTER_TRIES, Lease, StoredAnswer, claim, open_answers
from query.waves.waves import STAGE_OF, Wave, mark_broken, open_wave

LEASE_MARGIN_S: Final = 20
"""Time to record an answer, after the longest call."""

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class PartnerCall:
    """The leased questions of one call, as items by inquiry; an answer after `answer_by` (epoch ms) is of no use."""

    lease: Lease
    items: Mapping[bytes, Item] = field(repr=False)
    answer_by: int

    @classmethod
    def of(cls, lease: Lease, owed: "Sequence[OwedItem]") -> "PartnerCall":
        """A call about what is owed."""
        return cls(lease, {one.inquiry: one.item for one in owed}, min((one.deadline for one in owed), default=0))

    def leaves_more(self, batch_size: int) -> bool:
        """Return whether more may be due at once: what did not fit the claim, or the rest of a portioned question."""
        in_portions = self.lease.lost or self.lease.failed >= ISOLATE_AFTER_TRIES or len(self.items) > batch_size
        return self.lease.more or bool(in_portions)


@dataclass(frozen=True, slots=True)
class OwedItem:
    """An item that a partner still owes an answer for, until `deadline` (epoch ms)."""

    inquiry: bytes
    item: Item = field(repr=False)
    deadline: int


def lease_until(ground: Ground, partner: Partner) -> int:
    """Return the end (epoch ms) of a lease taken now: time for one call, and to record it."""
    return ground.clock.now() + int((partner.total_s + LEASE_MARGIN_S) * SECOND)


def claim_call(ground: Ground, partner: Partner) -> PartnerCall | None:
    """Lease what is due to a partner and read the items still owed; None: nothing is due.

    Waves and answers are read in one statement, since a wave may shrink at any time. Items past their deadline are
    left out: nobody is asked after the decision.
    """
    now, until = ground.clock.now(), lease_until(ground, partner)

    def take(db: Connection) -> tuple[Lease, Sequence[Row[Any]]] | None:
        lease = claim(db, partner.code, partner.batch_size, now, until)
        if lease is None:
            return None
        rows = _read(db, lease)
        failpoint("ask.before_claim_commit")
        return lease, rows

    claimed = transact(ground.engine, take)
    if claimed is None:
        return None
    failpoint("ask.after_claim")
    lease, rows = claimed
    return PartnerCall.of(lease, [one for row in rows for one in _owed_of(ground, row, lease.kind, partner.closed)])


def owed_items(
    ground: Ground, whole: Wave, kind: str, answers: Sequence[StoredAnswer], closed: Sequence[str] = ()
) -> list[OwedItem]:
    """Return the item of each member that is owed an answer and in time; `closed`: hours that do not count."""
    names = (*FIELDS[kind, whole.service], *OPTIONAL_FIELDS.get((kind, whole.service), ()))
    times, now = times_of(ground.catalogues.current(), whole.service), ground.clock.now()
    found = []
    for place, member in enumerate(whole.members):
        if answers[place] is not None or now >= (deadline := whole.deadline(member, times, closed)):
            continue
        known = {"phone": whole.phones[place], **(whole.identities[place] if whole.identities else {})}
        found.append(OwedItem(member, Item(member.hex(), **{name: known.get(name) for name in names}), deadline))
    return found


def _read(db: Connection, lease: Lease) -> Sequence[Row[Any]]:
    columns = [*wave.c, question.c.answers, question.c.wave, question.c.partner, question.c.kind]
    mine = (question.c.partner == lease.partner) & (question.c.kind == lease.kind)
    owed = select(*columns).join(question, question.c.wave == wave.c.id).where(mine, wave.c.id.in_(sorted(lease.tries)))
    return db.execute(owed.order_by(wave.c.id)).all()


def _owed_of(ground: Ground, row: Row[Any], kind: str, closed: Sequence[str]) -> list[OwedItem]:
    if row.stage != STAGE_OF[kind]:
        return []
    try:
        whole = open_wave(ground, row)
        return owed_items(ground, whole, kind, open_answers(ground, row, whole.members), closed)
    except SealBroken:
        # It must not hold up the waves in the same call; `advance` rebuilds it.
        _log.error("wave_unreadable", wave=row.id)
        transact(ground.engine, partial(mark_broken, ids=[row.id]))
        ground.bell.ring("advance")
        return []
