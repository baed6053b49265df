"""The catalogue: what an administrator decides, read from one TOML document. Pure.

`load_catalogue` checks the document as a whole and refuses it with every fault at once, so that what the store
holds is always good. The models are in `catalogue_schema`; what holds between parts is in `catalogue_rules`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib import resources
from typing import Any

from pydantic import ValidationError

from config.catalogue.explain import describe, name_place
from config.catalogue.rules import find_faults
from config.catalogue.schema import Catalogue
from config.errors import CatalogueInvalid

SOMEWHERE = "http://unknown"
"""Stands for an address that is missing, so that this one fault leads to no other."""
MAX_DOCUMENT = 1_000_000
"""Characters; the default has 20,000."""


def default_document() -> str:
    """The packaged catalogue, as text."""
    return (resources.files("config.catalogue") / "default.toml").read_text(encoding="utf-8")


@lru_cache(maxsize=4)  # a command that applies a document reads it several times
def load_catalogue(text: str, version: int = 0) -> Catalogue:
    """Read a document; CatalogueInvalid tells every fault, one a line, with its place and what to do."""
    document = _parse(text)
    faults = [*_fill_addresses(document)]
    if document.pop("version", None) is not None:
        faults.append("version: the store numbers versions; remove it")
    catalogue: Catalogue | None
    try:
        catalogue = _validate(document, version)
    except ValidationError as error:
        faults += describe(error, document)
        catalogue = _sound_part(document, error)
    if catalogue is not None:
        faults += find_faults(catalogue, whole=not faults)
    if faults or catalogue is None:
        raise CatalogueInvalid("\n".join(faults))
    return catalogue


def required_secrets(catalogue: Catalogue, *, of_disabled: bool = True) -> list[str]:
    """The names of all secrets without which a part of the catalogue cannot work; of those switched off, on demand."""
    kinds = {
        "official-account": ("token", "aes_key", "app_secret"),
        "wechat-applet": ("app_secret",),
        "alipay-applet": ("private_key", "platform_key", "content_key"),
        "voice": ("key",),
        "counter": ("key",),
    }
    names = [f"{entrance.code}.{kind}" for entrance in catalogue.entrances for kind in kinds.get(entrance.kind, ())]
    pushed = [entrance for entrance in catalogue.entrances if entrance.kind == "wechat-applet" and entrance.push]
    names += [f"{entrance.code}.{kind}" for entrance in pushed for kind in ("token", "aes_key")]
    names += [f"{partner.code}.key" for partner in catalogue.partners if partner.enabled or of_disabled]
    return names + [f"{link.code}.key" for link in catalogue.links if link.enabled or of_disabled]


def diff(old: str, new: str) -> list[str]:
    """List the differences between two documents, one line per value: `+`, `-` or `~` and its place."""
    before, after = _flatten(_parse(old)), _flatten(_parse(new))
    lines = [f"- {place} = {value!r}" for place, value in before.items() if place not in after]
    for place, value in after.items():
        if place not in before:
            lines.append(f"+ {place} = {value!r}")
        elif before[place] != value:
            lines.append(f"~ {place} = {before[place]!r} -> {value!r}")
    return lines


def _parse(text: str) -> dict[str, Any]:
    if len(text) > MAX_DOCUMENT:
        raise CatalogueInvalid(f"the document: is longer than {MAX_DOCUMENT} characters; this is no catalogue")
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise CatalogueInvalid(f"the document: is not TOML: {error}; correct it there") from None


def _validate(document: Mapping[str, Any], version: int = 0) -> Catalogue:
    return Catalogue.model_validate(_freeze({**document, "version": version}))


def _sound_part(document: Mapping[str, Any], error: ValidationError) -> Catalogue | None:
    """The document without the entries that have faults, so that those between the others are told as well."""
    faulty = {fault["loc"][:2] for fault in error.errors()}
    left = {
        key: [entry for at, entry in enumerate(value) if (key, at) not in faulty] if isinstance(value, list) else value
        for key, value in document.items()
        if (key,) not in faulty
    }
    try:
        return _validate(left)
    except ValidationError:
        return None


def _fill_addresses(document: dict[str, Any]) -> Iterator[str]:
    """Put the named addresses into every `url` and `base_url`; yields what cannot be filled, once each."""
    addresses = document.get("addresses", {})
    known = (
        {name: url for name, url in addresses.items() if isinstance(url, str)} if isinstance(addresses, dict) else {}
    )
    for place, table in _tables(document):
        for key in ("url", "base_url"):
            if not isinstance(table.get(key), str):
                continue
            for name in set(re.findall(r"\{([^{}]*)\}", table[key])) - set(known):
                yield f"{name_place((*place, key), document)}: there is no address {name}; add it to [addresses]"
                table[key] = table[key].replace(f"{{{name}}}", SOMEWHERE)
            for name, url in known.items():
                table[key] = table[key].replace(f"{{{name}}}", url.rstrip("/"))


def _tables(here: Any, place: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], dict[str, Any]]]:
    if isinstance(here, dict):
        yield place, here
    steps = here.items() if isinstance(here, dict) else enumerate(here) if isinstance(here, list) else ()
    for step, below in steps:
        yield from _tables(below, (*place, step))


def _freeze(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _freeze(below) for key, below in value.items()}
    return tuple(_freeze(below) for below in value) if isinstance(value, list) else value


def _flatten(here: Any, place: str = "") -> dict[str, Any]:
    """Every value by its path; entries that have a code are found by it, not by their position."""
    if isinstance(here, Mapping):
        steps = {f"{place}.{key}" if place else key: below for key, below in here.items()}
    elif isinstance(here, list) and here and all(isinstance(below, dict) for below in here):
        names = [str(below.get("code", below.get("name", index))) for index, below in enumerate(here)]
        steps = {f"{place}[{name}]": below for name, below in zip(names, here, strict=True)}
        if len(here) > 1:
            steps[f"{place} in order"] = ", ".join(names)
    else:
        return {place: here}
    return {path: value for step, below in steps.items() for path, value in _flatten(below, step).items()}
