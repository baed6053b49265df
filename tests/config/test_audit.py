from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Engine, Executable, delete, select, update

from config import audit
from config.crypto.key_ring import SETTLING_MS, KeyRing
from config.db.engine import begin, reading
from config.times.clock import FixedClock


@pytest.fixture
def three(engine: Engine, keys: KeyRing, clock: FixedClock) -> KeyRing:
    """Three rows: a secret set, a partner enabled, a catalogue applied."""
    for action, subject in (("secret.set", "tencent.key"), ("partner.enable", "jd"), ("catalogue.apply", "2")):
        with begin(engine) as db:
            audit.record(db, SimpleNamespace(keys=keys, clock=clock), action, subject, f"{subject} by hand")
        clock.advance(1000)
    return keys


def broken(engine: Engine, keys: KeyRing) -> tuple[int, str] | None:
    with reading(engine) as db:
        found = audit.verify(db, keys)
    return (found.row, found.kind) if found else None


def do(engine: Engine, *statements: Executable) -> None:
    with begin(engine) as db:
        for statement in statements:
            db.execute(statement)


def test_what_was_done_is_listed_newest_first(three: Any, engine: Engine, clock: FixedClock) -> None:
    with reading(engine) as db:
        entries = audit.listing(db, limit=2)
    assert [(entry.id, entry.action, entry.subject) for entry in entries] == [
        (3, "catalogue.apply", "2"),
        (2, "partner.enable", "jd"),
    ]
    assert entries[0].at == clock.now() - 1000
    assert entries[0].actor == audit.current_actor()


def test_an_untouched_chain_holds_also_after_a_rotation(three: Any, engine: Engine, clock: FixedClock) -> None:
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
def test_an_altered_row_is_found(three: Any, engine: Engine, change: Any) -> None:
    with begin(engine) as db:
        db.execute(update(audit.audit).where(audit.audit.c.id == 2).values(**change))
    assert broken(engine, three) == (2, "altered")


def test_a_row_taken_out_of_the_middle_is_found(three: Any, engine: Engine) -> None:
    with begin(engine) as db:
        db.execute(delete(audit.audit).where(audit.audit.c.id == 2))
    assert broken(engine, three) == (3, "altered")


def test_a_row_taken_off_the_start_is_found(three: Any, engine: Engine) -> None:
    with begin(engine) as db:
        db.execute(delete(audit.audit).where(audit.audit.c.id == 1))
    assert broken(engine, three) == (2, "altered")


ROWS, HEAD = audit.audit, audit.audit_head


def test_rows_cut_off_at_the_end_are_found(three: Any, engine: Engine) -> None:
    do(engine, delete(ROWS).where(ROWS.c.id >= 2))
    assert broken(engine, three) == (2, "cut")


def test_a_chain_cut_off_whole_is_found(three: Any, engine: Engine) -> None:
    do(engine, delete(ROWS))
    assert broken(engine, three) == (1, "cut")


def test_the_next_action_does_not_hide_what_was_cut_off(three: Any, engine: Engine, clock: FixedClock) -> None:
    do(engine, delete(ROWS).where(ROWS.c.id == 3))
    with begin(engine) as db:
        audit.record(db, SimpleNamespace(keys=three, clock=clock), "partner.disable", "jd")
    assert broken(engine, three) == (4, "altered")


def test_a_head_that_was_moved_back_by_hand_is_found(three: Any, engine: Engine) -> None:
    with reading(engine) as db:
        second = db.execute(select(ROWS).where(ROWS.c.id == 2)).one()
    do(engine, delete(ROWS).where(ROWS.c.id == 3), update(HEAD).values(last=2, chain=second.mac))
    assert broken(engine, three) == (2, "head")


def test_an_old_head_that_was_put_back_is_found(keys: KeyRing, engine: Engine, clock: FixedClock) -> None:
    ground = SimpleNamespace(keys=keys, clock=clock)
    with begin(engine) as db:
        audit.record(db, ground, "secret.set", "jd.key")
        old = db.execute(select(HEAD)).one()
        audit.record(db, ground, "partner.enable", "jd")
    do(engine, update(HEAD).values(**old._mapping))
    assert broken(engine, keys) == (2, "head")


@pytest.mark.parametrize("spoil", [delete(HEAD), update(HEAD).values(mac=bytes(32))], ids=["gone", "altered"])
def test_a_head_that_is_gone_or_altered_is_found_and_its_next_beginning_is_told(
    three: Any, engine: Engine, clock: FixedClock, spoil: Any
) -> None:
    do(engine, delete(ROWS).where(ROWS.c.id == 3), spoil)
    assert broken(engine, three) == (2, "head")
    with begin(engine) as db:
        audit.record(db, SimpleNamespace(keys=three, clock=clock), "partner.disable", "jd")
    assert broken(engine, three) is None
    with reading(engine) as db:
        assert audit.new_heads(db) == [3]
        assert [entry.action for entry in audit.listing(db, 2)] == ["partner.disable", audit.NEW_HEAD]


def test_a_chain_from_before_there_were_heads_gets_one_once(three: Any, engine: Engine, clock: FixedClock) -> None:
    ground = SimpleNamespace(keys=three, clock=clock)
    do(engine, delete(HEAD))
    with begin(engine) as db:
        assert audit.begin_head(db, ground)
        assert not audit.begin_head(db, ground)
    assert broken(engine, three) is None


def test_a_new_deployment_has_nothing_to_begin(keys: KeyRing, engine: Engine, clock: FixedClock) -> None:
    with begin(engine) as db:
        assert not audit.begin_head(db, SimpleNamespace(keys=keys, clock=clock))
        assert audit.listing(db) == []
    assert broken(engine, keys) is None


def test_actions_at_once_make_one_chain(three: Any, engine: Engine, clock: FixedClock) -> None:
    ground = SimpleNamespace(keys=three, clock=clock)

    def act(number: int) -> None:
        with begin(engine) as db:
            audit.record(db, ground, "secret.set", f"{number}.key")

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(act, range(24)))
    assert broken(engine, three) is None
    with reading(engine) as db:
        assert len(audit.listing(db)) == 27


def test_an_action_that_failed_leaves_no_row(keys: KeyRing, engine: Engine, clock: FixedClock) -> None:
    with pytest.raises(ZeroDivisionError), begin(engine) as db:
        audit.record(db, SimpleNamespace(keys=keys, clock=clock), "secret.set", "x.key")
        raise ZeroDivisionError
    with reading(engine) as db:
        assert audit.listing(db) == []


def test_personal_data_does_not_get_into_a_row(keys: KeyRing, engine: Engine, clock: FixedClock) -> None:
    with begin(engine) as db:
        audit.record(db, SimpleNamespace(keys=keys, clock=clock), "inquiry.nudge", "13800138000", "for 13800138000")
        (entry,) = audit.listing(db)
    assert "13800138000" not in f"{entry}"
