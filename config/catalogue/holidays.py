"""Warnings about the calendar of working days: years that are missing, and years that nobody has verified. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

from config.catalogue.schema import Catalogue

AHEAD: Final = timedelta(days=92)
"""So far ahead of a day due dates may lie: 30 working days over the longest holidays, and once more when reopened."""


def find_calendar_warnings(catalogue: Catalogue, today: date) -> list[str]:
    """List what makes due days uncertain from `today` on; nothing where objections are not offered."""
    if catalogue.objections is None or not catalogue.objections.enabled:
        return []
    return list(_warn(catalogue, today))


def _warn(catalogue: Catalogue, today: date) -> Iterator[str]:
    known = {year.year: year for year in catalogue.calendar}
    for year in range(today.year, (today + AHEAD).year + 1):
        if year not in known:
            yield (
                f"calendar: has no year {year}, which goes by the plain week then; "
                "add the State Council's notice on its holidays"
            )
        elif known[year].verified_on is None:
            yield (
                f"calendar[{year}].verified_on: is missing, so due days in {year} may be wrong; "
                "compare with the State Council's notice"
            )
