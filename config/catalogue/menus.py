"""The menu of an official account: its buttons, what each kind of them needs, and WeChat's limits. Pure.

Kinds and limits as of 2026-11 (WeChat, 自定义菜单): 1 to 3 buttons, 1 to 5 below each, two levels; names of 16 and 60
bytes, keys of 128, addresses of 1024.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from config.catalogue.fields import Line, PassedLine, PassedUrl, StrictModel

MAX_TOP = 3
MAX_SUB = 5
MAX_TOP_NAME = 16
MAX_SUB_NAME = 60
MAX_KEY = 128
MAX_URL = 1024

Kind = Literal[
    "click",
    "view",
    "miniprogram",
    "scancode_push",
    "scancode_waitmsg",
    "pic_sysphoto",
    "pic_photo_or_album",
    "pic_weixin",
    "location_select",
    "media_id",
    "article_id",
    "article_view_limited",
]
NEEDED: Mapping[Kind, tuple[str, ...]] = {
    "view": ("url",),
    "miniprogram": ("url", "app_id", "page_path"),
    "media_id": ("media_id",),
    "article_id": ("article_id",),
    "article_view_limited": ("article_id",),
}
"""Fields of each kind of button beside its name; all other kinds have a key."""


class MenuItem(StrictModel):
    """A button of an official account's menu; with `items` it only opens them."""

    name: Line
    type: Kind | None = None
    key: PassedLine | None = None
    url: PassedUrl | None = None
    app_id: Line | None = None
    page_path: PassedLine | None = None
    media_id: PassedLine | None = None
    article_id: PassedLine | None = None
    items: tuple[MenuItem, ...] = ()


def find_menu_faults(place: str, menu: Sequence[MenuItem]) -> Iterator[str]:
    """List the errors of a menu, one line each: its place below `place` and the remedy."""
    if len(menu) > MAX_TOP or any(len(item.items) > MAX_SUB for item in menu):
        yield f"{place}: has too many buttons; WeChat shows {MAX_TOP}, with up to {MAX_SUB} below each"
    for item in menu:
        yield from _item_faults(f"{place}[{item.name}]", item)
        for below in item.items:
            yield from _item_faults(f"{place}[{item.name}].items[{below.name}]", below)


def find_limit_faults(menu: Sequence[MenuItem]) -> Iterator[str]:
    """List what WeChat would refuse of a pushed menu, as sentences: no button, or a text that is too long."""
    if not menu:
        yield f"A menu has 1 to {MAX_TOP} buttons, this one has none."
    for item in menu:
        yield from _too_long(item, MAX_TOP_NAME)
        for below in item.items:
            yield from _too_long(below, MAX_SUB_NAME)


def _item_faults(place: str, item: MenuItem) -> Iterator[str]:
    if bool(item.items) == bool(item.type):
        yield f"{place}: needs either a type or items below it, not both"
    elif any(below.items for below in item.items):
        yield f"{place}: has a third level; WeChat shows two"
    for key in NEEDED.get(item.type, ("key",)) if item.type else ():
        if getattr(item, key) is None:
            yield f"{place}.{key}: is missing; a button of type {item.type} needs it"


def _too_long(item: MenuItem, most: int) -> Iterator[str]:
    for what, text, limit in (("name", item.name, most), ("key", item.key, MAX_KEY), ("url", item.url, MAX_URL)):
        size = len((text or "").encode())
        if size > limit:
            yield f"{item.name}: its {what} has {size} bytes, the platform takes {limit}."
