"""The seam: inert unless a test arms it."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from config import failpoints
from tests.faults.failpoints import ROOT, SOURCES, calls_of, points


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    yield
    failpoints.arm(None)


def test_a_point_does_nothing_until_it_is_armed() -> None:
    failpoints.failpoint("submit.after_commit")
    passed: list[str] = []
    failpoints.arm(passed.append)
    failpoints.failpoint("submit.after_commit")
    failpoints.arm(None)
    failpoints.failpoint("submit.after_commit")
    assert passed == ["submit.after_commit"]


def test_what_is_armed_may_raise() -> None:
    def refuse(name: str) -> None:
        raise OSError(name)

    failpoints.arm(refuse)
    with pytest.raises(OSError, match="bell"):
        failpoints.failpoint("bell.before_enqueue")


@pytest.mark.parametrize("path", SOURCES, ids=[str(path.relative_to(ROOT)) for path in SOURCES])
def test_nothing_in_the_product_arms_it(path: Path) -> None:
    assert not calls_of(path, "arm")
    assert "failpoints.arm" not in path.read_text() or path.name == "failpoints.py"


def test_each_point_is_one_place_with_a_literal_name() -> None:
    named = [node.args[0] for path in SOURCES for node in calls_of(path, "failpoint")]
    assert all(isinstance(name, ast.Constant) for name in named)
    assert len(named) >= 35
    assert [name for name, count in Counter(name.value for name in named).items() if count > 1] == []  # type: ignore[attr-defined]


def test_the_reliability_page_lists_every_point() -> None:
    page = (ROOT / "docs/reliability.md").read_text()
    assert [name for name in points() if f"`{name}`" not in page] == []
