"""Rows erased a second: closed inquiries whose index is due, then their rows and messages, beside a steady drain."""

from __future__ import annotations

import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import text

from config.db.engine import begin
from config.ground import Ground
from query.inquiry import DAY
from query.upkeep.retention import erase
from sms_port.ledger.retention import forget
from tests.bench.history import analyze, store_finished
from tests.bench.instances import ground_of, on_mariadb
from tests.bench.pipeline import drain

STORED, ROUNDS, DRAINED = 20_000, 3, 4_000
FOR_EVER_S = 600.0


def measure() -> dict[str, Any]:
    """Rows a second, alone and beside a drain; inquiries a second of that drain, and of one by itself."""
    with tempfile.TemporaryDirectory(prefix="onecert-bench-") as name:  # noqa: SIM117 - the directory goes last
        with on_mariadb(Path(name) / "mariadb", "--workers", "2") as instance, ground_of(instance) as ground:
            instance.behave("gateway", "no_receipt")
            drain(ground, instance, 90_000_000, DRAINED)
            alone = [_round(ground, turn) for turn in range(ROUNDS)]
            undisturbed = drain(ground, instance, 91_000_000, DRAINED)
            beside, drained = _beside(ground, lambda: drain(ground, instance, 92_000_000, DRAINED))
    return {
        "erased_per_second": statistics.median(one["erased"] for one in alone),
        "purged_per_second": statistics.median(one["purged"] for one in alone),
        "erased_beside_load_per_second": beside,
        "drain_per_second": undisturbed["per_second"],
        "drain_beside_erasing_per_second": drained["per_second"],
    }


def _round(ground: Ground, turn: int) -> dict[str, int]:
    _store(ground, turn)
    erased = _rate(lambda: erase(ground, FOR_EVER_S), 2 * STORED)  # the inquiry and its day
    _age(ground)
    purged = _rate(lambda: (erase(ground, FOR_EVER_S), forget(ground, ground.clock.now(), FOR_EVER_S)), 3 * STORED)
    return {"erased": erased, "purged": purged}


def _beside(ground: Ground, load: Callable[[], dict[str, Any]]) -> tuple[int, dict[str, Any]]:
    _store(ground, ROUNDS)
    found: list[int] = []
    eraser = threading.Thread(target=lambda: found.append(_rate(lambda: erase(ground, FOR_EVER_S), 2 * STORED)))
    eraser.start()
    drained = load()
    eraser.join()
    return found[0], drained


def _store(ground: Ground, turn: int) -> None:
    store_finished(ground, 1 + turn * STORED, STORED)
    _due(ground)
    analyze(ground)


def _due(ground: Ground) -> None:
    with begin(ground.engine) as db:
        then = {"days": 40 * DAY}
        db.execute(text("UPDATE inquiry SET erase_at = 1, accepted_at = accepted_at - :days WHERE state = 3"), then)
        db.execute(text("UPDATE last_inquiry SET accepted_at = accepted_at - :days"), then)


def _age(ground: Ground) -> None:
    with begin(ground.engine) as db:
        db.execute(text("UPDATE inquiry SET id = CONCAT(UNHEX('0001'), SUBSTR(id, 3)) WHERE erase_at IS NULL"))
        db.execute(text("UPDATE message SET due_at = due_at - :days WHERE state > 3"), {"days": 80 * DAY})


def _rate(work: Callable[[], object], rows: int) -> int:
    begun = time.monotonic()
    work()
    return round(rows / (time.monotonic() - begun))
