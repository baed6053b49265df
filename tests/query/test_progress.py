"""Progress is for the session that submitted, for 48 hours, and tells no count and no reason."""

from __future__ import annotations

import pytest

from config.ground import Ground
from config.times.clock import FixedClock
from query.errors import NotFound
from query.inquiry import HOUR, INTERNET_ACCOUNTS, MINUTE, PHONE_CARDS, SECOND, UNIFORM_MS
from query.progress import progress
from query.upkeep.sweep import sweep
from tests.query.partner_stub import OWNER, Partners, Play, accept, gather, hand_over, retry, status, verdict, work


def test_the_owner_sees_how_far_it_is(ground: Ground, partners: Partners, clock: FixedClock) -> None:
    partners.plays["jd"] = retry
    partners.plays["meituan"] = status(500)
    reference = accept(ground).reference
    seen = progress(ground, reference, OWNER)
    assert (seen.status, seen.phone, seen.service) == ("asking", "138****8000", "internet-accounts")
    assert (seen.asked, seen.answered, seen.closed_at) == (None, None, None)
    assert seen.reply_by - seen.accepted_at == 48 * HOUR
    clock.advance(UNIFORM_MS)
    seen = progress(ground, reference, OWNER)
    assert (seen.status, seen.asked, seen.answered) == ("asking", 8, 0)
    gather(ground, "china-mobile")
    seen = progress(ground, reference, OWNER)
    assert (seen.status, seen.asked, seen.answered) == ("asking", 8, 0)
    work(ground)
    seen = progress(ground, reference, OWNER)
    assert (seen.status, seen.asked, seen.answered) == ("asking", 8, 6)
    partners.plays.clear()
    clock.advance(5000)
    work(ground)
    seen = progress(ground, reference, OWNER)
    assert (seen.status, seen.asked, seen.answered) == ("asking", 8, 8)
    hand_over(ground)
    seen = progress(ground, reference, OWNER)
    assert (seen.status, seen.phone, seen.closed_at) == ("closed", "138****8000", clock.now() // MINUTE * MINUTE)


ENDINGS: dict[str, Play] = {
    "match": verdict("match"),
    "mismatch": verdict("mismatch"),
    "inactive": verdict("inactive"),
    "silent": status(500),
    "asked to retry": retry,
    "to call back": status(202),
}


@pytest.mark.parametrize("service", [INTERNET_ACCOUNTS, PHONE_CARDS])
def test_for_five_seconds_every_inquiry_looks_the_same_whatever_became_of_it(
    ground: Ground, partners: Partners, clock: FixedClock, service: str
) -> None:
    """security fault S5: not even `closed` is told before, and never the second of the end."""
    shown = set()
    for place, play in enumerate(ENDINGS.values()):
        partners.plays["china-mobile"] = carrier_that(partners, play)
        accepted = clock.now()
        reference = accept(ground, f"1380013800{place}", service=service).reference
        for step in (lambda: None, lambda: work(ground), lambda: hand_over(ground)):
            step()
            for at in (0, 50, UNIFORM_MS - 1):
                clock.ms = accepted + at
                seen = progress(ground, reference, OWNER)
                shown.add((seen.status, seen.asked, seen.answered, seen.closed_at, seen.accepted_at - accepted))
            clock.ms = accepted
        clock.advance(HOUR)
    assert shown == {("asking", None, None, None, 0)}


def carrier_that(partners: Partners, play: Play) -> Play:
    """A carrier that answers questions about identity as told, and counts like the sandbox."""
    return lambda item, asked: (
        play(item, asked) if asked["kind"] == "identity" else partners.facts("china-mobile", item, "count")
    )


def test_a_reply_that_waits_for_the_gateway_looks_the_same_after_a_match_and_a_mismatch(
    ground: Ground, partners: Partners, clock: FixedClock
) -> None:
    """A variant of S5: the inquiry is decided, and its SMS has not gone out."""
    shown = []
    for place, word in enumerate(["match", "mismatch"]):
        partners.plays["china-mobile"] = verdict(word)
        reference = accept(ground, f"1380013800{place}").reference
        work(ground)
        clock.advance(UNIFORM_MS)
        seen = progress(ground, reference, OWNER)
        shown.append((seen.status, seen.asked, seen.answered, seen.closed_at))
    assert shown == [("asking", 8, 8, None)] * 2


def test_match_and_mismatch_that_end_in_the_same_minute_cannot_be_told_apart_by_the_time(
    ground: Ground, partners: Partners, clock: FixedClock
) -> None:
    """A variant of S5: a match takes seconds longer than a mismatch."""
    clock.ms = clock.now() // MINUTE * MINUTE
    ends = set()
    for place, (word, seconds) in enumerate([("match", 9), ("mismatch", 1)]):
        partners.plays["china-mobile"] = verdict(word)
        reference = accept(ground, f"1380013800{place}").reference
        work(ground)
        clock.advance(seconds * SECOND)
        hand_over(ground)
        clock.advance(MINUTE - seconds * SECOND)
        seen = progress(ground, reference, OWNER)
        assert seen.closed_at is not None
        ends.add(seen.closed_at - seen.accepted_at)
    assert ends == {0}


def test_a_mismatch_and_a_silent_carrier_look_the_same(ground: Ground, partners: Partners, clock: FixedClock) -> None:
    ends = []
    for place, play in enumerate([verdict("mismatch"), verdict("inactive"), status(500)]):
        partners.plays["china-mobile"] = play
        reference = accept(ground, f"1380013800{place}").reference
        work(ground)
        clock.advance(6 * HOUR)
        sweep(ground)
        work(ground)
        seen = progress(ground, reference, OWNER)
        ends.append((seen.status, seen.asked, seen.answered, seen.closed_at))
    assert len(set(ends)) == 1


@pytest.mark.parametrize(
    "reference", ["", "1", "123456789012", "12345678901x", "１２３４５６７８９０１２", "0" * 12, "9" * 40]
)
def test_what_does_not_exist_is_not_found(ground: Ground, reference: str) -> None:
    with pytest.raises(NotFound):
        progress(ground, reference, OWNER)


def test_another_session_sees_nothing_and_after_48_hours_nobody_does(ground: Ground, clock: FixedClock) -> None:
    reference = accept(ground).reference
    with pytest.raises(NotFound):
        progress(ground, reference, b"x" * 32)
    clock.advance(48 * HOUR - 1)
    progress(ground, reference, OWNER)
    clock.advance(1)
    with pytest.raises(NotFound):
        progress(ground, reference, OWNER)
