"""Gathering for all carriers at once: who matches shares a round, and a slow carrier holds up nobody else."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import select

from config.db.engine import begin
from config.ground import Ground
from config.queue.bell import ring_key
from query.asking.gather import carriers_with_waiting
from query.asking.gather_delay import GatherDelay
from query.asking.jobs import gather
from query.asking.rounds import merge_by_batch_size
from query.inquiry import INTERNET_ACCOUNTS, PHONE_CARDS, Outcome
from query.models import inquiry
from query.settling.after_commit import OwnedWave
from query.waves.waves import Stage, Wave
from tests.query.asking.test_rounds import allow_a_minute
from tests.query.partner_stub import Body, Partners, accept, asker_of, one, verdict
from tests.support.servers import PATIENCE_S, wait_until

OF_THREE_CARRIERS = ("13800138000", "13000138000", "13300138000")


def gather_all(ground: Ground, patience_s: float = PATIENCE_S) -> None:
    """Run a worker's job `gather`; it waits this long for a healthy partner."""
    gather(ground, asker_of(ground, patience_s), GatherDelay())


def round_of(members: int, service: str = INTERNET_ACCOUNTS) -> OwnedWave:
    ids = tuple(place.to_bytes(16, "big") for place in range(members))
    return OwnedWave(Wave(1, service, Stage.COUNT, 8, None, ids, ("13800138000",) * members, None, 0), {"jd": 1})


def counts_asked(ground: Ground, partners: Partners) -> dict[str, list[int]]:
    """Return the number of items of each enterprise's calls."""
    codes = [partner.code for partner in ground.catalogues.current().enterprises()]
    calls = {code: [asked_body for who, asked_body in partners.calls if who == code] for code in codes}
    return {code: [len(asked_body["items"]) for asked_body in found] for code, found in calls.items()}


def test_inquiries_of_several_carriers_share_one_round(ground: Ground, partners: Partners) -> None:
    accepted = [accept(ground, phone) for phone in OF_THREE_CARRIERS]
    gather_all(ground)
    assert {one(ground, entry).outcome for entry in accepted} == {Outcome.ANSWERED}
    assert set(map(tuple, counts_asked(ground, partners).values())) == {(3,)}


def test_a_slow_carrier_holds_up_nobody_else_and_its_own_round_follows(ground: Ground, partners: Partners) -> None:
    goes_on = threading.Event()

    def slow(item: Body, asked: Body) -> Body:
        goes_on.wait(PATIENCE_S)
        return {"verdict": "match"}

    allow_a_minute(ground)
    partners.plays["china-unicom"] = slow
    mobile, unicom, telecom = (accept(ground, phone) for phone in OF_THREE_CARRIERS)
    gather_all(ground, patience_s=0.5)
    wait_until(lambda: {one(ground, entry).outcome for entry in (mobile, telecom)} == {Outcome.ANSWERED})
    assert one(ground, unicom).outcome is None
    goes_on.set()
    wait_until(lambda: one(ground, unicom).outcome == Outcome.ANSWERED)
    assert {sum(items) for items in counts_asked(ground, partners).values()} == {3}


def test_a_mismatch_at_one_carrier_ends_beside_matches_at_the_others(ground: Ground, partners: Partners) -> None:
    partners.plays["china-unicom"] = verdict("mismatch")
    mobile, unicom, telecom = (accept(ground, phone) for phone in OF_THREE_CARRIERS)
    gather_all(ground)
    assert {one(ground, entry).outcome for entry in (mobile, telecom)} == {Outcome.ANSWERED}
    assert one(ground, unicom).outcome == Outcome.UNSUCCESSFUL


def test_carriers_with_waiting_inquiries_are_listed_with_their_services(ground: Ground) -> None:
    assert carriers_with_waiting(ground) == {}
    accept(ground, OF_THREE_CARRIERS[0])
    accept(ground, OF_THREE_CARRIERS[0], service=PHONE_CARDS)
    accept(ground, OF_THREE_CARRIERS[1])
    found = {carrier: sorted(services) for carrier, services in carriers_with_waiting(ground).items()}
    assert found == {
        "china-mobile": sorted([INTERNET_ACCOUNTS, PHONE_CARDS]),
        "china-unicom": [INTERNET_ACCOUNTS],
    }


def test_rounds_are_shared_by_service_and_as_far_as_one_call_goes() -> None:
    large, small, cards, tiny = round_of(400), round_of(100), round_of(1, PHONE_CARDS), round_of(1)
    assert merge_by_batch_size([large, small, cards, tiny], 500) == [[large, small], [cards], [tiny]]
    assert merge_by_batch_size([large, small], 100) == [[large], [small]]
    assert merge_by_batch_size([], 500) == []


@pytest.mark.parametrize("database_url", ["mariadb"], indirect=True)  # SQLite has one writer at a time
def test_who_was_passed_over_because_another_worker_held_it_is_gathered_by_the_next_ring(
    ground: Ground, partners: Partners
) -> None:
    held, free = (accept(ground, f"1380013800{place}") for place in range(2))
    ground.redis.delete(ring_key("gather", None))
    with begin(ground.engine) as db:
        db.execute(select(inquiry.c.id).where(inquiry.c.reference == int(held.reference)).with_for_update())
        gather_all(ground)
    assert one(ground, free).outcome == Outcome.ANSWERED
    assert one(ground, held).outcome is None
    assert ground.redis.delete(ring_key("gather", None)) == 1, "nobody would look before the sweep"
    gather_all(ground)
    assert one(ground, held).outcome == Outcome.ANSWERED
    assert ground.redis.delete(ring_key("gather", None)) == 0
