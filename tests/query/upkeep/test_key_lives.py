"""Keys that die: what was erased opens from no file, and rotation takes power away (S3, S6, S8)."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from config import audit
from config.crypto.content_keys import LIFETIMES, content_key
from config.crypto.data_keys import HEADER_BYTES, data_key
from config.crypto.key_ring import KeyRing
from config.crypto.suites import NONCE_BYTES, TAG_BYTES, KeyMaterial, join
from config.db.engine import begin, reading, transact
from config.db.sqlite_log import truncate_wal
from config.errors import KeysUnavailable, SealBroken
from config.ground import Ground
from config.times.clock import FixedClock
from query.access.sessions import open_session, read_session
from query.errors import CodeWrong
from query.inquiry import HOUR, PHONE_CARDS
from query.intake.submit import submit
from query.models import inquiry, verification_code
from query.upkeep.key_lives import tend_keys
from query.upkeep.sweep import sweep
from sms_port.ledger.inbound import add_opt_out, is_opted_out
from tests.conftest import on_sqlite
from tests.query.partner_stub import OWNER, PHONE, Partners, accept, ask_code, form, hand_over, rows, work

DAY = 24 * HOUR
MINUTE = 60_000


def keys(ground: Ground, kind: str) -> list[Any]:
    return [row for row in rows(ground, content_key) if row.kind == kind]


def thief_of(ground: Ground) -> KeyRing:
    """Every key as it is now, and never a newer one: the copy that somebody took along."""
    thief = KeyRing(ground.engine, ground.settings.master_key, ground.settings.crypto, FixedClock(ground.clock.now()))
    thief.check()
    return thief


def another_process(ground: Ground) -> KeyRing:
    """The keys as a process that has just started reads them."""
    return KeyRing(ground.engine, ground.settings.master_key, ground.settings.crypto, ground.clock)


def rotate(ground: Ground, *, revoke: bool = False) -> None:
    """Return what `onecert key rotate` does, and the minute after it."""
    with begin(ground.engine) as db:
        ground.keys.rotate(db, ground.clock.now(), revoke=revoke)
        if revoke:
            ground.secrets.seal_again(db)
            ground.catalogues.sign_again(db)
        audit.record(db, ground, "key.rotate", "data key")
        if revoke:
            audit.sign_head_again(db, ground.keys)
    ground.clock.advance(2 * MINUTE)  # type: ignore[attr-defined]
    ground.catalogues.forget()


def test_identity_and_numbers_have_keys_of_their_own_that_end_in_time(ground: Ground, clock: FixedClock) -> None:
    accept(ground)
    (row,) = rows(ground)
    assert row.identity[:1] == row.phone[:1] == b"\x02"
    assert row.identity[1:3] != row.phone[1:3]
    place: dict[str, Any] = {"table": "inquiry", "column": "identity", "row": row.id}
    for passed in range(14):
        tend_keys(ground)
        assert another_process(ground).open(row.identity, **place), passed
        clock.advance(30 * MINUTE)
        if passed == 11:
            break
    clock.advance(90 * MINUTE)
    tend_keys(ground)
    with pytest.raises(SealBroken):
        another_process(ground).open(row.identity, **place)
    assert another_process(ground).open(row.phone, table="inquiry", column="phone", row=row.id) == PHONE.encode()
    clock.advance(122 * HOUR)
    tend_keys(ground)
    clock.advance(122 * HOUR)
    tend_keys(ground)
    with pytest.raises(SealBroken):
        another_process(ground).open(row.phone, table="inquiry", column="phone", row=row.id)


def test_a_new_key_is_used_once_every_process_knows_it(ground: Ground, clock: FixedClock) -> None:
    other = another_process(ground)
    other.check()
    clock.advance(LIFETIMES["identity"].period_ms)
    tend_keys(ground)
    place: dict[str, Any] = {"table": "inquiry", "column": "identity", "row": b"x"}
    for _ in range(12):
        sealed = another_process(ground).seal(b"digits", **place)
        assert other.open(sealed, **place) == b"digits"
        clock.advance(10_000)
    assert int.from_bytes(sealed[1:3], "big") == max(row.id for row in keys(ground, "identity"))


def test_while_the_clock_process_is_away_the_last_key_seals_on(ground: Ground, clock: FixedClock) -> None:
    clock.advance(30 * DAY)
    accept(ground)
    work(ground)
    assert len(keys(ground, "personal")) == 1


def test_the_number_of_keys_stays_small(ground: Ground, clock: FixedClock) -> None:
    for _ in range(24 * 10):
        tend_keys(ground)
        clock.advance(HOUR)
    assert len(rows(ground, content_key)) <= 8 + 22 + 4 + 2 + 4


def sealed_values(blob: bytes) -> set[bytes]:
    """Return where a value under a content key or a data key may begin."""
    found = set()
    for head in (b"\x01\x00", b"\x02\x00"):
        at = blob.find(head)
        while at >= 0:
            found.add(blob[at : at + 120])
            at = blob.find(head, at + 1)
    return found


def wrapped_keys(blob: bytes, master: KeyMaterial, ids: range) -> list[tuple[int, KeyMaterial]]:
    """Every data key that the master key opens anywhere in a file."""
    size = NONCE_BYTES + 32 + TAG_BYTES
    found: list[tuple[int, KeyMaterial]] = []
    for at in range(len(blob) - size):
        if blob[at + size : at + size + 1] == b"" or len(found) > 5:
            break
        for number in ids:
            try:
                secret = master.open("wrap", blob[at : at + size], join(number, master.suite))
            except SealBroken:
                continue
            found.append((number, KeyMaterial(master.suite, secret)))
    return found


@on_sqlite
@pytest.mark.parametrize("service", ["internet-accounts", PHONE_CARDS])
def test_after_a_life_nothing_in_any_file_opens_with_the_master_key(
    ground: Ground, partners: Partners, clock: FixedClock, tmp_path: Path, service: str
) -> None:
    """security fault S3: 18 of 18 values opened from the write-ahead log after they had been erased."""
    accepted = accept(ground, service=service)
    (sealed,) = [(row.id, {"phone": row.phone, "identity": row.identity}) for row in rows(ground)]
    # Codes of verifiable replies are good for 30 days, so their key outlives this.
    lived = {row.id: bytes(row.wrapped) for row in rows(ground, content_key) if row.kind != "proof"}
    files = lambda: b"".join(path.read_bytes() for path in tmp_path.glob("onecert.db*"))  # noqa: E731
    assert sealed[1]["identity"] in files(), "it was there"
    work(ground)
    hand_over(ground, only=accepted)
    for hours in (6, 2, 122, 6, 122):
        clock.advance(hours * HOUR)
        sweep(ground)
    assert truncate_wal(ground.engine)
    left = files()
    for value in (*sealed[1].values(), *lived.values()):
        assert value not in left
        assert value[HEADER_BYTES:] not in left
    assert PHONE.encode() not in left
    with pytest.raises(SealBroken):
        another_process(ground).open(sealed[1]["phone"], table="inquiry", column="phone", row=sealed[0])
    with sqlite3.connect(tmp_path / "onecert.db") as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_copy_of_a_key_opens_no_session_after_its_revocation(ground: Ground, clock: FixedClock) -> None:
    """security fault S6: after a rotation a forged session still opened, for ever."""
    thief = thief_of(ground)
    token, _, _ = open_session(ground, "web")
    read_session(ground, token)
    rotate(ground, revoke=True)
    forged = thief.seal_token("session", b'["00","gxwbwx","oVictim",1,1]')
    for stolen in (token, forged):
        with pytest.raises(SealBroken):
            another_process(ground).open_token("session", stolen)
    fresh, _, _ = open_session(ground, "web")
    read_session(ground, fresh)


def test_tokens_open_only_under_young_keys(ground: Ground, clock: FixedClock) -> None:
    """security fault S6: `open_token` took every key that ever was, without any revocation too."""
    old = ground.keys.seal_token("ticket", b"payload")
    for _ in range(4):
        clock.advance(25 * HOUR)
        tend_keys(ground)
    with pytest.raises(SealBroken):
        another_process(ground).open_token("ticket", old)


def test_a_token_under_a_data_key_is_none(ground: Ground) -> None:
    """A variant of S6: who has a copy of a data key makes tokens as they were made before there were content keys."""
    with reading(ground.engine) as db:
        row = db.execute(select(data_key)).one()
    secret = KeyMaterial(row.algorithm, ground.settings.master_key).open("wrap", row.wrapped, join(1, row.algorithm))
    place = join("session", 1)
    forged = b"\x01\x00\x01" + KeyMaterial(row.algorithm, secret).seal("token", b"[]", place)
    text = __import__("base64").urlsafe_b64encode(forged).rstrip(b"=").decode()
    with pytest.raises(SealBroken):
        ground.keys.open_token("session", text)


def test_a_code_is_not_read_from_its_row_with_a_copy_of_a_data_key(ground: Ground, clock: FixedClock) -> None:
    """security fault S6: 1.4 s for a code's MAC under data key 1."""
    code = ask_code(ground)
    (row,) = rows(ground, verification_code)
    tried = ground.keys.mac("verification-code", row.phone_index, row.service, row.owner, code)
    assert tried != row.mac
    clock.advance(23 * HOUR + 59 * MINUTE)
    code = ask_code(ground)
    clock.advance(2 * MINUTE)
    tend_keys(ground)
    clock.advance(2 * MINUTE)
    with pytest.raises(CodeWrong):
        submit(ground, form(code=f"{(int(code) + 1) % 10**6:06d}"))
    submit(ground, form(code=code))


def test_after_a_revocation_new_signatures_are_of_the_new_key_and_old_ones_are_not_believed(
    ground: Ground, clock: FixedClock
) -> None:
    """security fault S6: audit rows and catalogue versions were signed by data key 1 for ever."""
    thief = thief_of(ground)
    rotate(ground, revoke=True)
    document = ground.catalogues.document()
    assert ground.catalogues.current()
    with begin(ground.engine) as db:
        audit.record(db, ground, "after", "x")
    with reading(ground.engine) as db:
        assert audit.verify(db, another_process(ground)) is None
        assert not audit.new_heads(db)
    assert thief.mac("audit", "x") != another_process(ground).mac("audit", "x")
    forged = thief.mac("catalogue", 9, document)
    assert forged not in another_process(ground).believed_macs("catalogue", 9, document)


@pytest.mark.parametrize("revoke", [False, True])
def test_secrets_and_the_catalogue_outlive_a_rotation(ground: Ground, clock: FixedClock, revoke: bool) -> None:
    before = {name: ground.secrets.get(name) for name, _ in ground.secrets.listing()}
    rotate(ground, revoke=revoke)
    ground.secrets.forget()
    assert {name: ground.secrets.get(name) for name in before} == before
    assert ground.catalogues.current()
    assert accept(ground)


def test_inquiries_under_way_outlive_a_revocation(ground: Ground, partners: Partners, clock: FixedClock) -> None:
    accepted = accept(ground)
    rotate(ground, revoke=True)
    work(ground)
    assert hand_over(ground, only=accepted) == 1


def test_the_master_key_can_be_exchanged(ground: Ground) -> None:
    """security fault S6: there was no way to."""
    new = bytes(range(32))
    sealed = ground.keys.seal(b"x", table="secret", column="sealed", row="r")
    crossing = KeyRing(ground.engine, new, "aes", ground.clock, ground.settings.master_key)
    assert crossing.open(sealed, table="secret", column="sealed", row="r") == b"x"
    with begin(ground.engine) as db:
        assert crossing.rewrap(db) == 1
    after = KeyRing(ground.engine, new, "aes", ground.clock)
    assert after.open(sealed, table="secret", column="sealed", row="r") == b"x"
    with pytest.raises(KeysUnavailable):
        another_process(ground).check()


def test_the_clock_process_rotates_by_age(ground: Ground, clock: FixedClock) -> None:
    for passed, expected in ((89, 1), (1, 2), (89, 2), (1, 3)):
        clock.advance(passed * DAY)
        tend_keys(ground)
        tend_keys(ground)
        assert len(another_process(ground).listing()) == expected
    with reading(ground.engine) as db:
        assert audit.verify(db, another_process(ground)) is None


def test_an_opt_out_outlives_every_rotation(ground: Ground, clock: FixedClock) -> None:
    """security fault S8: 31 days after a rotation a code arrived again."""
    with begin(ground.engine) as db:
        add_opt_out(db, ground, PHONE, "main")
    for _ in range(4):
        rotate(ground)
        clock.advance(31 * DAY)
    with reading(ground.engine) as db:
        assert is_opted_out(db, ground, PHONE)


def test_a_value_under_another_classes_key_is_none(ground: Ground) -> None:
    """A variant of S2: the id in the header is in clear, and says nothing of what the key is for."""
    sealed = ground.keys.seal(b"x", table="inquiry", column="phone", row=b"r")
    with begin(ground.engine) as db:
        db.execute(update(content_key).values(kind="identity").where(content_key.c.kind == "personal"))
    with pytest.raises(SealBroken):
        another_process(ground).open(sealed, table="inquiry", column="phone", row=b"r")


def test_a_transaction_that_tends_keys_twice_at_once_makes_one_each(ground: Ground, clock: FixedClock) -> None:
    clock.advance(2 * DAY)
    transact(ground.engine, lambda db: ground.keys.tend(db, clock.now()))
    before = len(rows(ground, content_key))
    transact(ground.engine, lambda db: ground.keys.tend(db, clock.now()))
    assert len(rows(ground, content_key)) == before
    assert OWNER and inquiry is not None
