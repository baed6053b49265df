"""Find the approved template that a text is an instance of (pure). Cloud gateways send nothing else.

A link's templates name the catalogue's texts that the vendor has approved; a text is recognised by its fixed words, and
what stands at its `{places}` becomes the template's parameters. So whoever owes a message knows no vendor's templates.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from config.catalogue.links import Link as LinkEntry


@dataclass(frozen=True)
class Template:
    """Vendor's template and the values of its placeholders."""

    code: str
    fields: Mapping[str, str] = field(repr=False, hash=False)


def find_template(link: LinkEntry, texts: Mapping[str, str], text: str) -> Template | None:
    """The link's template for a text, signature included; None when it has none for these words.

    Of several that fit, the one that leaves least to be filled in.
    """
    return min(_instances(link, texts, text), key=_filled, default=None)


def _filled(template: Template) -> int:
    return sum(map(len, template.fields.values()))


def _instances(link: LinkEntry, texts: Mapping[str, str], text: str) -> Iterator[Template]:
    for approved in link.templates:
        found = _shape(texts.get(approved.text, "")).fullmatch(text)
        if found:
            yield Template(approved.code, found.groupdict())


@lru_cache(maxsize=256)
def _shape(words: str) -> re.Pattern[str]:
    pieces = re.split(r"\{([a-z_]+)\}", words)
    return re.compile("".join(f"(?P<{piece}>.+)" if n % 2 else re.escape(piece) for n, piece in enumerate(pieces)))
