"""The lists inside some events (pure): `List` is one object or several, and the two spellings nest it differently.

The body is signed, but it may be broken: then the items read as none.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from xml.parsers import expat

from wechat.errors import BadPush
from wechat.webhook.body import MAX_DEPTH, Format, refuse_doctype
from wechat.webhook.repair import clean_text

ITEM = "List"
MOST = 20
Item = dict[str, str]


def parse_items(form: Format, body: bytes) -> list[Item]:
    """Return the text fields of at most 20 items; an empty list for a broken body."""
    text = clean_text(body)
    try:
        found = _json_items(_read_json(text)) if form == "json" else _XmlItems().read(text)
        return [item for item, _ in zip(found, range(MOST), strict=False)]
    except (ValueError, RecursionError, expat.ExpatError, BadPush):
        return []


def _read_json(text: str) -> object:
    return json.loads(text, parse_int=str, parse_float=str, strict=False)


def _json_items(value: object, depth: int = 0) -> Iterator[Item]:
    if not isinstance(value, dict) or depth > MAX_DEPTH:
        return
    for name, below in value.items():
        if name == ITEM:
            for item in below if isinstance(below, list) else [below]:
                if isinstance(item, dict):
                    yield {key: text for key, text in item.items() if isinstance(text, str)}
        else:
            yield from _json_items(below, depth + 1)


class _XmlItems:
    """Collects the text children of each `List` element."""

    def __init__(self) -> None:
        self._items: list[Item] = []
        self._path: list[str] = []
        self._text: list[str] = []

    def read(self, text: str) -> list[Item]:
        parser = expat.ParserCreate("utf-8")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text.append
        parser.StartDoctypeDeclHandler = refuse_doctype
        parser.Parse(text.encode(), True)
        return self._items

    def _start(self, name: str, _attributes: dict[str, str]) -> None:
        if name == ITEM:
            self._items.append({})
        self._path.append(name)
        self._text.clear()

    def _end(self, name: str) -> None:
        self._path.pop()
        if self._path and self._path[-1] == ITEM:
            self._items[-1][name] = "".join(self._text)
        self._text.clear()
