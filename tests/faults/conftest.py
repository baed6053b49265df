"""One theatre for all fault runs: its start is paid once."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest

from tests.conftest import need
from tests.faults.deployment import theatre
from tests.faults.instance import Citizen, Theatre

numbers = itertools.count(13_900_000_100)


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Theatre]:
    for program in ("mariadbd", "redis-server"):
        need(program)
    with theatre(tmp_path_factory.mktemp("theatre")) as house:
        yield house


@pytest.fixture
def stage(house: Theatre) -> Iterator[Theatre]:
    """The theatre with nothing of the last run on it."""
    house.forget()
    yield house
    house.calm()


@pytest.fixture
def people() -> Callable[[int], list[Citizen]]:
    """So many citizens whom nobody has met yet."""
    return lambda count: [Citizen(str(next(numbers))) for _ in range(count)]
