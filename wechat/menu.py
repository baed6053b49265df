"""An official account's menu (pure): built from the catalogue, held against WeChat's limits and what is live, shown.

Limits as of 2026-11 (WeChat, 自定义菜单): 1 to 3 buttons, 1 to 5 below each, two levels; names of 16 and 60 bytes,
keys of 128, addresses of 1024.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import ndiff
from typing import Any, TypeAlias

from config.catalogue import Entrance, MenuItem
from wechat.errors import MenuInvalid

Button: TypeAlias = "dict[str, str | list[Button]]"

MAX_TOP = 3
MAX_SUB = 5
MAX_TOP_NAME = 16
MAX_SUB_NAME = 60
MAX_KEY = 128
MAX_URL = 1024
ACTS = ("key", "appid", "pagepath", "url", "media_id", "article_id")
"""What a button's act may need; the last two only a menu that somebody else made has."""


def build_menu(entrance: Entrance) -> dict[str, list[Button]]:
    """The body of the platform's menu/create for this account.

    Raises MenuInvalid with every fault, one a line.
    """
    faults = list(find_faults(entrance.menu))
    if faults:
        raise MenuInvalid("\n".join(faults))
    return {"button": [_button(item) for item in entrance.menu]}


def find_faults(menu: Sequence[MenuItem]) -> Iterator[str]:
    """Everything in a menu of the catalogue that the platform would refuse, as sentences.

    That buttons have a type or buttons below them, and what a type needs, the catalogue itself has checked.
    """
    if not 1 <= len(menu) <= MAX_TOP:
        yield f"A menu has 1 to {MAX_TOP} buttons, this one has {len(menu)}."
    for item in menu:
        yield from _button_faults(item, MAX_TOP_NAME)
        if len(item.items) > MAX_SUB:
            yield f"{item.name}: has {len(item.items)} buttons below it, the platform shows {MAX_SUB}."
        for below in item.items:
            yield from _button_faults(below, MAX_SUB_NAME)


def show_tree(menu: Sequence[MenuItem]) -> list[str]:
    """The menu as lines of text, sub-buttons below their button."""
    return _tree([_button(item) for item in menu])


def diff_menus(live: Mapping[str, Any] | None, wanted: Mapping[str, Any]) -> list[str]:
    """What a push would change, as lines of both trees: `- ` only live, `+ ` only wanted, `  ` in both.

    Empty when there is no difference. `live` is spelled as the platform does, which adds empty parts; None: no menu.
    """
    before, after = _plain((live or {}).get("button")), _plain(wanted["button"])
    if before == after:
        return []
    return [line for line in ndiff(_tree(before), _tree(after)) if not line.startswith("?")]


def _plain(buttons: Any) -> list[dict[str, Any]]:
    """Buttons without what is empty, in one order of keys."""
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


def _button_faults(item: MenuItem, most: int) -> Iterator[str]:
    for what, text, limit in (("name", item.name, most), ("key", item.key, MAX_KEY), ("url", item.url, MAX_URL)):
        size = len((text or "").encode())
        if size > limit:
            yield f"{item.name}: its {what} has {size} bytes, the platform takes {limit}."


def _button(item: MenuItem) -> Button:
    if item.items:
        return {"name": item.name, "sub_button": [_button(below) for below in item.items]}
    spelled = {"type": item.type, "key": item.key, "url": item.url, "appid": item.app_id, "pagepath": item.page_path}
    return {"name": item.name, **{name: value for name, value in spelled.items() if value is not None}}


def _describe(button: Mapping[str, Any]) -> str:
    act = " ".join(str(button[name]) for name in ("type", *ACTS) if button.get(name))
    return f"{button.get('name', '')}  ({act})" if act else str(button.get("name", ""))
