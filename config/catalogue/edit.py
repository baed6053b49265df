"""Small changes to a catalogue document that leave its comments and order alone. Pure.

Lines are changed, not the parsed document written anew; what came out is read again and compared, so that an unusual
layout leads to a refusal and never to another catalogue.
"""

from __future__ import annotations

import json
import re

from config.catalogue.document import diff, load_catalogue
from config.errors import CatalogueInvalid


def set_address(document: str, name: str, url: str) -> str:
    """The document with that named address; it must have one of this name."""
    return _set(document, "addresses", "", name, json.dumps(url), f"addresses.{name}")


def set_partner_enabled(document: str, code: str, enabled: bool) -> str:
    """The document with that partner enabled or disabled. CatalogueInvalid when there is no such partner."""
    if load_catalogue(document).partner(code) is None:
        raise CatalogueInvalid(f"the catalogue has no partner {code}; `onecert partner list` shows them")
    place = f"partners[{code}].enabled"
    return _set(document, "partners", code, "enabled", "true" if enabled else "false", place)


def _set(document: str, table: str, code: str, key: str, value: str, place: str) -> str:
    lines = document.splitlines(keepends=True)
    found = next(((start, end) for start, end in _blocks(lines, table) if _has_code(lines[start:end], code)), None)
    if found is None:
        raise _refusal(place)
    start, end = found
    here = next((at for at in range(start, end) if re.match(rf"\s*{re.escape(key)}\s*=", lines[at])), None)
    if here is None:
        after = next((at for at in range(start, end) if re.match(r"\s*code\s*=", lines[at])), start)
        lines.insert(after + 1, f"{key} = {value}\n")
    else:
        lines[here] = re.sub(r'=\s*("[^"]*"|\S+)', lambda _: f"= {value}", lines[here], count=1)
    edited = "".join(lines)
    load_catalogue(edited)
    if any(place not in change for change in diff(document, edited)):
        raise _refusal(place)
    return edited


def _blocks(lines: list[str], table: str) -> list[tuple[int, int]]:
    """First line and line after the last of every `[table]` or `[[table]]`."""
    headers = [at for at, line in enumerate(lines) if re.match(r"\s*\[", line)]
    ends = [*headers[1:], len(lines)]
    return [
        (start, end)
        for start, end in zip(headers, ends, strict=False)
        if re.match(rf"\s*(\[{table}\]|\[\[{table}\]\])\s*(#|$)", lines[start])
    ]


def _has_code(block: list[str], code: str) -> bool:
    return not code or any(re.match(rf'\s*code\s*=\s*["\']{re.escape(code)}["\']', line) for line in block)


def _refusal(place: str) -> CatalogueInvalid:
    return CatalogueInvalid(
        f"{place}: this document cannot be changed by itself; edit it and `onecert config apply` it"
    )
