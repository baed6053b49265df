"""`onecert --version` names the release and the commit."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from app import cli
from config.commands import version

ROOT = Path(__file__).parents[3]


def test_a_checkout_names_the_release_of_pyproject_and_gits_commit() -> None:
    release = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    printed = CliRunner().invoke(cli, ["--version"]).output
    found = re.fullmatch(r"onecert (\S+) \(([0-9a-f]{10})\)\n", printed)
    assert found, printed
    assert found[1] == release
    assert head.startswith(found[2])


def test_a_build_names_the_commit_it_was_made_from(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    built = tmp_path / "commit.txt"
    built.write_text("0123456789\n")
    monkeypatch.setattr(version, "BUILT", built)
    assert version.describe_version().endswith("(0123456789)")


def test_without_git_and_build_the_release_stands_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(version, "ROOT", tmp_path)
    monkeypatch.setattr(version, "BUILT", tmp_path / "commit.txt")
    assert re.fullmatch(r"\d+\.\d+\.\d+", version.describe_version())
