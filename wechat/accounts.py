"""The official accounts of the catalogue, and WeChat's mini programs where they have the same. Pure."""

from __future__ import annotations

from config.catalogue.schema import Catalogue, Entrance
from wechat.errors import AccountUnknown


def official_accounts(catalogue: Catalogue) -> list[Entrance]:
    """Return the official accounts in the catalogue's order."""
    return [entrance for entrance in catalogue.entrances if entrance.kind == "official-account"]


def find_official_account(catalogue: Catalogue, code: str) -> Entrance:
    """Return the official account of that code. Raises AccountUnknown."""
    for entrance in official_accounts(catalogue):
        if entrance.code == code:
            return entrance
    raise AccountUnknown("There is no official account of that code.")


def find_wechat_app(catalogue: Catalogue, code: str) -> Entrance:
    """Return the official account or WeChat's mini program of that code. Raises AccountUnknown."""
    for entrance in catalogue.entrances:
        if entrance.code == code and entrance.kind in ("official-account", "wechat-applet"):
            return entrance
    raise AccountUnknown("There is no official account or mini program of that code.")


def find_pushed_entrance(catalogue: Catalogue, code: str) -> Entrance:
    """Return the official account or mini program of that code to which WeChat pushes. Raises AccountUnknown."""
    for entrance in catalogue.entrances:
        if entrance.code == code and entrance.is_pushed_to:
            return entrance
    raise AccountUnknown("There is no official account or mini program of that code.")
