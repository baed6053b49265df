"""Warnings about the calendar: a year that ends soon, or that nobody has verified, makes due days uncertain."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner

from config.catalogue.document import default_document, load_catalogue
from config.catalogue.holidays import find_calendar_warnings
from config.commands.catalogue import config_group

DEFAULT = default_document()


def places(document: str, today: str) -> list[str]:
    warnings = find_calendar_warnings(load_catalogue(document), date.fromisoformat(today))
    return [warning.partition(",")[0] for warning in warnings]


@pytest.mark.parametrize(
    ("today", "told"),
    [
        ("2026-09-30", []),
        ("2026-10-01", ["calendar[2027].verified_on: is missing"]),
        ("2027-03-01", ["calendar[2027].verified_on: is missing"]),
        ("2027-10-01", ["calendar[2027].verified_on: is missing", "calendar: has no year 2028"]),
        ("2028-12-31", ["calendar: has no year 2028", "calendar: has no year 2029"]),
    ],
)
def test_a_year_within_reach_of_a_due_day_is_warned_of(today: str, told: list[str]) -> None:
    assert places(DEFAULT, today) == told


def test_a_verified_year_is_not_warned_of_and_nothing_is_where_objections_are_off() -> None:
    verified = DEFAULT.replace('2024年修订），调休待核实"', '2024年修订）"\nverified_on = 2026-12-01')
    assert verified != DEFAULT
    assert places(verified, "2026-12-01") == []
    off = DEFAULT.replace("[objections]\n", "[objections]\nenabled = false\n")
    assert places(off, "2029-01-01") == []


def test_the_2027_entry_says_that_it_awaits_the_notice() -> None:
    year = next(one for one in load_catalogue(DEFAULT).calendar if one.year == 2027)
    assert (year.verified_on, "待核实" in str(year.source)) == (None, True)


def test_config_check_warns_when_the_calendar_ends(tmp_path: Path) -> None:
    """The machine's own day counts: a calendar of the past has ended on any day on which this runs."""
    path = tmp_path / "c.toml"
    path.write_text(DEFAULT[: DEFAULT.index("[[calendar]]")] + DEFAULT[DEFAULT.index("# Human check") :])
    checked = CliRunner().invoke(config_group, ["check", str(path), "--json"])
    warnings = json.loads(checked.stdout)["warnings"]
    assert [warning for warning in warnings if warning.startswith("calendar: has no year")]
    plain = CliRunner().invoke(config_group, ["check", str(path)])
    assert "warning: calendar: has no year" in plain.stderr
