"""A question that one call cannot hold, or that its partner cannot stomach as a whole, is asked in portions."""

from __future__ import annotations

from config.db.engine import transact
from config.ground import Ground
from config.times.clock import FixedClock
from query.inquiry import HOUR, SECOND, Outcome
from query.upkeep.sweep import sweep
from tests.query.partner_stub import Partners, accept_many, gather, one, replies, work


def test_an_item_that_a_partner_cannot_stomach_does_not_keep_the_others_unanswered(
    ground: Ground, partners: Partners, clock: FixedClock
) -> None:
    accepted = accept_many(ground, 12)
    poison = one(ground, accepted[5]).id.hex()
    partners.plays["jd"] = lambda item, _: 500 if item["id"] == poison else {"counts": {"jd": 1}}
    for _ in range(110):
        work(ground)
        clock.advance(60 * SECOND)
        if len(replies(ground)) == 11:
            break
    assert len(replies(ground)) == 11, "within the patience of two hours"
    clock.advance(2 * HOUR)
    sweep(ground)
    work(ground)
    outcomes = {entry.reference: one(ground, entry).outcome for entry in accepted}
    assert outcomes.pop(accepted[5].reference) == Outcome.PARTIAL
    assert set(outcomes.values()) == {Outcome.ANSWERED}


def test_a_wave_larger_than_a_partners_batch_is_asked_in_portions(
    ground: Ground, partners: Partners, clock: FixedClock
) -> None:
    accept_many(ground, 7)
    gather(ground, "china-mobile")
    document = ground.catalogues.document()
    text = document.replace('key_id = "onecert-jd"\nbatch_size = 500', 'key_id = "onecert-jd"\nbatch_size = 3')
    assert text != document
    transact(ground.engine, lambda db: ground.catalogues.apply(db, text, "test", "test", clock.now()))
    work(ground)
    sizes = [len(asked["items"]) for code, asked in partners.calls if code == "jd"]
    assert sizes == [3, 3, 1]
    assert len(replies(ground)) == 7
