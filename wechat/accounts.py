"""The official accounts of the catalogue, and the mini programs to which WeChat pushes as well. Pure."""

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


def find_pushed_entrance(catalogue: Catalogue, code: str) -> Entrance:
    """Raises AccountUnknown when WeChat pushes to no entrance of that code."""
    for entrance in catalogue.entrances:
        if entrance.code == code and entrance.is_pushed_to:
            return entrance
    raise AccountUnknown("There is no official account or mini program of that code.")
