"""The only place where an objection gets a state."""

from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from config.db.engine import skip_locked
from query.errors import MovedElsewhere
from query.objections.models import objection
from query.objections.rules.objection import MOVES, OPEN, State


def admit(db: Connection, row: dict[str, Any]) -> None:
    """Store a new objection, in RECEIVED. IntegrityError when its reference, key or number is there already."""
    db.execute(insert(objection).values(**row, state=State.RECEIVED, open_index=row["phone_index"]))


def lock_objection(db: Connection, number: bytes, *, wait: bool = False) -> Row[Any] | None:
    """The objection, locked; None when there is none or, without `wait`, another transaction has it."""
    mine = select(objection).where(objection.c.id == number)
    return db.execute(mine.with_for_update() if wait else skip_locked(mine)).first()


def move(db: Connection, row: Row[Any], new: State, **values: Any) -> None:
    """Move a locked objection to `new`, setting `values` with it.

    Raises ValueError when the move is not one of MOVES, and MovedElsewhere when it is not in its state any more.
    """
    old = State(row.state)
    if (old, new) not in MOVES:
        raise ValueError(f"no objection moves from {old.name} to {new.name}")
    if new not in OPEN:
        values["open_index"] = None
    mine = (objection.c.id == row.id, objection.c.state == old)
    if db.execute(update(objection).where(*mine).values(**{**values, "state": new})).rowcount != 1:
        raise MovedElsewhere(f"an objection is not {old.name} any more")


def set_values(db: Connection, number: bytes, **values: Any) -> None:
    """Set facts beside the state of a locked objection."""
    db.execute(update(objection).where(objection.c.id == number).values(**values))
