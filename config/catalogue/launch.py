"""Rules for what only a trial's catalogue may hold: assumptions, leads, the demonstration's operator. Pure.

An address is the sandbox's when it begins with one that `[addresses]` names `sandbox` or `sandbox-…`; it is real when
it is neither the sandbox's nor on this very machine. One real address is enough to refuse what only a trial may have.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from config.catalogue.fields import LOOPBACK
from config.catalogue.schema import Catalogue, Partner

SANDBOX_NAMES = ("sandbox", "sandbox-")
PLACEHOLDERS = ("待核实", "to be verified")
"""Words that stand for what nobody knows yet; no citizen may read them."""


def uses_sandbox(catalogue: Catalogue) -> bool:
    """Tell whether anything that is switched on leads to the sandbox: then every page says so."""
    return any(_is_sandbox(catalogue, url) for _, url in _addresses(catalogue))


def is_trial(catalogue: Catalogue) -> bool:
    """Tell whether the sandbox is used and no address is real: then unverified leads are shown, marked as such."""
    return uses_sandbox(catalogue) and not _real(catalogue)


def find_launch_faults(catalogue: Catalogue) -> list[str]:
    """List what refuses a catalogue with at least one real address, one line each with its place and what to do."""
    real = _real(catalogue)
    if not real:
        return []
    why = f"({real[0]} is a real address)"
    checks = (_operator, _assumptions, _leads, _placeholders)
    return [f"{fault} {why}" for check in checks for fault in check(catalogue)]


def find_launch_warnings(catalogue: Catalogue) -> list[str]:
    """List what a catalogue with real addresses may lack and yet should have."""
    if not _real(catalogue):
        return []
    operator = catalogue.operator
    missing = [] if operator.filing else ["operator.filing: is missing; every public web page bears its filing number"]
    if not (operator.phone or operator.mail):
        missing.append("operator.phone and operator.mail: are missing; the privacy notice must say how to reach you")
    if uses_sandbox(catalogue):
        missing.append("addresses: some lead to the sandbox, some are real; every page is marked as a demonstration")
    return missing


def _addresses(catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    """(place, URL) of everything that is called in this service's name and is switched on."""
    for partner in catalogue.partners:
        if partner.enabled:
            yield f"partners[{partner.code}].base_url", partner.base_url
    for link in catalogue.links:
        if link.enabled:
            yield f"links[{link.code}].url", link.url
    for entrance in catalogue.entrances:
        if entrance.kind == "official-account" or entrance.base_url:
            yield f"entrances[{entrance.code}].base_url", entrance.platform_url


def _is_sandbox(catalogue: Catalogue, url: str) -> bool:
    own = [base for name, base in catalogue.addresses.items() if name.startswith(SANDBOX_NAMES)]
    return any(url.startswith(base.rstrip("/")) for base in own)


def _real(catalogue: Catalogue) -> list[str]:
    return [
        place
        for place, url in _addresses(catalogue)
        if urlsplit(url).hostname not in LOOPBACK and not _is_sandbox(catalogue, url)
    ]


def _operator(catalogue: Catalogue) -> Iterator[str]:
    if catalogue.operator.demonstration:
        yield "operator.demonstration: write who really runs the service, and remove this line"


def _assumptions(catalogue: Catalogue) -> Iterator[str]:
    for partner in catalogue.partners:
        for application in partner.applications:
            if application.assumption:
                place = f"partners[{partner.code}].applications[{application.code}].assumption"
                yield f"{place}: ask the company whether it counts this application, then remove the mark or the entry"


def _leads(catalogue: Catalogue) -> Iterator[str]:
    for partner in catalogue.partners:
        yield from _lead(partner)


def _lead(partner: Partner) -> Iterator[str]:
    if partner.hotline and not partner.hotline.verified_on:
        yield f"partners[{partner.code}].hotline: is not verified; write verified_on, or remove it"
    if (partner.guide.details or partner.guide.removal) and not partner.guide.verified_on:
        yield f"partners[{partner.code}].guide: is not verified; write verified_on, or remove it"


def _placeholders(catalogue: Catalogue) -> Iterator[str]:
    for place, text in _texts(catalogue.model_dump(exclude={"version"})):
        if any(word in text.lower() for word in PLACEHOLDERS):
            yield f"{place}: holds a placeholder; write what is true, or remove it"


def _texts(here: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Every text of the document with its place; entries are named by their code."""
    if isinstance(here, Mapping):
        for key, below in here.items():
            if key == "source":  # a remark for administrators
                continue
            yield from _texts(below, f"{place}.{key}" if place else key)
    elif isinstance(here, tuple | list):
        for index, below in enumerate(here):
            name = below.get("code", index) if isinstance(below, Mapping) else index
            yield from _texts(below, f"{place}[{name}]")
    elif isinstance(here, str):
        yield place, here
