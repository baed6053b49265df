"""A Ground whose partners are played by the test, on loopback."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis
from sqlalchemy import Engine

from config.ground import Ground, make_ground
from config.settings import Settings
from config.times.clock import FixedClock
from tests.query.partner_stub import Partners
from tests.support.factories import prepare
from tests.support.servers import serve


@pytest.fixture(scope="session")
def stage() -> Iterator[tuple[Partners, str]]:
    """The one server of the session and its address."""
    partners = Partners()
    with serve(partners.app()) as url:
        yield partners, url


@pytest.fixture
def partners(stage: tuple[Partners, str]) -> Partners:
    stage[0].reset()
    return stage[0]


@pytest.fixture
def ground(
    settings: Settings, engine: Engine, clock: FixedClock, partners: Partners, stage: tuple[Partners, str]
) -> Iterator[Ground]:
    """A Ground as `onecert up` would prepare it, with the clock standing still and every partner at `partners`."""
    ground = make_ground(settings, clock=clock)
    redis.Redis.flushall(ground.redis)
    prepare(ground, stage[1])
    partners.ground = ground
    yield ground
    ground.redis.close()
    ground.engine.dispose()
