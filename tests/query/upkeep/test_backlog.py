"""The gauges of what is alive, open and late, as the clock sets them."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import insert, update

from config.db.engine import begin
from config.ground import Ground
from config.processes.heartbeats import Heartbeat
from enterprises.circuit_breaker import record_result
from query.models import inquiry
from query.upkeep.backlog import StatePublisher
from sms_port.models import link_health
from tests.query.partner_stub import accept


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    seen: dict[str, Any] = {}
    monkeypatch.setattr("query.upkeep.backlog.metrics.set_states", lambda **states: seen.update(states))
    return seen


def test_what_lives_and_what_is_open_is_told(ground: Ground, told: dict[str, Any]) -> None:
    now, partners = ground.clock.now(), ground.catalogues.current().partners
    for role in ("web", "web", "clock"):
        Heartbeat(ground, role).write()
    for _ in range(partners[0].breaker_failures):
        record_result(ground, partners[0], "unreachable")
    rows = [{"link": "main", "status": "up_1_of_2", "rate": 90, "process": "h", "seen_at": now}]
    with begin(ground.engine) as db:
        db.execute(insert(link_health), rows)
    StatePublisher().publish_states(ground)
    assert told["processes"] == {"web": 2, "worker": 0, "gateway": 0, "clock": 1}
    assert told["breakers"][partners[0].code] == 1 and sum(told["breakers"].values()) == 1
    assert (told["links"]["main"], told["rates"]["main"]) == (1, 90)
    assert told["erasure_ms"] == 0 and told["objections"] == 0


def test_a_link_that_nobody_wrote_about_lately_is_down(ground: Ground, told: dict[str, Any]) -> None:
    rows = [{"link": "main", "status": "up", "rate": 90, "process": "h", "seen_at": ground.clock.now() - 31_000}]
    with begin(ground.engine) as db:
        db.execute(insert(link_health), rows)
    StatePublisher().publish_states(ground)
    assert told["links"]["main"] == 0


def test_an_erasure_that_is_due_has_an_age(ground: Ground, told: dict[str, Any]) -> None:
    accept(ground)
    with begin(ground.engine) as db:
        db.execute(update(inquiry).values(erase_at=ground.clock.now() - 5000))
    StatePublisher().publish_states(ground)
    assert told["erasure_ms"] == 5000
