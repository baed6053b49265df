"""An official account's menu (pure): build it from the catalogue, compare it with the live one, show it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import ndiff
from typing import Any, TypeAlias

from config.catalogue.menus import MenuItem, find_limit_faults
from config.catalogue.schema import Entrance
from wechat.errors import MenuInvalid

Button: TypeAlias = "dict[str, str | list[Button]]"

ACTS = ("key", "appid", "pagepath", "url", "media_id", "article_id")
"""The platform's names of the parameters of a button."""


def build_menu(entrance: Entrance) -> dict[str, list[Button]]:
    """Build the body of menu/create for this account.

    Raises MenuInvalid with every fault, one a line.
    """
    faults = list(find_limit_faults(entrance.menu))
    if faults:
        raise MenuInvalid("\n".join(faults))
    return {"button": [_button(item) for item in entrance.menu]}


def show_tree(menu: Sequence[MenuItem]) -> list[str]:
    """Return the menu as lines of text, sub-buttons below their button."""
    return _tree([_button(item) for item in menu])


def diff_menus(live: Mapping[str, Any] | None, wanted: Mapping[str, Any]) -> list[str]:
    """Return the changes a push would make, as lines of both trees: `- ` only live, `+ ` only wanted, `  ` both.

    Empty when there is no difference. `live` is spelled as the platform does, which adds empty parts; None: no menu.
    """
    before, after = _plain((live or {}).get("button")), _plain(wanted["button"])
    if before == after:
        return []
    return [line for line in ndiff(_tree(before), _tree(after)) if not line.startswith("?")]


def _plain(buttons: Any) -> list[dict[str, Any]]:
    """Return the buttons without empty values, keys sorted."""
    found = []
    for button in buttons if isinstance(buttons, list) else []:
        parts = {name: value for name, value in sorted(button.items()) if value not in ("", [], None)}
        if "sub_button" in parts:
            parts["sub_button"] = _plain(parts["sub_button"])
        found.append(parts)
    return found


def _tree(buttons: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = []
    for button in buttons:
        lines.append(_describe(button))
        below = button.get("sub_button", [])
        for number, each in enumerate(below, 1):
            lines.append(f"{'└──' if number == len(below) else '├──'} {_describe(each)}")
    return lines


def _button(item: MenuItem) -> Button:
    if item.items:
        return {"name": item.name, "sub_button": [_button(below) for below in item.items]}
    values = {"key": item.key, "url": item.url, "appid": item.app_id, "pagepath": item.page_path}
    spelled = {"type": item.type, **values, "media_id": item.media_id, "article_id": item.article_id}
    return {"name": item.name, **{name: value for name, value in spelled.items() if value is not None}}


def _describe(button: Mapping[str, Any]) -> str:
    act = " ".join(str(button[name]) for name in ("type", *ACTS) if button.get(name))
    return f"{button.get('name', '')}  ({act})" if act else str(button.get("name", ""))
