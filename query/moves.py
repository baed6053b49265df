"""State changes of inquiries. No other file assigns a state."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, insert, select, update

from config.db.engine import id_in
from query.errors import MovedElsewhere
from query.inquiry import MOVES, State
from query.models import inquiry


def admit(db: Connection, *rows: dict[str, Any]) -> None:
    """Store new inquiries, in CHECKING. On IntegrityError (a reference or submission exists) none is stored."""
    if rows:
        db.execute(insert(inquiry), [{**row, "state": State.CHECKING} for row in rows])


def lock_still_open(db: Connection, ids: Sequence[bytes], state: State, *, wave: int | None = None) -> set[bytes]:
    """Lock those of `ids` that are in `state` (and in `wave`, if given) and return them."""
    if not ids:
        return set()
    here = select(inquiry.c.id).where(id_in(inquiry.c.id, ids), inquiry.c.state == state)
    if wave is not None:
        here = here.where(inquiry.c.wave == wave)
    return set(db.execute(here.with_for_update()).scalars())


def lock_phones(db: Connection, ids: Sequence[bytes], state: State, *, wave: int) -> dict[bytes, bytes | None]:
    """Lock those of `ids` that are in `state` and in `wave`; return the sealed number of each."""
    if not ids:
        return {}
    here = select(inquiry.c.id, inquiry.c.phone).where(id_in(inquiry.c.id, ids), inquiry.c.state == state)
    rows = db.execute(here.where(inquiry.c.wave == wave).with_for_update()).all()
    return {row.id: row.phone for row in rows}


def move(db: Connection, ids: Sequence[bytes], old: State, new: State, **values: Any) -> list[bytes]:
    """Move inquiries from one state to the next, setting `values` with it; return the ids moved, sorted.

    The caller has locked them by `lock_still_open`, so that all of them move. Raises MovedElsewhere when they do not,
    and ValueError when the move is not one of MOVES.
    """
    if (old, new) not in MOVES:
        raise ValueError(f"no inquiry moves from {old.name} to {new.name}")
    if not ids:
        return []
    moving = sorted(ids)
    values = {**values, "state": new}
    done = db.execute(update(inquiry).where(id_in(inquiry.c.id, moving), inquiry.c.state == old).values(**values))
    if done.rowcount != len(moving):
        raise MovedElsewhere(f"{done.rowcount} of {len(moving)} moved from {old.name} to {new.name}")
    return moving
