"""The ledger's rows go when their time is over, and what is still open stays."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import insert, select

from config.db.engine import begin, reading
from config.ground import Ground
from sms_port.ledger import retention
from sms_port.ledger.payload import ERASED
from sms_port.ledger.retention import NAMES_KEPT_MS, ROWS_KEPT_MS, forget
from sms_port.models import Lane, State, attempt, message, receipt


def store(ground: Ground, number: int, state: State, settled_at: int) -> bytes:
    name = number.to_bytes(16, "big")
    row: dict[str, Any] = {"id": name, "lane": Lane.REPLY, "state": state, "due_at": settled_at}
    row |= {"expires_at": settled_at, "created_at": settled_at, "attempts": 1, "sending": 1, "resendable": False}
    tried = {"message": name, "number": 1, "sending": 1, "link": "main", "parts": 1, "started_at": settled_at}
    with begin(ground.engine) as db:
        db.execute(insert(message).values(**row, fingerprint=ERASED))
        db.execute(insert(attempt).values(**tried))
    return name


def left(ground: Ground) -> set[bytes]:
    with reading(ground.engine) as db:
        assert set(db.scalars(select(attempt.c.message))) == set(db.scalars(select(message.c.id)))
        return set(db.scalars(select(message.c.id)))


def test_settled_messages_and_their_attempts_go_and_open_ones_stay(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH_SIZE", 2)
    now = ground.clock.now()
    old = now - ROWS_KEPT_MS - 1
    for number in range(5):
        store(ground, number, State.DELIVERED, old)
    stays = {store(ground, 10, State.ACCEPTED, old), store(ground, 11, State.DELIVERED, old + 10)}
    store(ground, 12, State.EXPIRED, old)
    forget(ground, now, 60)
    assert left(ground) == stays


def test_names_go_until_nothing_is_left_or_the_budget_is_spent(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH_SIZE", 2)
    now = ground.clock.now()
    old = {"link": "main", "part": 1, "code": "DELIVRD", "done_at": 1, "status": 1}
    with begin(ground.engine) as db:
        for number in range(7):
            at = now - NAMES_KEPT_MS - number - 1
            db.execute(insert(receipt).values(**old, reference=str(number), received_at=at))
    counts = []
    for budget_s in (0, 0, 60):
        forget(ground, now, budget_s)
        with reading(ground.engine) as db:
            counts.append(len(db.execute(select(receipt.c.reference)).all()))
    assert counts == [5, 3, 0]
