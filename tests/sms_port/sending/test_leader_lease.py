"""One sending process: the lead is held by lease, given back, and taken over."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import update

from config.db.engine import begin
from config.ground import Ground
from config.times.clock import FixedClock
from sms_port.models import leader
from sms_port.sending.gateway import run
from sms_port.sending.leader_lease import LEASE_MS, LeaderLease
from tests.sms_port.messages import News, Sandbox, make_reply, owe_all
from tests.support.servers import wait_until


def test_one_leads_and_the_other_stands_by(ground: Ground) -> None:
    first, second = LeaderLease(ground), LeaderLease(ground)
    assert first.hold()
    assert not second.hold()
    assert first.hold()
    assert first.leads
    assert not second.leads


def test_a_lead_given_back_is_taken_at_once(ground: Ground) -> None:
    first, second = LeaderLease(ground), LeaderLease(ground)
    first.hold()
    first.give_back()
    assert second.hold()
    first.give_back()  # not its own any more: changes nothing
    assert not first.hold()


def test_a_lead_whose_holder_is_silent_is_taken_within_30_seconds(ground: Ground, clock: FixedClock) -> None:
    first, second = LeaderLease(ground), LeaderLease(ground)
    first.hold()
    clock.advance(LEASE_MS - 1)
    assert not second.hold()
    clock.advance(1)
    assert second.hold()
    assert not first.hold()
    assert LEASE_MS < 30_000


def test_a_holder_that_is_known_to_be_dead_is_not_waited_for(ground: Ground) -> None:
    first, second = LeaderLease(ground), LeaderLease(ground)
    first.hold()
    with begin(ground.engine) as db:
        row = db.execute(leader.select()).one()
        host, _, place = row.process.split(":")
        db.execute(update(leader).values(process=f"{host}:4194305:{place}"))
    assert second.hold()


def test_of_many_at_once_one_leads(ground: Ground) -> None:
    candidates = [LeaderLease(ground) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(LeaderLease.hold, candidates)) == 1


def test_a_holder_that_cannot_renew_stops_leading_before_its_lease_ends(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = LeaderLease(ground)
    lease.hold()
    begun = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: begun + LEASE_MS / 1000 - 1)
    assert not lease.leads


def test_of_two_gateways_the_second_takes_over_when_the_first_stops(
    ground: Ground, sandbox: Sandbox, news: News, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sms_port.sending.leader_lease.STANDBY_S", 0.1)
    monkeypatch.setattr("sms_port.sending.gateway.WAIT_S", 0.1)
    stops = [threading.Event(), threading.Event()]
    threads = [threading.Thread(target=run, args=(ground, news, stop)) for stop in stops]
    threads[0].start()
    owe_all(ground, make_reply())
    wait_until(lambda: len(news.told) == 1)
    threads[1].start()
    stops[0].set()
    threads[0].join()
    owe_all(ground, make_reply())
    wait_until(lambda: len(news.told) == 2)
    stops[1].set()
    threads[1].join()
    assert news.kinds == ["accepted", "accepted"]
