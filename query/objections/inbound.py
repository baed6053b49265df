"""Citizens' texts about objections and alerts, acted on in the transaction that records the text.

The sender of a text can be made up: an answer is worth one reopening at most, and every SMS goes to the number itself.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from sqlalchemy import Connection, select

from config.catalogue.schema import Catalogue
from config.ground import Ground
from query.inquiry import DAY, INTERNET_ACCOUNTS, Outcome
from query.models import inquiry
from query.objections.intake import admit_and_tell, blank_row, why_not
from query.objections.replies import SOLVED, UNSOLVED, record_answer
from query.objections.rules.answers import CitizenAnswer, Keyword, parse_citizen_answer
from query.objections.rules.objection import Wish, due_at, due_day
from query.objections.rules.settings import calendar_of, days_for, listed_applications, takes
from query.watches.alerts import last_alert
from query.watches.subscribe import turn_off, turn_on
from query.watches.watch import month_of

RECENT: Final = 7 * DAY
"""How long after a reply 解绑 starts an objection without a page."""
ENTRANCE: Final = "sms"


def answer_text(db: Connection, ground: Ground, phone: str, text: str) -> str | None:
    """Act on a citizen's text; returns the SMS that answers it, None for a text that is about something else.

    An empty string: the answer is owed already. The caller stores the text's meaning and nothing of the text.
    """
    catalogue = ground.catalogues.current()
    meant = parse_citizen_answer(text)
    if meant is None or catalogue.objections is None or not catalogue.objections.enabled:
        return None
    return _ACTS[meant.keyword](db, ground, phone, meant)


def _solved(db: Connection, ground: Ground, phone: str, meant: CitizenAnswer) -> str:
    return record_answer(db, ground, phone, SOLVED, meant.label)


def _unsolved(db: Connection, ground: Ground, phone: str, meant: CitizenAnswer) -> str:
    return record_answer(db, ground, phone, UNSOLVED, meant.label)


def _watch(db: Connection, ground: Ground, phone: str, _: CitizenAnswer) -> str:
    return turn_on(db, ground, phone)


def _unwatch(db: Connection, ground: Ground, phone: str, _: CitizenAnswer) -> str:
    turn_off(db, ground, phone)
    return ground.catalogues.current().texts.sms["watch-off"]


def _not_mine(db: Connection, ground: Ground, phone: str, meant: CitizenAnswer) -> str:
    """不是我 answers an alert: a dispute about what it told of, or about its n-th application."""
    alerted = last_alert(db, ground, phone)
    if alerted is None:
        return ground.catalogues.current().texts.sms["objection-how"]
    applications, since = alerted
    chosen = applications[meant.number - 1 : meant.number] if meant.number else applications
    return _object(db, ground, phone, Wish.DISPUTE, chosen, since)


def _unbind(db: Connection, ground: Ground, phone: str, _: CitizenAnswer) -> str:
    """解绑 answers a reply of the last days: every company that takes it is asked for what is older than the holder."""
    since = _replied(db, ground, phone)
    applications = [one.code for _, one in listed_applications(ground.catalogues.current())]
    return _object(db, ground, phone, Wish.UNBIND, applications if since else (), since or "")


def _replied(db: Connection, ground: Ground, phone: str) -> str | None:
    """The month of a recent inquiry whose carrier confirmed this number's holder; None without one."""
    now = ground.clock.now()
    mine = inquiry.c.phone_index.in_(ground.keys.phone_indexes(phone)) & (inquiry.c.service == INTERNET_ACCOUNTS)
    found = inquiry.c.outcome.in_([Outcome.ANSWERED, Outcome.PARTIAL]) & (inquiry.c.closed_at > now - RECENT)
    accepted = db.execute(select(inquiry.c.accepted_at).where(mine, found).limit(1)).scalar()
    return month_of(accepted) if accepted is not None else None


def _object(db: Connection, ground: Ground, phone: str, wish: Wish, applications: Sequence[str], since: str) -> str:
    """Start an objection without ID digits: the carrier is asked whether the holder is still the same."""
    catalogue = ground.catalogues.current()
    taken = _taken(catalogue, wish, applications)
    now = ground.clock.now()
    if not taken or why_not(db, ground, phone, taken, now) is not None:
        return catalogue.texts.sms["objection-how" if not taken else "objection-none"]
    due = due_at(due_day(now, days_for(catalogue, wish), calendar_of(catalogue)))
    row = blank_row(ground, phone, wish, taken, due, None)
    index = ground.keys.phone_index(phone)
    admit_and_tell(db, ground, phone, {**row, "entrance": ENTRANCE, "phone_index": index, "since": since})
    return ""


def _taken(catalogue: Catalogue, wish: Wish, applications: Sequence[str]) -> list[str]:
    """Those whose company takes the wish, in the catalogue's order."""
    listed = listed_applications(catalogue)
    return [one.code for partner, one in listed if one.code in applications and takes(partner, wish.word)]


Act = Callable[[Connection, Ground, str, CitizenAnswer], str]
_ACTS: Final[Mapping[Keyword, Act]] = {
    Keyword.SOLVED: _solved,
    Keyword.UNSOLVED: _unsolved,
    Keyword.WATCH: _watch,
    Keyword.UNWATCH: _unwatch,
    Keyword.NOT_MINE: _not_mine,
    Keyword.UNBIND: _unbind,
}
