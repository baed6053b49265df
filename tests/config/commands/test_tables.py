"""Tables for people (outputs 12 of the operators' report): nothing cut, Shanghai's clock, words instead of brackets."""

from __future__ import annotations

import click
import pytest

from config.commands.tables import draw, write_cell

ROWS = [
    {"code": "china-telecom", "reference": "482913057716", "what": "a long text that may be folded " * 5},
    {"code": "china-broadnet", "reference": "482913057717", "what": "short"},
]


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("2026-11-30T16:49:34Z", "2026-12-01 00:49:34+08"),
        ("2026-11-30T15:59:59.123Z", "2026-11-30 23:59:59+08"),
        ("16:49", "16:49"),
        ([], ""),
        (["china-mobile", "china-unicom"], "china-mobile, china-unicom"),
        (None, ""),
        (True, "yes"),
        (False, "no"),
        (0, "0"),
    ],
)
def test_a_cell_is_written_for_people(value: object, cell: str) -> None:
    assert write_cell(value) == cell


@pytest.mark.parametrize("columns", [80, 40])
def test_no_code_is_cut_on_a_narrow_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    draw(ROWS, ["code", "reference", "what"])
    out = click.unstyle(capsys.readouterr().out)
    assert all(word in out for row in ROWS for word in (row["code"], row["reference"]))
    assert "…" not in out
    assert max(map(len, out.splitlines())) <= max(80, columns)
