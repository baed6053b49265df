"""The default catalogue, and what a changed one has wrong."""

from __future__ import annotations

import pytest

from config.catalogue.document import default_document, load_catalogue
from config.errors import CatalogueInvalid

DOCUMENT = default_document()
CATALOGUE = load_catalogue(DOCUMENT)


def changed(old: str, new: str, count: int = 1) -> str:
    assert old in DOCUMENT
    return DOCUMENT.replace(old, new, count)


def faults_of(document: str) -> list[str]:
    with pytest.raises(CatalogueInvalid) as refused:
        load_catalogue(document)
    return refused.value.detail.splitlines()
