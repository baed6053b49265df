"""Which link a message takes (pure but for the cooldown's memory).

A link that just failed is left alone for a moment and then tried with a single message, so an
outage costs one attempt every few seconds and not one for each message that waits.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from config.catalogue.links import Link as LinkEntry
from config.catalogue.schema import Catalogue
from sms_port.links.templates import Template, find_template
from sms_port.models import Lane

PAUSES_MS = (1_000, 2_000, 4_000, 8_000, 10_000)


@dataclass(frozen=True)
class LinkLoad:
    """The load of a link: a number of parts, their numbers and texts."""

    parts: int
    phone: str = field(default="", repr=False)
    text: str = field(default="", repr=False)


@dataclass(frozen=True)
class Routes:
    """The links of one lane by preference: those that are configured, and those that may be used now."""

    configured: tuple[LinkEntry, ...]
    usable: tuple[LinkEntry, ...]
    carrier_of: Callable[[str], str] = field(default=lambda phone: "", compare=False)
    texts: Mapping[str, str] = field(default_factory=dict, compare=False)

    def pick(self, load: LinkLoad, attempts: int, bound_to: str | None) -> LinkEntry | None:
        """The link for a message; None when there is none just now.

        Each attempt that certainly failed moves on to the next link. A message that a link may
        have seen is bound to that link.
        """
        bound = bound_to in {link.code for link in self.configured}
        free = [link for link in self.usable if link.code == bound_to or not bound]
        fitting = [link for link in free if self._takes(link, load)]
        return fitting[attempts % len(fitting)] if fitting else None

    def refusal(self, load: LinkLoad) -> str:
        """Why no link of this lane ever takes a message; "" when one does."""
        if any(self._takes(link, load) for link in self.configured):
            return ""
        return "no_link" if any(load.parts <= link.max_parts for link in self.configured) else "too_long"

    def template_of(self, link: LinkEntry, load: LinkLoad) -> Template | None:
        """The template by which a link that takes no free text carries these words."""
        return find_template(link, self.texts, load.text)

    def _takes(self, link: LinkEntry, load: LinkLoad) -> bool:
        if link.templates and self.template_of(link, load) is None:
            return False
        return load.parts <= link.max_parts and (not link.carriers or self.carrier_of(load.phone) in link.carriers)


class Cooldown:
    """Remembers which links failed of late; shared by the lanes of one gateway process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures: dict[str, tuple[int, int]] = {}  # link -> failures in a row, not before

    def note(self, link: str, well: bool, now: int) -> None:
        """A call over the link ended: the gateway answered it, or it did not."""
        with self._lock:
            if well:
                self._failures.pop(link, None)
                return
            count = self._failures.get(link, (0, 0))[0]
            self._failures[link] = (count + 1, now + PAUSES_MS[min(count, len(PAUSES_MS) - 1)])

    def allowance(self, link: LinkEntry, now: int) -> int:
        """Return how many messages may be offered at once: none in a pause, one to find out, else the batch size."""
        with self._lock:
            failures, not_before = self._failures.get(link.code, (0, 0))
        if now < not_before:
            return 0
        return 1 if failures else link.batch_size


def routes_for(
    catalogue: Catalogue, lane: Lane, cooldown: Cooldown, now: int, capacity: Mapping[str, int] | None = None
) -> Routes:
    """The links that serve a lane, the preferred one first; one without room (0 in `capacity`) may not be used now."""
    capacity = capacity or {}
    serving = [link for link in catalogue.links if link.enabled and lane.name.lower() in link.lanes]
    configured = tuple(sorted(serving, key=lambda link: link.preference))
    usable = tuple(link for link in configured if cooldown.allowance(link, now) and capacity.get(link.code, 1))
    return Routes(configured, usable, partial(_carrier_of, catalogue), catalogue.texts.sms)


def batch_limit(routes: Routes, cooldown: Cooldown, now: int, capacity: Mapping[str, int] | None = None) -> int:
    """Return how many messages to claim at once, so that no usable link gets more than it takes."""
    capacity = capacity or {}
    takes = (min(cooldown.allowance(link, now), capacity.get(link.code, link.batch_size)) for link in routes.usable)
    return min(takes, default=0)


def _carrier_of(catalogue: Catalogue, phone: str) -> str:
    order = catalogue.carrier_order(phone)
    return order[0].code if order else ""
