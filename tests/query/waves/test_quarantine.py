"""An item that kills whoever asks about it is set aside after three deaths; its neighbours are answered."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from config.ground import Ground
from config.times.clock import FixedClock
from enterprises import client
from query.inquiry import SECOND, Outcome, State
from query.models import inquiry
from query.upkeep.sweep import sweep
from query.waves.quarantine import carried, poison_of, portion_size
from tests.query.crash import Killed
from tests.query.partner_stub import Partners, accept_many, hand_over, one, retry, rows, work

NEIGHBOURS = 40


@pytest.mark.parametrize(("kind", "outcome"), [("identity", Outcome.UNSUCCESSFUL), ("count", Outcome.PARTIAL)])
@pytest.mark.parametrize("members", [1, NEIGHBOURS])
def test_an_item_that_kills_its_worker_is_set_aside_after_three_deaths(
    ground: Ground, clock: FixedClock, monkeypatch: pytest.MonkeyPatch, kind: str, outcome: Outcome, members: int
) -> None:
    accepted = accept_many(ground, members)
    poison = one(ground, accepted[members // 2]).id
    deaths = deadly(monkeypatch, kind, poison.hex())
    for _ in range(8):
        work_and_die(ground)
        clock.advance(60 * SECOND)
        sweep(ground)
    assert len(deaths) == 3
    hand_over(ground)
    outcomes = {row.id: row.outcome for row in rows(ground, inquiry)}
    assert outcomes.pop(poison) == outcome
    assert set(outcomes.values()) <= {Outcome.ANSWERED}
    assert {row.state for row in rows(ground)} == {State.CLOSED}


def deadly(monkeypatch: pytest.MonkeyPatch, kind: str, poison: str) -> list[int]:
    """Have the process die when it asks about this item; returns the sizes of the deadly calls."""
    deaths: list[int] = []
    real = client.ask

    def ask(ground: Ground, partner: Any, asked: str, service: str, items: Any, *times: int) -> Any:
        if asked == kind and partner.code in ("china-mobile", "jd") and poison in {item.id for item in items}:
            deaths.append(len(items))
            raise Killed
        return real(ground, partner, asked, service, items, *times)

    monkeypatch.setattr(client, "ask", ask)
    return deaths


def work_and_die(ground: Ground) -> None:
    with contextlib.suppress(Killed):
        work(ground)


def test_deaths_that_nobody_is_guilty_of_cost_nobody_the_answer(
    ground: Ground, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted = accept_many(ground, 9)
    with monkeypatch.context() as patch:
        for _ in range(2):
            deadly(patch, "identity", one(ground, accepted[0]).id.hex())
            work_and_die(ground)
            clock.advance(60 * SECOND)
            sweep(ground)
            patch.undo()
    work(ground)
    assert {row.outcome for row in rows(ground)} == {Outcome.ANSWERED}


def test_items_that_wait_in_front_do_not_keep_the_guilty_one_hidden(
    ground: Ground, clock: FixedClock, partners: Partners, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted = accept_many(ground, 12)
    waiting = {one(ground, entry).id.hex() for entry in accepted[:6]}
    partners.plays["jd"] = lambda item, asked: retry(item, asked) if item["id"] in waiting else {"counts": {"jd": 1}}
    poison = one(ground, accepted[9]).id
    deaths = deadly(monkeypatch, "count", poison.hex())
    for _ in range(120):
        work_and_die(ground)
        clock.advance(60 * SECOND)
        sweep(ground)
    work(ground)
    assert len(deaths) == 3
    assert {row.state for row in rows(ground)} == {State.REPLYING}


def test_the_portions_shrink_from_all_to_the_root_to_one() -> None:
    assert [portion_size(lost, 500) for lost in range(4)] == [500, 23, 1, 1]
    assert portion_size(1, 1) == 1


def test_what_a_try_carries_follows_from_its_number_alone() -> None:
    items = [bytes([place]) * 16 for place in range(50)]
    assert carried(items, 3, 7) == carried(reversed(items), 3, 7)
    assert carried(items, 3, 7) != carried(items, 4, 7)
    assert poison_of(items, 2, 5) is None
    assert poison_of(items, 3, 5) == carried(items, 4, 1)[0]
    assert poison_of([], 3, 5) is None
