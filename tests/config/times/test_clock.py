import time
from collections.abc import Callable

import pytest
from sqlalchemy import Engine

from config.db.engine import make_engine
from config.times.clock import DatabaseClock, FixedClock

on_mariadb = pytest.mark.parametrize("database_url", ["mariadb"], indirect=True)
LAUNCH = 1_795_327_500_000  # 2026-11-22 06:05 UTC


def is_now(clock: DatabaseClock, real_ns: Callable[[], int] = time.time_ns) -> bool:
    """Return whether it tells, to two seconds, the time at which it was asked, however long that took."""
    before, told, after = real_ns() // 1_000_000, clock.now(), real_ns() // 1_000_000
    return before - 2000 < told < after + 2000


def test_the_fixed_clock_stands_until_it_is_moved() -> None:
    clock = FixedClock(LAUNCH)
    assert clock.now() == LAUNCH
    clock.advance(1500)
    assert clock.now() == LAUNCH + 1500


def test_the_database_clock_tells_the_time_of_the_database(engine: Engine) -> None:
    clock = DatabaseClock(engine)
    assert is_now(clock)
    assert clock.now() <= clock.now()


def test_the_database_clock_stands_in_while_the_database_is_away() -> None:
    away = make_engine("mysql+pymysql://nobody:x@127.0.0.1:1/onecert")
    assert is_now(DatabaseClock(away))


@on_mariadb
def test_a_host_whose_clock_is_off_still_tells_the_time_of_the_database(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, real = DatabaseClock(engine), time.time_ns
    monkeypatch.setattr("config.times.clock.time.time_ns", lambda: real() + 30 * 3_600_000 * 1_000_000)
    assert is_now(clock, real)
