"""Figures of `onecert stats` for other programs and at a glance: CSV, and bars of days."""

import csv
from collections.abc import Mapping, Sequence
from io import StringIO
from typing import Any, Final

BAR: Final = 50
"""Characters of the longest bar."""


def write_csv(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """Rows as CSV with a head, as spreadsheets read it."""
    text = StringIO()
    writer = csv.DictWriter(text, columns, extrasaction="ignore", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def draw_bars(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a bar for each day, the first day first: how many inquiries, and how many were answered in part."""
    days: dict[str, tuple[int, int]] = {}
    for row in rows:
        whole, partial = days.get(row["day"], (0, 0))
        days[row["day"]] = (whole + row["inquiries"], partial + row["inquiries"] * (row["outcome"] == "partial"))
    most = max((whole for whole, _ in days.values()), default=1)
    return [
        f"{day} {'█' * max(round(whole * BAR / most), 1):{BAR}} {whole:>9} inquiries, {partial} partial"
        for day, (whole, partial) in sorted(days.items())
    ]
