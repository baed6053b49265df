"""Processes that die, freeze or are stopped, as `processes`, `doctor` and `/health/ready` see them."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy import text

from config.commands.doctor import CHECKS
from config.commands.heartbeats import processes
from config.db.engine import begin
from config.errors import DatabaseUnavailable
from config.ground import Ground
from config.processes.health import make_blueprint
from config.processes.heartbeats import ROLES, STALE_MS, Heartbeat, heartbeat, read_processes
from config.times.clock import FixedClock
from tests.support.servers import wait_until


def alive(ground: Ground) -> list[str]:
    return [one.role for one in read_processes(ground) if one.alive]


def test_a_process_is_seen_while_it_runs_and_not_missed_once_it_was_stopped(ground: Ground) -> None:
    with heartbeat(ground, "worker"), heartbeat(ground, "clock"):
        wait_until(lambda: alive(ground) == ["clock", "worker"])
    assert read_processes(ground) == []


def test_a_killed_or_frozen_process_is_silent_after_20_seconds(ground: Ground, clock: FixedClock) -> None:
    Heartbeat(ground, "gateway").write()
    clock.advance(STALE_MS - 1)
    assert alive(ground) == ["gateway"]
    clock.advance(1)
    [row] = json.loads(CliRunner().invoke(processes, ["--json"], obj=ground).stdout)
    assert (row["role"], row["state"]) == ("gateway", "silent")


def test_doctor_names_the_role_that_no_host_has(ground: Ground, clock: FixedClock) -> None:
    check = CHECKS["processes"]
    assert check(ground).state == "warn"
    for role in ROLES:
        Heartbeat(ground, role).write()
    assert check(ground).state == "ok"
    clock.advance(STALE_MS)
    for role in ROLES:
        if role != "clock":
            Heartbeat(ground, role).write()
    found = check(ground)
    assert (found.state, found.what.split(";")[0]) == ("fail", "no clock is alive")


def test_a_database_that_takes_no_write_is_not_ready(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """operations fault 2.4: with a full disk `/health/ready` was 200 while every write was 503."""
    beat = Heartbeat(ground, "web")
    app = Flask("ready")
    app.register_blueprint(make_blueprint(ground, beat))
    app.register_error_handler(DatabaseUnavailable, lambda error: ("away", error.status))
    browser = app.test_client()
    assert browser.get("/health/ready").status_code == 200
    monkeypatch.setattr("config.processes.heartbeats.CHECK_S", 0.0)
    with begin(ground.engine) as db:
        db.execute(text("DROP TABLE process") if ground.engine.dialect.name == "sqlite" else text("SELECT 1"))
    if ground.engine.dialect.name == "sqlite":
        assert browser.get("/health/ready").status_code == 503
    assert browser.get("/health/live").status_code == 200
