"""The carrier's check of an objection: who is asked, and what follows from the verdicts."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row

from config.catalogue.schema import Catalogue
from config.failpoints import failpoint
from config.ground import Ground
from query.inquiry import SECOND, next_carrier
from query.objections.moves import move, set_values
from query.objections.rules.objection import (
    CHECK_FOR,
    Outcome,
    State,
    Wish,
    is_too_new,
    kind_relayed,
    not_before,
    tell_unmatched_at,
)
from query.objections.rules.settings import company_of, takes
from query.objections.telling import open_phone, tell_too_new, tell_unmatched
from query.requests.store import Found, NewRequest, add_requests, give_up, open_found, requests_of

CHECKS: Final = ("identity", "tenure")
NO_CARRIER_S: Final = 300
PASSED: Final = frozenset({"match", "same"})


def start_check(db: Connection, ground: Ground, row: Row[Any], now: int) -> list[str]:
    """Ask the first carrier about a received objection; returns whom to ring for."""
    kind = "identity" if row.identity is not None else "tenure"
    if kind == "tenure" and not row.since:
        return end_unmatched(db, ground, row, now)  # its ID digits were erased before a worker came to it
    carrier = _next_carrier(ground, row, kind, [])
    if carrier is None:
        if now >= row.accepted_at + CHECK_FOR:
            return end_unmatched(db, ground, row, now)
        set_values(db, row.id, look=0, look_at=now + NO_CARRIER_S * SECOND)
        return []
    add_requests(db, row.id, [NewRequest(kind, carrier)], now)
    move(db, row, State.CHECKING, look=0, look_at=row.accepted_at + CHECK_FOR)
    return [carrier]


def follow_check(db: Connection, ground: Ground, row: Row[Any], now: int) -> list[str]:
    """Take an objection that is being checked as far as the carriers' words allow; returns whom to ring for."""
    if row.outcome is not None:
        return _end_when_time(db, ground, row, now)
    checks = [one for one in requests_of(db, row.id, lock=True) if one.kind in CHECKS]
    words = [open_found(ground, one) for one in checks]
    last = next((word for word in words if word is None or word.word != "not_ours"), words[-1])
    if last is not None and last.word == "not_ours":
        return _ask_next(db, ground, row, checks, now)
    if last is None and now < row.accepted_at + CHECK_FOR:
        set_values(db, row.id, look=0, look_at=row.accepted_at + CHECK_FOR)
        return []
    if last is None or last.word not in PASSED:
        return end_unmatched(db, ground, row, now)
    return _relay(db, ground, row, last, now)


def _ask_next(db: Connection, ground: Ground, row: Row[Any], checks: Sequence[Row[Any]], now: int) -> list[str]:
    carrier = _next_carrier(ground, row, checks[-1].kind, [one.partner for one in checks])
    if carrier is None or now >= row.accepted_at + CHECK_FOR:
        return end_unmatched(db, ground, row, now)
    add_requests(db, row.id, [NewRequest(checks[-1].kind, carrier)], now)
    set_values(db, row.id, look=0)
    return [carrier]


def end_unmatched(db: Connection, ground: Ground, row: Row[Any], now: int) -> list[str]:
    """No carrier confirmed it: the ID digits go at once, the citizen is told no sooner than 24 h after acceptance."""
    give_up(db, row.id, now)
    return _end_later(db, ground, row, Outcome.UNMATCHED, now)


def _end_later(db: Connection, ground: Ground, row: Row[Any], outcome: Outcome, now: int) -> list[str]:
    at = tell_unmatched_at(row.accepted_at)
    values = {"outcome": outcome, "identity": None, "look": 0, "look_at": at}
    if outcome is Outcome.TOO_NEW:
        values["not_before"] = not_before(row.accepted_at)
    set_values(db, row.id, **values)
    failpoint("objection.unmatched")
    return _end_when_time(db, ground, row, now, outcome) if now >= at else []


def _end_when_time(
    db: Connection, ground: Ground, row: Row[Any], now: int, outcome: Outcome | None = None
) -> list[str]:
    if now < tell_unmatched_at(row.accepted_at):
        set_values(db, row.id, look=0, look_at=tell_unmatched_at(row.accepted_at))
        return []
    too_new = (outcome if outcome is not None else row.outcome) == Outcome.TOO_NEW
    message = (tell_too_new if too_new else tell_unmatched)(db, ground, open_phone(ground, row), row)
    move(db, row, State.SETTLED, look=0, look_at=None, settled_at=now, message=message)
    failpoint("objection.before_unmatched")
    return []


def _relay(db: Connection, ground: Ground, row: Row[Any], word: Found, now: int) -> list[str]:
    """The carrier confirmed it: every ticked application becomes a request to its company."""
    held, wish = word.detail, Wish(row.wish)
    if wish is Wish.UNBIND and held is not None and is_too_new(held, row.accepted_at):
        return _end_later(db, ground, row, Outcome.TOO_NEW, now)
    kind = kind_relayed(wish, held if wish is Wish.UNBIND else None)
    wanted = _requests(ground.catalogues.current(), kind, row.applications.split(), 0)
    add_requests(db, row.id, wanted, now)
    sealed = ground.keys.seal(held.encode(), table="objection", column="held", row=row.id) if held else None
    due = {"look": int(not wanted), "look_at": row.due_at}
    move(db, row, State.RELAYED, kind=kind, held=sealed, identity=None, **due)
    failpoint("objection.before_relaying")
    return sorted({one.partner for one in wanted})


def _requests(catalogue: Catalogue, kind: Wish, applications: Sequence[str], number: int) -> list[NewRequest]:
    """A request for each application whose company takes this kind; the others are told as silent."""
    companies = [(code, company_of(catalogue, code)) for code in applications]
    return [
        NewRequest(kind.word, partner.code, code, number)
        for code, partner in companies
        if partner is not None and takes(partner, kind.word)
    ]


def requests_again(ground: Ground, row: Row[Any]) -> list[NewRequest]:
    """The requests of a reopening: every ticked application, since what was found has been erased by then."""
    return _requests(ground.catalogues.current(), Wish(row.kind), row.applications.split(), 1)


def _next_carrier(ground: Ground, row: Row[Any], kind: str, tried: Sequence[str]) -> str | None:
    order = ground.catalogues.current().carrier_order(open_phone(ground, row))
    return next_carrier((one.code for one in order if kind == "identity" or one.tenure), tried)
