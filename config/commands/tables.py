"""Tables for people: times on Shanghai's clock, codes never cut, a long text folded where the terminal ends."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from config.times.formats import SHANGHAI

UNLIMITED_WIDTH: Final = 10_000
LONGEST_CODE: Final = 40
"""Cells up to this length stay on one line; what is longer is a text or an address."""
NARROWEST_TEXT: Final = 24
GAP: Final = 3
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z", re.ASCII)


def draw(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Print rows as a table; wider than the terminal if it must be, so that no code or reference is cut."""
    from rich.box import SIMPLE_HEAD  # noqa: PLC0415 - a tenth of a second, for commands that print no table
    from rich.cells import cell_len  # noqa: PLC0415
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    cells = [[write_cell(row.get(column)) for column in columns] for row in rows]
    needed = 0
    for place, column in enumerate(columns):
        widest = max([cell_len(column), *(cell_len(row[place]) for row in cells)])
        whole = widest <= LONGEST_CODE
        table.add_column(column, no_wrap=whole, overflow="fold", min_width=widest if whole else NARROWEST_TEXT)
        needed += (widest if whole else NARROWEST_TEXT) + GAP
    for row in cells:
        table.add_row(*row)
    console = Console(markup=False, highlight=False, emoji=False)
    console.width = max(console.width, needed) if sys.stdout.isatty() else UNLIMITED_WIDTH
    console.print(table)


def write_cell(value: Any) -> str:
    """Write a value as a cell: nothing, yes or no, a list without brackets, a time as Shanghai's clock has it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    if isinstance(value, str) and _RFC3339.fullmatch(value):
        return f"{datetime.fromisoformat(value).astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}+08"
    return str(value)
