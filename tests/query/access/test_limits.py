"""Budgets: exact where small, in windows where large; all or none; shut when Redis is away."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

from config.ground import Ground
from config.queue.bell import make_redis
from query.access.address_blocks import address_block, network_block
from query.access.endings import ALL_KNOWN, restore
from query.access.errors import EndingsForgotten, LimiterUnavailable, LimitReached, SessionInvalid
from query.access.limits import EXACT_UP_TO, Budget, Limiter
from tests.support.factories import LAUNCH_DAY

SECOND = 1000
PHONE = "13800138000"
NEW_MEMBER = count()


@pytest.fixture
def limiter(ground: Ground) -> Limiter:
    return Limiter(ground.redis, ground.keys)


def spend(limiter: Limiter, *budgets: Budget, member: bytes | None = None, after_s: float = 0) -> None:
    limiter.spend(budgets, member or b"%d" % next(NEW_MEMBER), LAUNCH_DAY + int(after_s * SECOND))


def refused(limiter: Limiter, *budgets: Budget, member: bytes | None = None, after_s: float = 0) -> tuple[str, int]:
    with pytest.raises(LimitReached) as caught:
        spend(limiter, *budgets, member=member, after_s=after_s)
    return str(caught.value.extra["limit"]), int(caught.value.extra["retry_after"])


@pytest.mark.parametrize(("held", "since", "barred"), [(7, 7, True), (8, 7, True), (6, 7, False), (None, 0, False)])
def test_who_is_barred_spends_nothing(
    ground: Ground, limiter: Limiter, held: int | None, since: int, barred: bool
) -> None:
    one, many = Budget("one", (PHONE,), 1, 100), Budget("many", (PHONE,), EXACT_UP_TO + 1, 100)
    ground.redis.set(ALL_KNOWN, 1)
    if held is not None:
        ground.redis.set("second", held)
    bars = {"first": 0, "second": since}
    if barred:
        with pytest.raises(SessionInvalid):
            limiter.spend([one, many], b"a", LAUNCH_DAY, bars)
        assert ground.redis.keys("limit:*") == []
    else:
        limiter.spend([one, many], b"a", LAUNCH_DAY, bars)
        assert refused(limiter, one) == ("one", 100)


def test_a_redis_that_was_emptied_bars_until_it_is_told_again(ground: Ground, limiter: Limiter) -> None:
    one = Budget("one", (PHONE,), 1, 100)
    with pytest.raises(EndingsForgotten):
        limiter.spend([one], b"a", LAUNCH_DAY, {"first": 0})
    restore(ground)
    limiter.spend([one], b"a", LAUNCH_DAY, {"first": 0})


def test_a_small_budget_is_exact_at_both_ends(limiter: Limiter) -> None:
    five = Budget("five", (PHONE,), 5, 100)
    for second in range(5):
        spend(limiter, five, after_s=second)
    assert refused(limiter, five, after_s=50) == ("five", 50)
    assert refused(limiter, five, after_s=99.999) == ("five", 1)
    spend(limiter, five, after_s=100)
    assert refused(limiter, five, after_s=100) == ("five", 1)


def test_there_are_never_more_than_the_budget_in_any_span(limiter: Limiter) -> None:
    budget = Budget("three", (PHONE,), 3, 1000)  # Redis' own clock goes on while this one stands still
    spent = []
    for step in range(600):
        try:
            spend(limiter, budget, after_s=step * 10)
            spent.append(step)
        except LimitReached:
            pass
    assert all(later - first >= 100 for first, later in zip(spent, spent[3:], strict=False))
    assert len(spent) == 18


def test_a_large_budget_slides(limiter: Limiter) -> None:
    """security fault S1: used up at the end of a fixed window, it was there again a moment later."""
    many = Budget("many", (), EXACT_UP_TO + 10, 60)
    start = -(LAUNCH_DAY // SECOND % 60)
    for _ in range(EXACT_UP_TO + 10):
        spend(limiter, many, after_s=start + 56)
    for later in (58, 60, 90, 115):
        assert refused(limiter, many, after_s=start + later) == ("many", 120 - later)
    spend(limiter, many, after_s=start + 120)


def test_around_the_end_of_a_window_there_is_no_second_budget(limiter: Limiter) -> None:
    """A variant of S1: no span of the window's length ever holds more than the budget."""
    many = Budget("many", (), 120, 60)
    start, spent = -(LAUNCH_DAY // SECOND % 60), []
    for step in range(30, 200):
        for _ in range(4):
            try:
                spend(limiter, many, after_s=start + step)
                spent.append(step)
            except LimitReached as error:
                assert 1 <= int(error.extra["retry_after"]) <= 65
    assert max(sum(first <= step < first + 60 for step in spent) for first in range(30, 200)) == 120
    assert len(spent) >= 300


def test_a_wait_that_was_told_is_long_enough(limiter: Limiter) -> None:
    many = Budget("many", (), 60, 60)
    start = -(LAUNCH_DAY // SECOND % 60)
    for step in range(60):
        spend(limiter, many, after_s=start + step)
    _, wait = refused(limiter, many, after_s=start + 61)
    assert 1 <= wait <= 5
    spend(limiter, many, after_s=start + 61 + wait)


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("kind", ["list", "string", "endless", "fields"])
def test_what_somebody_wrote_into_redis_stops_nobody(ground: Ground, limiter: Limiter, kind: str, large: bool) -> None:
    """security fault S11: keys of another type, and keys without an end."""
    budget = Budget("any", (PHONE,), EXACT_UP_TO + 1 if large else 2, 60)
    spend(limiter, budget)
    (key,) = ground.redis.keys("limit:*")
    ground.redis.delete(key)
    if kind == "list":
        ground.redis.rpush(key, "x")
    elif kind == "string":
        ground.redis.set(key, "x", ex=1000)
    elif large:
        ground.redis.hset(key, str(LAUNCH_DAY // 5000), 10**6)
        if kind == "fields":
            ground.redis.hset(key, mapping={"a": "b", "9999999999999": "7", str(LAUNCH_DAY // 5000): "x"})
            ground.redis.expire(key, 1000)
    else:
        ground.redis.zadd(key, {"a": LAUNCH_DAY, "b": LAUNCH_DAY})
    spend(limiter, budget)
    assert ground.redis.pttl(key) > 0


def test_a_quiet_budget_is_used_up_without_a_word(limiter: Limiter) -> None:
    """security fault S17: a refusal would tell that somebody else asked for this number."""
    number = Budget("number", (PHONE,), 1, 60, quiet=True)
    mine, other = Budget("mine", (PHONE, "me"), 1, 60), Budget("mine", (PHONE, "you"), 2, 60)
    assert limiter.spend([mine, number], b"a", LAUNCH_DAY)
    assert not limiter.spend([other, number], b"b", LAUNCH_DAY)
    assert not limiter.spend([other, number], b"c", LAUNCH_DAY)
    assert refused(limiter, other, number) == ("mine", 60)
    assert limiter.spend([number], b"d", LAUNCH_DAY + 60 * SECOND)


def test_a_refused_request_costs_none_of_the_other_budgets(limiter: Limiter) -> None:
    gap, day = Budget("gap", (PHONE,), 1, 60), Budget("day", (PHONE,), 2, 86_400)
    wide = Budget("wide", (), EXACT_UP_TO + 1, 86_400)
    spend(limiter, gap, day, wide)
    for _ in range(EXACT_UP_TO + 5):
        assert refused(limiter, gap, day, wide, after_s=1)[0] == "gap"
    spend(limiter, gap, day, wide, after_s=60)


def test_the_budget_that_refuses_longest_is_named(limiter: Limiter) -> None:
    gap, day = Budget("gap", (PHONE,), 1, 60), Budget("day", (PHONE,), 1, 86_400)
    spend(limiter, gap, day)
    assert refused(limiter, gap, day, after_s=1) == ("day", 86_399)


def test_the_same_request_again_is_counted_once(limiter: Limiter) -> None:
    budget = Budget("two", (PHONE,), 2, 60)
    spend(limiter, budget, member=b"first")
    spend(limiter, budget, member=b"second")
    spend(limiter, budget, member=b"first", after_s=30)
    spend(limiter, budget, member=b"second", after_s=59)
    assert refused(limiter, budget, member=b"third", after_s=59) == ("two", 1)


def test_budgets_of_different_people_and_names_are_apart(limiter: Limiter) -> None:
    spend(limiter, Budget("one", (PHONE,), 1, 60))
    spend(limiter, Budget("one", ("13800138001",), 1, 60))
    spend(limiter, Budget("other", (PHONE,), 1, 60))
    spend(limiter, Budget("one", (PHONE, ""), 1, 60))


def test_a_budget_that_was_lowered_holds_at_once(limiter: Limiter) -> None:
    for _ in range(5):
        spend(limiter, Budget("some", (PHONE,), 5, 60))
    assert refused(limiter, Budget("some", (PHONE,), 2, 60), after_s=1)[0] == "some"


def test_fifty_at_once_get_what_is_left_and_no_more(limiter: Limiter) -> None:
    budgets = [Budget("race", (PHONE,), 7, 60), Budget("race-wide", (), 100, 60)]

    def attempt(number: int) -> bool:
        try:
            limiter.spend(budgets, str(number).encode(), LAUNCH_DAY)
        except LimitReached:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(attempt, range(50))) == 7


def test_redis_never_holds_who_was_counted_and_forgets_in_time(limiter: Limiter, ground: Ground) -> None:
    spend(limiter, Budget("phone", (PHONE,), 3, 60), Budget("address", ("198.51.100.7",), 1000, 60), member=b"canary")
    keys = ground.redis.keys("*")
    assert len(keys) == 2
    for key in keys:
        kept = ground.redis.dump(key) or b""
        for secret in (PHONE.encode(), b"198.51.100.7", b"canary"):
            assert secret not in key and secret not in kept
        assert 0 < ground.redis.pttl(key) <= 120_000


def test_without_redis_nothing_is_allowed(ground: Ground) -> None:
    nowhere = Limiter(make_redis("redis://127.0.0.1:1"), ground.keys)
    with pytest.raises(LimiterUnavailable) as caught:
        spend(nowhere, Budget("any", (), 5, 60))
    assert (caught.value.status, caught.value.extra["retry_after"]) == (503, 5)


@pytest.mark.parametrize(
    ("address", "block"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("", "unknown"),
        ("unix:", "unknown"),
        ("198.51.100.7:4711", "198.51.100.7"),
        ("[2001:db8:1:2:3:4:5:6]:443", "2001:db8:1:2::/64"),
        ("_hidden", "_hidden"),
    ],
)
def test_one_household_is_one_address(address: str, block: str) -> None:
    assert address_block(address) == block


def test_clients_of_unknown_address_share_no_budget(limiter: Limiter) -> None:
    """door fault F4: one attacker behind such a proxy used up the budget of a whole country."""
    for _ in range(20):
        spend(limiter, Budget("codes_per_address_hour", (address_block("unknown"),), 1, 3600), Budget("b", (), 99, 60))
    with pytest.raises(LimitReached):
        for _ in range(2):
            spend(limiter, Budget("codes_per_address_hour", (address_block("_hidden"),), 1, 3600))


@pytest.mark.parametrize(
    ("address", "block"),
    [
        ("198.51.100.7", "198.51.100.0/24"),
        ("::ffff:198.51.100.7", "198.51.100.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ("2001:db8:1:ffff::1", "2001:db8:1::/48"),
        ("unix:", "unknown"),
    ],
)
def test_a_network_is_one_block(address: str, block: str) -> None:
    assert network_block(address) == block
