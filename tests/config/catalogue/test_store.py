"""The numbered versions of the catalogue, on both databases."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import insert, update

from config.catalogue.document import default_document
from config.catalogue.edit import set_partner_enabled
from config.catalogue.store import CHECK_EVERY_MS, CatalogueStore, catalogue_version
from config.db.engine import begin
from config.errors import CatalogueInvalid
from config.ground import Ground
from config.times.clock import FixedClock

WITHOUT_JD = set_partner_enabled(default_document(), "jd", False)


def another_process(ground: Ground) -> CatalogueStore:
    return CatalogueStore(ground.engine, ground.keys, ground.clock)


def apply(ground: Ground, document: str, note: str = "a test") -> int:
    with begin(ground.engine) as db:
        return ground.catalogues.apply(db, document, note, "ann", ground.clock.now())


def test_a_version_is_kept_to_the_letter(ground: Ground) -> None:
    assert apply(ground, WITHOUT_JD) == 2
    assert ground.catalogues.document() == WITHOUT_JD
    assert ground.catalogues.document(1) == default_document()
    assert ground.catalogues.current().version == 2


def test_other_processes_follow_within_two_seconds_and_do_not_look_before(ground: Ground, clock: FixedClock) -> None:
    other = another_process(ground)
    assert other.current().version == 1
    apply(ground, WITHOUT_JD)
    clock.advance(CHECK_EVERY_MS - 1)
    assert other.current().version == 1
    clock.advance(1)
    assert other.current().version == 2
    assert "jd" not in {partner.code for partner in other.current().enterprises()}


def test_a_bad_document_is_refused_and_the_good_one_stays(ground: Ground) -> None:
    with pytest.raises(CatalogueInvalid, match="is not TOML"), begin(ground.engine) as db:
        ground.catalogues.apply(db, "what is this", "", "ann", 1)
    assert ground.catalogues.current().version == 1
    assert len(ground.catalogues.history()) == 1


def test_a_version_whose_transaction_failed_was_never_there(ground: Ground) -> None:
    with pytest.raises(RuntimeError), begin(ground.engine) as db:
        ground.catalogues.apply(db, WITHOUT_JD, "", "ann", 1)
        raise RuntimeError
    assert ground.catalogues.current().version == 1


def test_an_earlier_document_applied_again_is_a_new_version(ground: Ground) -> None:
    apply(ground, WITHOUT_JD)
    with begin(ground.engine) as db:
        earlier = ground.catalogues.document(1, db)
        assert ground.catalogues.apply(db, earlier, "as before", "ann", ground.clock.now()) == 3
    assert ground.catalogues.document() == default_document()
    assert [version.note for version in ground.catalogues.history()] == ["as before", "a test", "the default"]


def test_a_version_that_never_was_cannot_be_rolled_back_to(ground: Ground) -> None:
    with pytest.raises(CatalogueInvalid, match="no version 9; `onecert config history` lists them"):
        ground.catalogues.document(9)


def test_a_version_altered_in_the_database_is_not_believed(ground: Ground) -> None:
    elsewhere = default_document().replace("http://127.0.0.1:8001", "https://collector.example")
    with begin(ground.engine) as db:
        db.execute(update(catalogue_version).values(document=elsewhere))
    with pytest.raises(CatalogueInvalid, match="was altered in the database"):
        another_process(ground).current()


def test_a_version_that_cannot_be_believed_or_read_changes_nothing_for_who_knows_an_earlier_one(
    ground: Ground, clock: FixedClock
) -> None:
    other = another_process(ground)
    known = other.current()
    forged = {"number": 2, "document": WITHOUT_JD, "mac": bytes(32), "note": "", "actor": "eve", "applied_at": 1}
    newer: dict[str, Any] = {
        "number": 3,
        "document": "of = 'a later release'",
        "note": "",
        "actor": "ann",
        "applied_at": 1,
    }
    newer["mac"] = ground.keys.mac("catalogue", 3, newer["document"])
    for row in (forged, newer):
        with begin(ground.engine) as db:
            db.execute(insert(catalogue_version).values(**row))
        clock.advance(CHECK_EVERY_MS)
        assert other.current() is known
    apply(ground, WITHOUT_JD)
    clock.advance(CHECK_EVERY_MS)
    assert other.current().version == 4


def test_the_history_tells_who_and_when(ground: Ground) -> None:
    apply(ground, WITHOUT_JD, "maintenance")
    newest = ground.catalogues.history()[0]
    assert (newest.number, newest.actor, newest.note, newest.applied_at) == (
        2,
        "ann",
        "maintenance",
        ground.clock.now(),
    )
