"""The official accounts of the catalogue. Pure."""

from __future__ import annotations

from config.catalogue.schema import Catalogue, Entrance
from wechat.errors import AccountUnknown


def official_accounts(catalogue: Catalogue) -> list[Entrance]:
    """The catalogue's official accounts, in its order."""
    return [entrance for entrance in catalogue.entrances if entrance.kind == "official-account"]


def find_official_account(catalogue: Catalogue, code: str) -> Entrance:
    """Raises AccountUnknown when the catalogue has no official account of that code."""
    for entrance in official_accounts(catalogue):
        if entrance.code == code:
            return entrance
    raise AccountUnknown("There is no official account of that code.")
