"""The end of an objection: what the companies found becomes one SMS; a late finding becomes one more at most."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, select

from config.failpoints import failpoint
from config.ground import Ground
from config.times.formats import shanghai
from query.inquiry import day_of
from query.objections.models import objection, objection_ending
from query.objections.moves import move, set_values
from query.objections.rules.answers import LETTERS
from query.objections.rules.objection import ANSWER_WITHIN, NEWS_WITHIN, Outcome, State, Wish
from query.objections.rules.settings import calendar_of, names_of
from query.objections.rules.texts import SILENT, Ending, compose_last, compose_late, compose_settled
from query.objections.telling import open_phone, tell
from query.requests.store import RequestState, give_up, mark_told, open_found, requests_of, send_again

COMPANY_KINDS: Final = ("unbind", "dispute")
LABELS: Final[tuple[str, ...]] = ("", *LETTERS)


def settle(db: Connection, ground: Ground, row: Row[Any], now: int, *, closing: bool = False) -> list[str]:
    """Settle a relayed objection if every company has a final state, or its time is over; `closing`: in any case.

    Companies that are silent are sent their request again (the reminder); returns whom to ring for.
    """
    asked = _asked(db, row)
    waits = any(one.state < RequestState.DONE for one in asked)
    if waits and now < row.due_at and not closing:
        set_values(db, row.id, look=0, look_at=row.due_at)
        return []
    endings = endings_of(ground, row, asked)
    asks = Wish(row.kind) is Wish.DISPUTE and row.round == 0
    label = _free_label(db, row, now) if asks else ""
    text = _settlement(ground, row, endings, label)
    message = tell(db, ground, row.id, f"end-{row.round}", open_phone(ground, row), text)
    silent = any(state == SILENT for _, (state, _) in endings)
    until = row.due_at + NEWS_WITHIN if silent else None
    outcome = Outcome.FOUND
    told = {"settled_at": now, "message": message, "label": label, "news": 0 if silent else 1}
    move(db, row, State.SETTLED, outcome=outcome, look=0, look_at=until, **told)
    note_endings(db, ground, row, asked, now)
    mark_told(db, [one.id for one in asked])
    partners = send_again(db, row.id, now, COMPANY_KINDS) if silent else []
    failpoint("objection.before_settling")
    return partners


def follow_news(db: Connection, ground: Ground, row: Row[Any], now: int) -> list[str]:
    """Tell, once, what a silent company found after the settlement. Without anything new, nothing happens.

    The settlement's own SMS comes first: until it is out the news waits, and its receipt marks the objection again.
    """
    late = [one for one in _asked(db, row) if one.state == RequestState.DONE and one.finding is not None]
    if row.look_at is not None and now >= row.look_at:
        return _stop_waiting(db, row, now)
    if row.news or row.phone is None or not late or State(row.state) is not State.CLOSED:
        set_values(db, row.id, look=0)
        return []
    endings = endings_of(ground, row, late)
    asks = Wish(row.kind) is Wish.DISPUTE and row.round == 0 and row.answer is None
    text = compose_late(
        _texts(ground),
        day=day_of(row.accepted_at),
        kind=Wish(row.kind).word,
        endings=endings,
        label=row.label,
        asks=asks,
    )
    message = tell(db, ground, row.id, f"news-{row.round}", open_phone(ground, row), text)
    set_values(db, row.id, look=0, look_at=None, news=1, message=message)
    note_endings(db, ground, row, late, now)
    mark_told(db, [one.id for one in late])
    failpoint("objection.before_news")
    return []


def _stop_waiting(db: Connection, row: Row[Any], now: int) -> list[str]:
    """The time for late news is over: the number is erased."""
    give_up(db, row.id, now)
    set_values(db, row.id, look=0, look_at=None, news=1, phone=None)
    return []


def endings_of(ground: Ground, row: Row[Any], asked: Sequence[Row[Any]]) -> list[tuple[str, Ending]]:
    """(application's name, ending) in the catalogue's order; for the settlement, of everything that was ticked."""
    found = {one.application: open_found(ground, one) for one in asked}
    whole = State(row.state) is State.RELAYED and row.round == 0
    codes = row.applications.split() if whole else [one.application for one in asked]
    names = names_of(ground.catalogues.current(), codes)
    told: list[tuple[str, Ending]] = []
    for code, name in names.items():
        finding = found.get(code)
        told.append((name, (finding.word, finding.detail) if finding is not None else (SILENT, None)))
    return told


def _settlement(ground: Ground, row: Row[Any], endings: Sequence[tuple[str, Ending]], label: str) -> str:
    texts, day, kind = _texts(ground), day_of(row.accepted_at), Wish(row.kind).word
    if row.round:
        return compose_last(texts, day=day, kind=kind, endings=endings)
    return compose_settled(texts, day=day, kind=kind, endings=endings, label=label)


def _asked(db: Connection, row: Row[Any]) -> list[Row[Any]]:
    """The requests of the present round, locked."""
    mine = requests_of(db, row.id, lock=True)
    return [one for one in mine if one.kind in COMPANY_KINDS and one.round == row.round]


def _free_label(db: Connection, row: Row[Any], now: int) -> str:
    """The letter by which the citizen answers: none, unless another objection of the number waits for its answer."""
    mine = (objection.c.phone_index == row.phone_index, objection.c.id != row.id, awaiting(now))
    taken = set(db.execute(select(objection.c.label).where(*mine)).scalars())
    return next((label for label in LABELS if label not in taken), LABELS[-1])


def awaiting(now: int) -> Any:
    """Objections whose 已解决 / 未解决 may still come."""
    settled = objection.c.state.in_([State.SETTLED, State.CLOSED]) & (objection.c.settled_at > now - ANSWER_WITHIN)
    asked = (objection.c.kind == Wish.DISPUTE) & (objection.c.round == 0) & (objection.c.outcome == Outcome.FOUND)
    return settled & asked & objection.c.answer.is_(None)


def note_endings(db: Connection, ground: Ground, row: Row[Any], asked: Sequence[Row[Any]], now: int) -> None:
    """Keep the endings for statistics, without the person."""
    days = calendar_of(ground.catalogues.current()).working_days_between(_date(row.accepted_at), _date(now))
    rows = []
    for one in asked:
        finding = open_found(ground, one)
        ending = finding.word if finding is not None else SILENT
        told = {"partner": one.partner, "application": one.application, "wish": row.wish, "ending": ending}
        rows.append({**told, "days": days, "settled_at": now})
    if rows:
        db.execute(insert(objection_ending), rows)


def _date(moment: int) -> date:
    return shanghai(moment).date()


def _texts(ground: Ground) -> Any:
    return ground.catalogues.current().texts.sms
