"""The house rules that a machine can check."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from tests.conftest import LONG

pytestmark = pytest.mark.unit
ROOT = Path(__file__).parents[1]
FOLDERS = ["config", "enterprises", "sms_port", "query", "wechat", "miniprogram_api"]
SOURCES = sorted(p for folder in FOLDERS for p in (ROOT / folder).rglob("*.py") if "versions" not in p.parts)
SOURCES += [ROOT / "app.py", ROOT / "assembly.py", ROOT / "docs/examples/demo.py"]
names = [str(path.relative_to(ROOT)) for path in SOURCES]


@cache
def tree_of(path: Path) -> ast.Module:
    """Parse a source file, once."""
    return ast.parse(path.read_text())


@pytest.mark.parametrize("path", SOURCES, ids=names)
def test_a_file_stays_under_its_ceilings(path: Path) -> None:
    source = path.read_text()
    ceiling = 150 if path.name in ("app.py", "assembly.py") else 250 if "links" in path.parts else 300
    assert source.count("\n") <= ceiling, "two ideas in one file"
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 40, f"{node.name} has two ideas"


@pytest.mark.parametrize("path", SOURCES, ids=names)
def test_names_are_words_of_the_domain(path: Path) -> None:
    assert not re.search(r"util|helper|manager|handle|process|data\b", path.stem)


def test_a_folder_holds_at_most_14_modules() -> None:
    rooms = Counter(path.parent for path in SOURCES if path.name != "__init__.py")
    assert {str(room): count for room, count in rooms.items() if count > 14} == {}


@pytest.mark.parametrize("folder", FOLDERS)
def test_an_init_holds_one_docstring_and_nothing_else(folder: str) -> None:
    for path in (ROOT / folder).rglob("__init__.py"):
        body = tree_of(path).body
        assert len(body) == 1
        assert isinstance(body[0], ast.Expr)
        assert isinstance(body[0].value, ast.Constant)


@pytest.mark.parametrize("path", SOURCES, ids=names)
def test_a_public_function_says_what_it_does(path: Path) -> None:
    for node in tree_of(path).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{node.name} has no docstring"


@pytest.mark.parametrize("folder", [*FOLDERS, "docs", "tests", "app.py", "assembly.py"])
def test_a_docstring_begins_with_a_verb_or_a_name(folder: str) -> None:
    headless = re.compile(r"(What|Who|Whom|Whose|Where|Whether|How)(ever)?\b")
    place = ROOT / folder
    for path in [place] if place.is_file() else place.rglob("*.py"):
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                assert not headless.match(ast.get_docstring(node) or ""), f"{path}:{getattr(node, 'lineno', 1)}"


def test_the_files_that_tests_begin_with_are_there() -> None:
    assert [name for name in LONG if not (ROOT / f"tests/{name}.py").is_file()] == []


def test_no_document_is_cited_that_is_not_here() -> None:
    for path in [*SOURCES, *ROOT.glob("docs/*.md"), *ROOT.glob("*.md")]:
        text = path.read_text()
        assert not re.search(r"\b(DESIGN|INTERFACES|HOUSE)\b", text), path
        found = re.findall(r"\b(docs/[\w.-]+\.md)\b", text) if path.suffix == ".py" else []
        cited = [ROOT / name for name in found]
        cited += [path.parent / name for name in re.findall(r"\]\(([\w./-]+\.md)[)#]", text)]
        assert [str(place) for place in cited if not place.is_file()] == [], path


def test_every_error_has_a_code_and_the_operators_guide_knows_it() -> None:
    codes = set()
    for path in SOURCES:
        if path.name == "errors.py":
            codes |= set(re.findall(r'^    code(?:: str)? = "([a-z_0-9]+)"', path.read_text(), re.MULTILINE))
    guide = (ROOT / "docs/errors.md").read_text()
    assert codes
    assert {code for code in codes if f"`{code}`" not in guide} == set()


def test_nothing_points_at_a_registry_or_at_one_machine() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    banned = re.compile(
        "|".join(["pypi" + r"\.org", "python" + "hosted", "registry" + r"\.npmjs", "deb" + r"\.debian"])
    )
    for name in listed:
        path = ROOT / name
        if path.suffix in {".png", ".ico"} or not path.is_file():
            continue
        assert not banned.search(path.read_text()), name


def test_dependencies_are_locked_with_hashes() -> None:
    wanted = {re.split(r"[\[>=<; ]", row)[0].lower() for row in (ROOT / "requirements.in").read_text().splitlines()}
    locked = re.findall(
        r"^([a-z0-9_.-]+)==\S+ (?:; .*)?\\\n    --hash=sha256:", (ROOT / "requirements.txt").read_text(), re.M
    )
    assert {name for name in wanted if name and not name.startswith("#")} <= set(locked)


def test_each_dependency_has_one_line_of_why() -> None:
    decisions = (ROOT / "docs/decisions.md").read_text().lower()
    for source in ("requirements.in", "requirements-dev.in"):
        for row in (ROOT / source).read_text().splitlines():
            name = re.split(r"[\[>=<; ]", row)[0].lower()
            if name and name[0].isalpha():
                assert f"`{name}`" in decisions, name


def test_pyproject_is_the_only_tool_configuration() -> None:
    others = {"setup.cfg", "tox.ini", "mypy.ini", ".flake8", "pytest.ini", "alembic.ini", "ruff.toml", ".importlinter"}
    assert not others & {path.name for path in ROOT.iterdir()}
    assert {"ruff", "mypy", "pytest", "importlinter"} <= set(
        tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    )
