"""docs/security.md names tests that are there, each fault once, and counts its own table rightly."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "security.md").read_text()
FAULTS = 25
APPLICABLE, ALL = 160, 208


def test_every_test_that_is_named_is_there() -> None:
    named = set(re.findall(r"tests/[a-z_/]+(?:\.py)?", PAGE))
    assert len(named) > 15
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


def test_every_fault_has_a_test() -> None:
    table = PAGE.split("## The faults that were found")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (S\d[^|]*) \| ([^|]+) \|$", table, re.M)
    told = [int(number) for name, _ in rows for number in re.findall(r"S(\d+)", name)]
    assert sorted(told) == list(range(1, FAULTS + 1))
    assert all("tests/" in test or "make audit" in test or "What remains" in test for _, test in rows)


def test_the_table_of_requirements_is_counted_rightly() -> None:
    rows = re.findall(r"^\| (\d+\.\d+\.\d+) \| [12] \| (met|open|rationale|n\.a\.) \| ([^\n]+) \|$", PAGE, re.M)
    states = Counter(state for _, state, _ in rows)
    assert (len(rows), len({number for number, _, _ in rows}), len(rows) - states["n.a."]) == (ALL, ALL, APPLICABLE)
    told = re.search(r"(\d+) met, (\d+) answered with a reason[^,]*, (\d+) open", PAGE)
    assert told and [int(number) for number in told.groups()] == [
        states["met"],
        states["rationale"],
        states["open"],
    ]
