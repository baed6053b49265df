from typing import Any

import pytest
from sqlalchemy import Engine, delete, select

from config.crypto.key_ring import INDEX_LIFE_MS, REFRESH_MS, SETTLING_MS, KeyRing, data_key
from config.db.engine import begin, make_engine, reading
from config.errors import KeysUnavailable, SealBroken
from config.times.clock import FixedClock

PHONE = "13800138000"
PLACE: dict[str, Any] = {"table": "inquiry", "column": "phone", "row": b"0123456789abcdef"}
MASTER = bytes(range(32))


def make_ring(engine: Engine, clock: FixedClock, suite: str = "aes", master: bytes = MASTER) -> KeyRing:
    return KeyRing(engine, master, suite, clock)


def make_first(keys: KeyRing, engine: Engine, clock: FixedClock) -> KeyRing:
    with begin(engine) as db:
        keys.ensure_first(db, clock.now())
    return keys


def rotate(keys: KeyRing, engine: Engine, clock: FixedClock) -> int:
    with begin(engine) as db:
        return keys.rotate(db, clock.now())


def test_what_is_sealed_opens_in_another_process(keys: KeyRing, engine: Engine, clock: FixedClock) -> None:
    sealed = keys.seal(PHONE.encode(), **PLACE)
    assert PHONE.encode() not in sealed
    assert make_ring(engine, clock).open(sealed, **PLACE) == PHONE.encode()


@pytest.mark.parametrize("change", [{"table": "message"}, {"column": "id_tail"}, {"row": b"another row here"}])
def test_a_sealed_value_moved_elsewhere_does_not_open(keys: KeyRing, change: Any) -> None:
    sealed = keys.seal(PHONE.encode(), **PLACE)
    with pytest.raises(SealBroken):
        keys.open(sealed, **{**PLACE, **change})


def test_rubbish_is_not_opened(keys: KeyRing) -> None:
    for sealed in (b"", b"\x01", b"\x02" + bytes(60), b"\x01\x00\x01" + bytes(60), b"\x01\x00\x63" + bytes(60)):
        with pytest.raises(SealBroken):
            keys.open(sealed, **PLACE)


def test_a_data_key_is_not_in_the_database_in_clear(keys: KeyRing, engine: Engine) -> None:
    ring = keys._load()
    with reading(engine) as db:
        row = db.execute(select(data_key)).one()
    assert ring.keys[row.id].secret not in row.wrapped
    assert len(row.wrapped) == 12 + 32 + 16


def test_the_first_key_is_made_once(keys: KeyRing, engine: Engine, clock: FixedClock) -> None:
    with begin(engine) as db:
        assert keys.ensure_first(db, clock.now()) is False
    assert [key.id for key in keys.listing()] == [1]


def test_without_a_data_key_nothing_is_sealed(engine: Engine, clock: FixedClock) -> None:
    with begin(engine) as db:
        db.execute(delete(data_key))
    keys = make_ring(engine, clock)
    with pytest.raises(KeysUnavailable):
        keys.seal(b"1", **PLACE)
    make_first(keys, engine, clock)
    assert keys.seal(b"1", **PLACE)


def test_another_master_key_opens_nothing(keys: KeyRing, engine: Engine, clock: FixedClock) -> None:
    with pytest.raises(KeysUnavailable, match="master key"):
        make_ring(engine, clock, master=bytes(range(1, 33))).check()


def test_two_numbers_never_share_an_index(keys: KeyRing) -> None:
    assert keys.phone_index(PHONE) == keys.phone_index(PHONE)
    assert keys.phone_index(PHONE) != keys.phone_index("13800138001")
    assert len(keys.phone_index(PHONE)) == 32


def test_a_new_key_is_used_only_when_every_process_knows_it(keys: KeyRing, engine: Engine, clock: FixedClock) -> None:
    neighbour = make_ring(engine, clock)
    neighbour.check()
    assert rotate(keys, engine, clock) == 2
    assert keys.current_id() == neighbour.current_id() == 1
    clock.advance(REFRESH_MS + 1)
    assert len(neighbour.phone_indexes(PHONE)) == 2
    assert neighbour.current_id() == 1
    clock.advance(SETTLING_MS)
    assert keys.current_id() == neighbour.current_id() == 2


def test_after_a_rotation_the_old_opens_and_is_found_and_the_new_is_written(
    keys: KeyRing, engine: Engine, clock: FixedClock
) -> None:
    sealed, index = keys.seal(PHONE.encode(), **PLACE), keys.phone_index(PHONE)
    rotate(keys, engine, clock)
    clock.advance(SETTLING_MS + 1)
    assert keys.open(sealed, **PLACE) == PHONE.encode()
    assert keys.seal(b"", **PLACE)[1:3] == b"\x00\x02"
    assert keys.phone_indexes(PHONE) == [keys.phone_index(PHONE), index]
    assert keys.phone_index(PHONE) != index


def test_a_mac_is_the_same_before_and_after_a_rotation(keys: KeyRing, engine: Engine, clock: FixedClock) -> None:
    before = keys.mac("session", b"1", "2", 3)
    rotate(keys, engine, clock)
    clock.advance(SETTLING_MS + 1)
    assert keys.mac("session", b"1", "2", 3) == before
    assert keys.mac("code", b"1", "2", 3) != before
    assert keys.mac("session", b"12", "", 3) != before


def test_both_suites_live_side_by_side(keys: KeyRing, engine: Engine, clock: FixedClock) -> None:
    sealed = keys.seal(PHONE.encode(), **PLACE)
    sm = make_ring(engine, clock, suite="sm")
    rotate(sm, engine, clock)
    clock.advance(SETTLING_MS + 1)
    newer = sm.seal(PHONE.encode(), **PLACE)
    assert [key.algorithm for key in sm.listing()] == ["aes", "sm"]
    assert keys.open(newer, **PLACE) == sm.open(sealed, **PLACE) == PHONE.encode()


def test_a_value_sealed_by_a_neighbour_with_a_newer_key_opens_at_once(
    keys: KeyRing, engine: Engine, clock: FixedClock
) -> None:
    keys.check()
    neighbour = make_ring(engine, FixedClock(clock.now() + SETTLING_MS + 1))
    rotate(neighbour, engine, clock)
    sealed = neighbour.seal(b"new", **PLACE)
    clock.advance(1_001)
    assert keys.open(sealed, **PLACE) == b"new"


def test_a_key_retires_from_the_index_a_month_after_its_successor_took_over(
    keys: KeyRing, engine: Engine, clock: FixedClock
) -> None:
    sealed = keys.seal(PHONE.encode(), **PLACE)
    rotate(keys, engine, clock)
    clock.advance(INDEX_LIFE_MS + SETTLING_MS + 1)
    rotate(keys, engine, clock)
    clock.advance(SETTLING_MS + 1)
    assert [key.retired_at is not None for key in keys.listing()] == [True, False, False]
    assert len(keys.phone_indexes(PHONE)) == 2
    assert keys.open(sealed, **PLACE) == PHONE.encode()


def test_a_token_opens_for_its_purpose_only(keys: KeyRing) -> None:
    token = keys.seal_token("ticket", b"gxwbwx|openid")
    assert keys.open_token("ticket", token) == b"gxwbwx|openid"
    with pytest.raises(SealBroken):
        keys.open_token("session", token)


@pytest.mark.parametrize("token", ["", "x", "é", "AQAB", "a b", "====", "A" * 4000])
def test_a_foreign_token_is_refused(keys: KeyRing, token: str) -> None:
    with pytest.raises(SealBroken):
        keys.open_token("ticket", token)


def test_a_token_has_one_spelling(keys: KeyRing) -> None:
    token = keys.seal_token("ticket", b"12")
    for other in (token + "=", token + "\n", " " + token, token[:-1]):
        with pytest.raises(SealBroken):
            keys.open_token("ticket", other)


def test_while_the_database_is_away_nothing_is_sealed(clock: FixedClock) -> None:
    away = make_engine("mysql+pymysql://nobody:x@127.0.0.1:1/onecert")
    with pytest.raises(KeysUnavailable) as caught:
        make_ring(away, clock).seal(b"1", **PLACE)
    assert caught.value.status == 503
