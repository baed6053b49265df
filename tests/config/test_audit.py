from types import SimpleNamespace

import pytest
from sqlalchemy import Engine, delete, update

from config import audit
from config.clock import FixedClock
from config.db import begin, reading
from config.keys import SETTLING_MS, KeyRing


@pytest.fixture
def three(engine: Engine, keys: KeyRing, clock: FixedClock) -> KeyRing:
    """Three rows: a secret set, a partner enabled, a catalogue applied."""
    for action, subject in (("secret.set", "tencent.key"), ("partner.enable", "jd"), ("catalogue.apply", "2")):
        with begin(engine) as db:
            audit.record(db, SimpleNamespace(keys=keys, clock=clock), action, subject, f"{subject} by hand")
        clock.advance(1000)
    return keys


def broken(engine: Engine, keys: KeyRing) -> int | None:
    with reading(engine) as db:
        return audit.verify(db, keys)


def test_what_was_done_is_listed_newest_first(three, engine, clock):
    with reading(engine) as db:
        entries = audit.listing(db, limit=2)
    assert [(entry.id, entry.action, entry.subject) for entry in entries] == [
        (3, "catalogue.apply", "2"),
        (2, "partner.enable", "jd"),
    ]
    assert entries[0].at == clock.now() - 1000
    assert entries[0].actor == audit.current_actor()


def test_an_untouched_chain_holds_also_after_a_rotation(three, engine, clock):
    assert broken(engine, three) is None
    with begin(engine) as db:
        three.rotate(db, clock.now())
    clock.advance(SETTLING_MS + 1)
    with begin(engine) as db:
        audit.record(db, SimpleNamespace(keys=three, clock=clock), "key.rotate", "2")
    assert broken(engine, three) is None


@pytest.mark.parametrize(
    "change", [{"actor": "nobody@x"}, {"detail": ""}, {"at": 1}, {"action": "none"}, {"mac": bytes(32)}]
)
def test_an_altered_row_is_found(three, engine, change):
    with begin(engine) as db:
        db.execute(update(audit.audit).where(audit.audit.c.id == 2).values(**change))
    assert broken(engine, three) == 2


def test_a_row_taken_out_of_the_middle_is_found(three, engine):
    with begin(engine) as db:
        db.execute(delete(audit.audit).where(audit.audit.c.id == 2))
    assert broken(engine, three) == 3


def test_a_row_taken_off_the_start_is_found(three, engine):
    with begin(engine) as db:
        db.execute(delete(audit.audit).where(audit.audit.c.id == 1))
    assert broken(engine, three) == 2


def test_an_action_that_failed_leaves_no_row(keys, engine, clock):
    with pytest.raises(ZeroDivisionError), begin(engine) as db:
        audit.record(db, SimpleNamespace(keys=keys, clock=clock), "secret.set", "x.key")
        raise ZeroDivisionError
    with reading(engine) as db:
        assert audit.listing(db) == []


def test_personal_data_does_not_get_into_a_row(keys, engine, clock):
    with begin(engine) as db:
        audit.record(db, SimpleNamespace(keys=keys, clock=clock), "inquiry.nudge", "13800138000", "for 13800138000")
        (entry,) = audit.listing(db)
    assert "13800138000" not in f"{entry}"
