"""`onecert capacity` agrees with the page of measured figures, and grows as it should."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from query.commands import capacity as figures
from query.commands.capacity import calculate, capacity

PAGE = (Path(__file__).parents[2] / "docs/capacity.md").read_text()


def needs(per_day: int, peak: float = 2.4, partners: int = 8) -> dict[str, float]:
    found = calculate(per_day, peak, partners)
    return {part: float(re.sub(r"[^\d.].*", "", said.replace(",", ""))) for part, said, _ in found}


def test_a_launch_day_is_what_the_page_says() -> None:
    day = needs(10_000_000)
    assert day["arrivals"] == 278 and "278 a second in that hour" in PAGE
    assert day["SMS"] == pytest.approx(1_100, rel=0.03) and "1,100 parts/s" in PAGE
    assert day["database log"] == 3.5 and "3.5 MB/s" in PAGE
    assert day["database writes"] == pytest.approx(2_500, rel=0.03) and "2,500 rows/s" in PAGE


def test_the_figures_are_those_of_the_page() -> None:
    for figure in (figures.ROWS, figures.LOG_KB, figures.PIPELINE_MS, figures.WEB_MS / 2):
        assert re.search(rf"\b{re.escape(f'{figure:g}')}", PAGE), figure
    assert figures.ERASED_PER_S <= 7_683 / 2  # a clock erases for half of the time


@pytest.mark.parametrize("factor", [2, 10])
def test_everything_grows_with_the_day(factor: int) -> None:
    once, more = needs(1_000_000), needs(1_000_000 * factor)
    for part in ("arrivals", "database writes", "database disk", "SMS", "Redis"):
        assert more[part] == pytest.approx(once[part] * factor, rel=0.05)


def test_more_partners_write_more_and_ask_each_as_often() -> None:
    eight, sixteen = needs(10_000_000), needs(10_000_000, partners=16)
    assert sixteen["database writes"] == pytest.approx(2 * eight["database writes"], rel=0.01)
    assert sixteen["each partner"] == eight["each partner"]


def test_the_command_needs_no_deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(capacity, ["--per-day", "10000000", "--peak", "10", "--price", "0.03", "--json"])
    rows = {row["part"]: row["needs"] for row in json.loads(done.stdout)}
    assert rows["arrivals"] == "1,157 a second" and rows["SMS cost"] == "1,200,000 yuan a day"
    assert not list(tmp_path.iterdir())
    assert CliRunner().invoke(capacity, ["--per-day", "0"]).exit_code == 2
