"""Both services from outside, over real processes: each is answered at once, alone and beside the other."""

from __future__ import annotations

import itertools
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.bench.latency import ACCOUNTS, CARDS, one
from tests.support.instances import Citizen, Instance
from tests.support.servers import PATIENCE_S

numbers = itertools.count(13_600_000_000)
AT_ONCE_MS = 5000
"""Far above the goal (p99 300 ms), for a busy machine; far below the 36 s after which the sweep mends a broken job."""


def answered_ms(instance: Instance, service: str) -> float:
    return one(instance, str(next(numbers)), service)


@pytest.mark.parametrize("service", [ACCOUNTS, CARDS])
def test_an_inquiry_is_answered_at_once(instance: Instance, service: str) -> None:
    """pages fault A1: phone cards broke their job and took 36 s, beside 0.13 s for internet accounts."""
    assert min(answered_ms(instance, service) for _ in range(3)) < AT_ONCE_MS


def test_the_services_are_as_quick_as_each_other(instance: Instance) -> None:
    """Measured in turn, best of five, so that a busy machine is as busy for both."""
    times = [(answered_ms(instance, ACCOUNTS), answered_ms(instance, CARDS)) for _ in range(5)]
    accounts, cards = (min(column) for column in zip(*times, strict=True))
    assert cards < 3 * accounts + 100


def test_a_mixed_load_is_answered_at_once(instance: Instance) -> None:
    """pages fault A1: of 8 inquiries about accounts and 4 about cards at once, the 4 took 35.6 s."""
    wanted = [(Citizen(instance, str(next(numbers))), service) for service in [ACCOUNTS] * 8 + [CARDS] * 4]
    codes = [citizen.receive_code(service) for citizen, service in wanted]

    def submit(place: int) -> int:
        (citizen, service), code = wanted[place], codes[place]
        return (citizen.submit if service == ACCOUNTS else citizen.submit_phone_cards)(code).status_code

    with ThreadPoolExecutor(len(wanted)) as pool:
        assert set(pool.map(submit, range(len(wanted)))) == {202}
    begun = time.monotonic()
    replies = [instance.wait_for_messages(citizen.phone, 2, PATIENCE_S)[-1]["text"] for citizen, _ in wanted]
    assert (time.monotonic() - begun) * 1000 < AT_ONCE_MS
    assert ["电话卡" in reply for reply in replies] == [service == CARDS for _, service in wanted]
