"""The sweep: every few seconds the clock process finds in the database what has waited too long, and rings again.

Redis may have lost every ring, and a worker may have been killed anywhere: only seconds are lost. Each part is bounded,
and a failing part does not keep the others from running.
"""

from collections.abc import Callable
from functools import partial
from typing import Final

from sqlalchemy import Connection, select, tuple_, update

from config.db.engine import reading, skip_locked, transact
from config.errors import SealBroken
from config.failpoints import failpoint
from config.ground import Ground
from config.telemetry.log import get_logger
from query.asking.gather import carriers_with_waiting
from query.helps.upkeep import tend_offers
from query.inquiry import IDENTITY_FIELDS, SECOND, State
from query.models import inquiry, question, wave
from query.notices import entrances_owing
from query.objections.jobs import SWEPT as AFTER_THE_COUNT
from query.services import times_of
from query.settling.after_commit import AfterCommit
from query.settling.carriers import reroute
from query.settling.ending import close_unreadable, end_unsuccessfully
from query.settling.next_day import tell_next_day
from query.texts.upkeep import erase_conversations
from query.upkeep.backlog import publish_backlog, publish_states
from query.upkeep.key_lives import tend_keys, truncate_log
from query.upkeep.retention import erase
from query.waves.questions import QuestionState, due_by, of_partners
from query.waves.waves import Stage

BATCH_SIZE: Final = 500

_log = get_logger(__name__)


def sweep(ground: Ground) -> None:
    """Make one pass over everything that may have waited too long, and over data kept too long."""
    parts: list[Callable[[Ground], object]] = [
        reclaim_leases,
        hurry_disabled,
        mark_overdue,
        end_ungathered,
        reroute_waiting,
        ring_again,
        ring_for_notices,
        tell_next_day,
        *AFTER_THE_COUNT,
        erase_conversations,
        tend_offers,
        erase,
        tend_keys,
        truncate_log,
        publish_backlog,
        publish_states,
    ]
    for part in parts:
        failpoint("sweep.before_part")
        try:
            part(ground)
        except Exception as error:
            # One failing part must not keep the others from running.
            _log.error("sweep_failed", part=part.__name__, error=type(error).__name__)


def reclaim_leases(ground: Ground) -> None:
    """Make questions due again whose lease ran out: the process that held them was killed, or held up."""
    now = ground.clock.now()
    place = (question.c.wave, question.c.partner, question.c.kind)
    lost = (of_partners(ground), question.c.state == QuestionState.LEASED, question.c.lease_until <= now)

    def reclaim(db: Connection) -> int:
        rows = db.execute(skip_locked(select(*place).where(*lost).limit(BATCH_SIZE))).all()
        if rows:
            these = update(question).where(tuple_(*place).in_([tuple(row) for row in rows]))
            # Counted: a question that kills its worker goes on in ever smaller portions (query/waves/quarantine.py).
            db.execute(
                these.values(
                    state=QuestionState.DUE, due_at=now, failed=question.c.failed + 1, lost=question.c.lost + 1
                )
            )
            failpoint("sweep.before_commit")
        return len(rows)

    if count := transact(ground.engine, reclaim):
        _log.warning("leases_reclaimed", count=count)


def hurry_disabled(ground: Ground) -> None:
    """Make questions to disabled partners due now: `ask` answers them without a call."""
    off = [partner.code for partner in ground.catalogues.current().partners if not partner.enabled]
    now = ground.clock.now()
    waiting = (question.c.partner.in_(off), question.c.state == QuestionState.DUE, question.c.due_at > now)
    if off:
        transact(ground.engine, lambda db: db.execute(update(question).where(*waiting).values(due_at=now)))


def mark_overdue(ground: Ground) -> None:
    """Have `advance` look at waves in which a member's deadline has passed."""
    over = (wave.c.stage.in_([Stage.IDENTITY, Stage.COUNT]), wave.c.decide_at <= ground.clock.now(), wave.c.look == 0)

    def mark(db: Connection) -> None:
        ids = list(db.execute(skip_locked(select(wave.c.id).where(*over).limit(BATCH_SIZE))).scalars())
        if ids:
            db.execute(update(wave).where(wave.c.id.in_(ids)).values(look=1))

    transact(ground.engine, mark)


def end_ungathered(ground: Ground) -> None:
    """End inquiries that no carrier could be asked about in time."""
    for service in IDENTITY_FIELDS:
        if transact(ground.engine, partial(_end_some, ground=ground, service=service)):
            ground.bell.notify_gateway()


def _end_some(db: Connection, ground: Ground, service: str) -> int:
    now = ground.clock.now()
    limit = now - times_of(ground.catalogues.current(), service).identity_patience_s * SECOND
    forgotten = (inquiry.c.state == State.CHECKING, inquiry.c.accepted_at <= limit, inquiry.c.wave.is_(None))
    found = select(inquiry.c.id, inquiry.c.phone).where(*forgotten, inquiry.c.service == service).limit(BATCH_SIZE)
    rows = db.execute(skip_locked(found)).all()
    phones = {row.id: phone for row in rows if (phone := _phone(ground, row.id, row.phone)) is not None}
    end_unsuccessfully(db, ground, service, phones, now)
    close_unreadable(db, [row.id for row in rows if row.id not in phones], State.CHECKING, now)
    return len(rows)


def _phone(ground: Ground, number: bytes, sealed: bytes | None) -> str | None:
    try:
        return ground.keys.open(sealed or b"", table="inquiry", column="phone", row=number).decode()
    except SealBroken:
        return None


def reroute_waiting(ground: Ground) -> None:
    """Move inquiries that wait for a disabled carrier to the next one; without a next one they wait on."""
    enabled = {carrier.code for carrier in ground.catalogues.current().carriers()}
    for carrier in carriers_with_waiting(ground).keys() - enabled:
        after = transact(ground.engine, partial(_reroute_some, ground=ground, carrier=carrier))
        after.ring(ground)


def _reroute_some(db: Connection, ground: Ground, carrier: str) -> AfterCommit:
    waiting = select(inquiry.c.id, inquiry.c.phone).where(inquiry.c.waiting_for == carrier).limit(BATCH_SIZE)
    rows = db.execute(skip_locked(waiting)).all()
    phones = {row.id: phone for row in rows if (phone := _phone(ground, row.id, row.phone)) is not None}
    after = AfterCommit()
    if phones:
        reroute(db, ground, phones, None, after)
    return after


def ring_again(ground: Ground) -> None:
    """Ring for everything that is due; a ring that has not been answered yet counts once."""
    due = select(question.c.partner).where(due_by(ground, ground.clock.now())).group_by(question.c.partner)
    with reading(ground.engine) as db:
        partners = set(db.execute(due).scalars())
        marked = db.execute(select(wave.c.id).where(wave.c.look == 1).limit(1)).first()
    AfterCommit({("ask", partner) for partner in partners}, waiting=bool(carriers_with_waiting(ground))).ring(ground)
    if marked is not None:
        ground.bell.ring("advance")


def ring_for_notices(ground: Ground) -> None:
    """Ring for notices that are still owed."""
    for entrance in entrances_owing(ground):
        ground.bell.ring("notify", entrance)
