"""Notices of acceptance that some entrances send: owed after the commit, sent at most once, erased on demand.

A notice is a courtesy: it never holds up or undoes an acceptance, and the reply goes by SMS in any case. A notice is
claimed, and the claim committed, before anything is sent; it is claimed again only if it certainly did not leave. The
openid is erased when the notice is settled; a MAC of it stays for a few days, to match the platform's report and to
erase everything when the citizen leaves.
"""

from dataclasses import dataclass, field
from enum import IntEnum
from functools import partial
from typing import Final

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from config.db.engine import is_duplicate, reading, skip_locked, transact
from config.errors import SealBroken
from config.ground import Ground
from query.inquiry import DAY, SECOND
from query.models import notice

LATE: Final = 600 * SECOND
"""A notice later than this after the acceptance is of no use."""
KEPT: Final = 7 * DAY
WORD_CHARS: Final = 32


class NoticeState(IntEnum):
    """The state of a notice; the numbers are stored."""

    OWED = 0
    SENDING = 1
    SENT = 2
    FAILED = 3


@dataclass(frozen=True, slots=True)
class OwedNotice:
    """A notice to send now."""

    reference: str
    openid: str = field(repr=False)


def owe_notice(ground: Ground, *, entrance: str, openid: str, reference: str) -> bool:
    """Store that this person is owed a notice; return False when it was owed already (the submission was repeated)."""
    number = int(reference)
    sealed = ground.keys.seal(openid.encode(), table="notice", column="openid", row=number)
    row = {
        "reference": number,
        "entrance": entrance,
        "person": _person(ground, entrance, openid),
        "openid": sealed,
        "state": NoticeState.OWED,
        "owed_at": ground.clock.now(),
    }
    try:
        transact(ground.engine, lambda db: db.execute(insert(notice).values(**row)))
    except IntegrityError as error:
        if not is_duplicate(error):
            raise
        return False
    return True


def claim_notice(ground: Ground, entrance: str) -> OwedNotice | None:
    """Claim the oldest notice that this entrance owes and commit, so that it is sent once. None: none is owed.

    A notice whose openid cannot be opened is settled as failed, and the next is claimed.
    """
    claim = partial(_claim, entrance=entrance, now=ground.clock.now())
    while (claimed := transact(ground.engine, claim)) is not None:
        number, sealed = claimed
        try:
            openid = ground.keys.open(sealed, table="notice", column="openid", row=number).decode()
        except SealBroken:
            settle_notice(ground, str(number), sent=False, word="unreadable")
        else:
            return OwedNotice(str(number), openid)
    return None


def _claim(db: Connection, entrance: str, now: int) -> tuple[int, bytes] | None:
    owed = (notice.c.state == NoticeState.OWED, notice.c.entrance == entrance, notice.c.owed_at > now - LATE)
    found = select(notice.c.reference, notice.c.openid).where(*owed).order_by(notice.c.owed_at).limit(1)
    row = db.execute(skip_locked(found)).first()
    if row is None:
        return None
    db.execute(update(notice).where(notice.c.reference == row.reference).values(state=NoticeState.SENDING))
    return row.reference, row.openid or b""


def settle_notice(ground: Ground, reference: str, *, sent: bool, word: str) -> None:
    """Store the outcome of a claimed notice, and erase the openid."""
    state = NoticeState.SENT if sent else NoticeState.FAILED
    _from_sending(ground, reference, state=state, word=word[:WORD_CHARS], openid=None)


def return_notice(ground: Ground, reference: str) -> None:
    """Make a claimed notice owed again: it certainly did not leave."""
    _from_sending(ground, reference, state=NoticeState.OWED)


def record_report(ground: Ground, *, entrance: str, openid: str, report: str, word: str) -> bool:
    """Record the platform's report on a notice, which names the person but no reference: the latest sent is meant.

    `report` is the platform's number of it; a repeated report counts once. Returns False when there is no such notice.
    """
    person, known_as = _person(ground, entrance, openid), report[:WORD_CHARS]

    def note(db: Connection) -> bool:
        of_person = select(notice.c.reference, notice.c.report).where(
            notice.c.person == person, notice.c.state == NoticeState.SENT
        )
        rows = db.execute(of_person.order_by(notice.c.owed_at.desc()).with_for_update()).all()
        if any(row.report == known_as for row in rows):
            return True
        number = next((row.reference for row in rows if row.report is None), None)
        values = {"report": known_as, "word": word[:WORD_CHARS]}
        db.execute(update(notice).where(notice.c.reference == number).values(**values))
        return number is not None

    return transact(ground.engine, note)


def forget_person(ground: Ground, *, entrance: str, openid: str) -> int:
    """Erase everything that is bound to this openid at this entrance; return the number of notices."""
    person = _person(ground, entrance, openid)
    with reading(ground.engine) as db:  # most who leave have no notice: spare them the write lock
        if db.execute(select(notice.c.reference).where(notice.c.person == person).limit(1)).first() is None:
            return 0
    return transact(ground.engine, lambda db: db.execute(delete(notice).where(notice.c.person == person)).rowcount)


def entrances_owing(ground: Ground) -> list[str]:
    """Return the entrances that owe a notice now."""
    owed = (notice.c.state == NoticeState.OWED, notice.c.owed_at > ground.clock.now() - LATE)
    with reading(ground.engine) as db:
        return list(db.execute(select(notice.c.entrance).where(*owed).group_by(notice.c.entrance)).scalars())


def _from_sending(ground: Ground, reference: str, **values: object) -> None:
    these = update(notice).where(notice.c.reference == int(reference), notice.c.state == NoticeState.SENDING)
    transact(ground.engine, lambda db: db.execute(these.values(**values)))


def _person(ground: Ground, entrance: str, openid: str) -> bytes:
    return ground.keys.mac("notice-person", entrance, openid)
