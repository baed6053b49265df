"""One theatre for all fault runs: its start is paid once."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest

from tests.conftest import need
from tests.faults.deployment import theatre
from tests.faults.instance import Citizen, Theatre
from tests.support.instances import broken_lines

numbers = itertools.count(13_900_000_100)


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Theatre]:
    for program in ("mariadbd", "redis-server"):
        need(program)
    with theatre(tmp_path_factory.mktemp("theatre")) as house:
        yield house


@pytest.fixture
def stage(house: Theatre) -> Iterator[Theatre]:
    """The theatre with nothing of the last run on it. Whatever is killed, frozen or cut off, no job ends in a bug."""
    house.forget()
    before = len(broken_lines(house.log))
    yield house
    house.calm()
    assert broken_lines(house.log)[before:] == []


@pytest.fixture
def people() -> Callable[[int], list[Citizen]]:
    """Return a function that makes citizens whom nobody has met yet."""
    return lambda count: [Citizen(str(next(numbers))) for _ in range(count)]
