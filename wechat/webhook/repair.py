"""Recovers the fields of a signed push that is not well-formed (pure).

WeChat puts what citizens type into its template without cleaning it: control characters, `]]>`, cut emoji. Such a push
is read here by its template: a field that a citizen fills reaches from its first start tag to its last end tag, so
that markup typed by a citizen stays text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import unescape

from wechat.webhook.body import Format

_BOM = "\ufeff"
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_REFERENCE = re.compile(r"&#(?:x([0-9a-fA-F]{1,8})|([0-9]{1,8}));")
_TYPED = ("Content", "Recognition", "Title", "Description", "Url", "Label", "Poiname", "ScanCodeInfo")
"""Fields whose text a citizen chooses; none of them comes in front of `MsgType`."""
_ENVELOPE = (
    *("ToUserName", "FromUserName", "CreateTime", "MsgType", "Event", "EventKey", "MsgId", "MsgID", "Status"),
    "OpenID",
)
_CDATA, _CDATA_END = "<![CDATA[", "]]>"


def recover_fields(body: bytes) -> tuple[Format, dict[str, str]]:
    """Return the format and the readable fields of a body; of duplicates the first. Never raises."""
    text = clean_text(body)
    if text.lstrip()[:1] in ("{", "["):
        return "json", dict(_json_fields(text))
    return "xml", _xml_fields(text)


def clean_text(body: bytes) -> str:
    """Decode a body: replace invalid UTF-8, drop characters (and references to them) that XML 1.0 forbids."""
    text = _NOT_XML.sub("", _decode(body).lstrip(_BOM))
    return _REFERENCE.sub(_legal_reference, text)


def join_surrogates(text: str) -> str:
    """Join surrogate pairs and replace unpaired halves by U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _decode(body: bytes) -> str:
    try:
        return join_surrogates(body.decode("utf-8", "surrogatepass"))  # CESU-8: emoji as two halves
    except UnicodeDecodeError:
        return body.decode("utf-8", "replace")


def _legal_reference(found: re.Match[str]) -> str:
    number = int(found[1], 16) if found[1] else int(found[2])
    return "" if number > 0x10FFFF or _NOT_XML.match(chr(number)) else found[0]


def _xml_fields(text: str) -> dict[str, str]:
    fields = {}
    for name in _TYPED:
        typed, text = _cut(text, name)
        if typed is not None:
            fields[name] = _plain(typed)
    for name in _ENVELOPE:
        found = _first(text, name)
        if found is not None:
            fields[name] = _plain(found)
    return fields


def _cut(text: str, name: str) -> tuple[str | None, str]:
    """Return the text between the first `<name>` and the last `</name>` (or the end), and the rest."""
    start, end = text.find(f"<{name}>"), text.rfind(f"</{name}>")
    if start < 0:
        return None, text
    if end < start:
        end = len(text)
    return text[start + len(name) + 2 : end], text[:start] + text[end:]


def _first(text: str, name: str) -> str | None:
    start = text.find(f"<{name}>")
    end = text.find(f"</{name}>", start)
    return None if start < 0 or end < 0 else text[start + len(name) + 2 : end]


def _plain(value: str) -> str:
    value = value.strip()
    if value.startswith(_CDATA):
        return value[len(_CDATA) :].removesuffix(_CDATA_END)
    return unescape(value)


def _json_fields(text: str) -> Iterator[tuple[str, str]]:
    for name in ("Content", *_ENVELOPE):
        found = re.search(rf'"{name}"\s*:\s*(?:"((?:[^"\\]|\\.)*)"|(-?[0-9]+))', text, re.DOTALL)
        if found is not None:
            yield name, found[2] or _json_text(found[1] or "")


def _json_text(spelled: str) -> str:
    try:
        return join_surrogates(str(json.loads(f'"{spelled}"', strict=False)))
    except ValueError:
        return spelled
