"""One row holds the lock on every node; a holder that died gives it up by its lease."""

from __future__ import annotations

import threading
import time

import pytest
from sqlalchemy import Engine, update

from config.db import named_lock
from config.db.named_lock import hold
from config.errors import DatabaseUnavailable

pytestmark = pytest.mark.parametrize("database_url", ["mariadb"], indirect=True)


def test_holders_take_turns(engine: Engine) -> None:
    inside, most = 0, 0
    guard = threading.Lock()

    def enter() -> None:
        nonlocal inside, most
        with hold(engine, "turns", 30):
            with guard:
                inside += 1
                most = max(most, inside)
            time.sleep(0.05)
            with guard:
                inside -= 1

    threads = [threading.Thread(target=enter) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def test_a_lock_that_is_held_is_waited_for_and_then_refused(engine: Engine) -> None:
    with hold(engine, "held", 5):
        with pytest.raises(DatabaseUnavailable, match="lock held"), hold(engine, "held", 0.3):
            pytest.fail("two hold one lock")
        with hold(engine, "other", 5):
            pass
    with hold(engine, "held", 5):
        pass


def test_a_living_holder_outlasts_its_lease_and_a_dead_one_does_not(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(named_lock, "LEASE_S", 0.9)
    with hold(engine, "lease", 5):
        time.sleep(2)
        with pytest.raises(DatabaseUnavailable), hold(engine, "lease", 0.1):
            pytest.fail("the lease ended while its holder lived")
    table = named_lock.named_lock
    with engine.begin() as db:  # as a holder that was killed leaves it
        soon = named_lock.NOW + 500
        db.execute(update(table).where(table.c.name == "lease").values(holder=b"x" * 16, until=soon))
    with hold(engine, "lease", 10):
        pass
