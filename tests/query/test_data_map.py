"""docs/data-map.md names every column in which something of a citizen is kept, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from sqlalchemy import LargeBinary, String

from config.crypto.content_keys import CLASS_OF
from config.db.engine import metadata
from config.db.types import RawBytes
from query.cli import TABLES
from query.person.records import UNNAMED

PAGE = (Path(__file__).parents[2] / "docs" / "data-map.md").read_text()
OURS = {
    "audit",
    "audit_head",
    "catalogue_version",
    "content_key",
    "data_key",
    "secret",
    "leader",
    "process",
    "link_health",
}
"""Tables without anything of a citizen."""
ID = 16


def told() -> dict[str, list[str]]:
    rows = re.findall(r"^\| `([a-z_]+\.[a-z_]+)` \| ([^\n]+) \|$", PAGE, re.M)
    assert len(rows) == len({name for name, _ in rows})
    return {name: cells.split(" | ") for name, cells in rows}


def test_every_column_of_a_citizen_is_named_with_what_why_how_long_and_how_erased() -> None:
    assert TABLES and UNNAMED
    kept = {
        f"{table.name}.{column.name}"
        for table in metadata.sorted_tables
        if table.name not in OURS
        for column in table.columns
        if isinstance(column.type, RawBytes | LargeBinary) and getattr(column.type, "length", None) != ID
    }
    kept |= {"session_end.name"}
    assert kept == set(told()), kept ^ set(told())
    assert {len(cells) for cells in told().values()} == {5}
    assert all(cell for cells in told().values() for cell in cells)


def test_the_form_says_which_content_key_seals_it() -> None:
    for name, cells in told().items():
        table, column = name.split(".")
        form, kind = cells[1], CLASS_OF.get((table, column))
        is_sealed = not isinstance(metadata.tables[table].c[column].type, String) and form.startswith("sealed")
        if is_sealed:
            assert form == (f"sealed ({kind})" if kind else "sealed"), name


def test_the_code_that_erases_is_there() -> None:
    root = Path(__file__).parents[2]
    for name in set(re.findall(r"`((?:[a-z_]+/)+[a-z_]+\.py)`", PAGE)):
        assert (root / name).exists() or (root / "query" / name).exists(), name
