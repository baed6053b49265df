"""Small changes to a document that keep its comments."""

from __future__ import annotations

import pytest

from config.catalogue.document import default_document, diff, load_catalogue
from config.catalogue.edit import set_address, set_partner_enabled
from config.errors import CatalogueInvalid

DOCUMENT = default_document()


def test_a_partner_is_disabled_and_enabled_again() -> None:
    disabled = set_partner_enabled(DOCUMENT, "tencent", False)
    assert diff(DOCUMENT, disabled) == ["+ partners[tencent].enabled = False"]
    enabled = set_partner_enabled(disabled, "tencent", True)
    assert diff(disabled, enabled) == ["~ partners[tencent].enabled = False -> True"]
    assert set_partner_enabled(enabled, "tencent", False) == disabled


@pytest.mark.parametrize("code", [partner.code for partner in load_catalogue(DOCUMENT).partners])
def test_only_the_partner_that_was_meant_changes(code: str) -> None:
    catalogue = load_catalogue(set_partner_enabled(DOCUMENT, code, False))
    assert [partner.code for partner in catalogue.partners if not partner.enabled] == [code]


def test_nothing_else_of_the_document_changes() -> None:
    before, after = DOCUMENT.splitlines(), set_partner_enabled(DOCUMENT, "jd", False).splitlines()
    after.remove("enabled = false")
    assert after == before


def test_an_address_is_set() -> None:
    moved = set_address(DOCUMENT, "sandbox", "http://127.0.0.1:9001")
    assert diff(DOCUMENT, moved) == [
        "~ addresses.sandbox = 'http://127.0.0.1:8001' -> 'http://127.0.0.1:9001'",
    ]


def test_an_unknown_partner_is_refused() -> None:
    with pytest.raises(CatalogueInvalid, match="has no partner nobody"):
        set_partner_enabled(DOCUMENT, "nobody", False)


def test_a_layout_that_cannot_be_edited_is_refused_and_not_spoilt() -> None:
    unusual = DOCUMENT.replace("[addresses]", "[ addresses ]")
    with pytest.raises(CatalogueInvalid, match="edit it and `onecert config apply` it"):
        set_address(unusual, "sandbox", "http://127.0.0.1:9001")
