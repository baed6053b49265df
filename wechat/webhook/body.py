"""The two spellings of a push's body, XML and JSON, as flat text fields (pure).

A body is a few fields deep at most and all that we use is text on its first level. So nested values are passed over,
numbers keep their own spelling, and whatever could mean two things (a field given twice, a DTD, an entity) is refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Literal, NoReturn
from xml.parsers import expat

from config import strict_json
from config.strict_json import NotStrictJson
from wechat.errors import BadPush

Format = Literal["xml", "json"]

MAX_DEPTH = 16


def parse_body(body: bytes) -> tuple[Format, dict[str, str]]:
    """Parse a body into its format and its first-level text fields.

    Raises BadPush for anything that is not one flat XML or JSON object in UTF-8.
    """
    try:
        text = body.decode().removeprefix("\ufeff")
    except UnicodeDecodeError:
        raise BadPush("The body is not UTF-8.") from None
    if text.lstrip()[:1] == "{":
        return "json", _parse_json(text)
    return "xml", _XmlFields().read(text)


def build_body(form: Format, fields: Mapping[str, str | int]) -> bytes:
    """Write fields as a body: text as CDATA or a JSON string, integers bare."""
    if form == "json":
        return json.dumps(dict(fields), ensure_ascii=False).encode()
    lines = "".join(f"<{name}>{_xml_value(value)}</{name}>\n" for name, value in fields.items())
    return f"<xml>\n{lines}</xml>".encode()


def _xml_value(value: str | int) -> str:
    if isinstance(value, int):
        return str(value)
    # `]]>` would end the section early and let text become markup: it is split over two sections.
    return "<![CDATA[" + value.replace("]]>", "]]]]><![CDATA[>") + "]]>"


class _XmlFields:
    """Collects first-level text with expat; stops at anything that does not belong into a push."""

    def __init__(self) -> None:
        self._path: list[str] = []
        self._text: list[str] = []
        self._nested = False
        self._fields: dict[str, str] = {}
        self._seen: set[str] = set()

    def read(self, text: str) -> dict[str, str]:
        """Parse the text; the declared encoding is ignored, for it has been decoded already."""
        parser = expat.ParserCreate("utf-8")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text.append
        parser.StartDoctypeDeclHandler = refuse_doctype
        try:
            parser.Parse(text.encode(), True)
        except expat.ExpatError:
            raise BadPush("The body is not well-formed XML.") from None
        return self._fields

    def _start(self, name: str, _attributes: dict[str, str]) -> None:
        if not self._path and name != "xml":
            raise BadPush("The body's root is not <xml>.")
        if len(self._path) >= MAX_DEPTH:
            raise BadPush("The body is nested too deep.")
        if len(self._path) == 1:
            _refuse_twice(name, self._seen)
            self._nested = False
        else:
            self._nested = True
        self._path.append(name)
        self._text.clear()

    def _end(self, name: str) -> None:
        self._path.pop()
        if len(self._path) == 1 and not self._nested:
            self._fields[name] = "".join(self._text)


def refuse_doctype(*_declaration: object) -> NoReturn:
    """An expat handler: raises BadPush for any document type declaration."""
    raise BadPush("The body has a document type declaration.")


def _refuse_twice(name: str, seen: set[str]) -> None:
    if name in seen:
        raise BadPush("The body has a field twice.")
    seen.add(name)


def _parse_json(text: str) -> dict[str, str]:
    try:
        parsed = strict_json.read_object(text, numbers_as_text=True)
    except NotStrictJson as error:
        raise BadPush(f"The body must be one JSON object, but it is {error.reason}.") from None
    fields = {name: value for name, value in parsed.items() if isinstance(value, str)}
    if any(not _is_unicode(value) for value in fields.values()):
        raise BadPush("The body has half a surrogate pair.")
    return fields


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)
