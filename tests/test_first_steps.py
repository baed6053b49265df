"""A newcomer's first steps: `make` on a fresh clone, with every Python of this machine, and with unfit ones."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.integration
LEAST = (3, 11, 2)
"""Debian 12's own; before 3.11.3 redis needs a package more, which a lock made by a newer Python lacked."""
TELL = "import sys; print('%d.%d.%d' % sys.version_info[:3])"
TOOLS = ("bash", "env", "sh", "make", "grep", "touch", "rm", "mktemp", "tr", "cat", "uname")


def version_of(program: Path) -> str:
    done = subprocess.run([program, "-c", TELL], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def pythons() -> dict[str, Path]:
    """version -> program: every Python that this machine has, in /usr, beside pyenv's or on the PATH."""
    homes = [Path("/usr/bin"), Path("/usr/local/bin"), *Path.home().glob(".pyenv/versions/*/bin")]
    homes += [Path(one) for one in os.get_exec_path()]
    programs = [program for home in homes for program in home.glob("python3.[0-9]*") if program.name[8:].isdigit()]
    return {version: program for program in reversed(programs) if (version := version_of(program))}


def least(version: str) -> bool:
    return tuple(map(int, version.split("."))) >= LEAST


HERE = pythons()
FIT = sorted(version for version in HERE if least(version))
UNFIT = sorted(version for version in HERE if version.startswith(("3.8.", "3.9.", "3.10.")))


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Return what git has of this checkout, in an empty directory."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def make(clone: Path, *words: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run make as in a new shell."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ONECERT_", "PYTHON", "MAKE", "MFLAGS"))
    }
    environment["PATH"] = path or environment["PATH"]
    return subprocess.run(["make", *words], cwd=clone, env=environment, capture_output=True, text=True, check=False)


def tools(directory: Path, **programs: Path) -> str:
    """A PATH with nothing but the tools that the Makefile uses and these programs, so without any Redis."""
    directory.mkdir()
    for name in TOOLS:
        (directory / name).symlink_to(str(shutil.which(name)))
    for name, program in programs.items():
        (directory / name).symlink_to(program)
    return str(directory)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("version", FIT)
def test_a_fresh_clone_sets_itself_up_and_runs(clone: Path, tmp_path: Path, version: str) -> None:
    """pages fault A3: 3.11.2 lacked async-timeout, 3.13 was refused. Here no Redis is on the PATH either."""
    path = tools(tmp_path / "bin", python3=HERE[version])
    done = make(clone, f"PYTHON={HERE[version]}", "demo", path=path)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert version_of(clone / ".venv/bin/python") == version
    assert "the first time this takes a minute (Ctrl-C stops it" in done.stdout
    assert "fetching 20 of" in done.stdout
    assert "building" not in done.stdout, "a package has no wheel for this Python"
    assert "共关联" in done.stdout


@pytest.mark.parametrize("version", UNFIT)
def test_a_python_that_is_too_old_is_told_in_one_line_before_anything_is_made(
    clone: Path, tmp_path: Path, version: str
) -> None:
    """pages fault A3, Ubuntu 22.04: "No matching distribution found for joserfc", and the environment stayed."""
    done = make(clone, ".venv/.installed", path=tools(tmp_path / "bin", python3=HERE[version]))
    told = done.stderr.splitlines()
    assert told[0].startswith(
        f"Python 3.11 or newer is needed, and none is here (python3 is Python {version}); install"
    )
    assert len(told) == 2  # the other line is make's own
    assert not (clone / ".venv").exists()


@pytest.mark.parametrize("named", ["/nowhere/python", *(str(HERE[version]) for version in UNFIT)])
def test_a_python_that_was_named_and_will_not_do_is_told(clone: Path, named: str) -> None:
    told = make(clone, f"PYTHON={named}", ".venv/.installed").stderr.splitlines()
    assert told[0].startswith(f"PYTHON: {named} is ")
    assert told[0].endswith(", and OneCert needs Python 3.11 or newer")
    assert not (clone / ".venv").exists()


@pytest.mark.parametrize("spoiled", ["too old", "other", "gone"])
def test_an_environment_of_another_python_is_made_anew(clone: Path, spoiled: str) -> None:
    """pages fault A3: once made by a wrong Python, it stayed, and failed for ever in the same way."""
    wanted, others = HERE[FIT[0]], [HERE[version] for version in (UNFIT if spoiled == "too old" else FIT[1:])]
    if not others:
        pytest.skip("this machine has one Python only")
    subprocess.run([others[-1], "-m", "venv", "--without-pip", clone / ".venv"], check=True)
    if spoiled == "gone":
        (clone / ".venv/bin/python").unlink()
        (clone / ".venv/bin/python").symlink_to("/nowhere/python3.9")
    done = make(clone, f"PYTHON={wanted}", ".venv/.python")
    assert (done.returncode, done.stderr) == (0, "")
    assert ": it is made anew with " in done.stdout
    assert version_of(clone / ".venv/bin/python") == FIT[0]
    again = make(clone, ".venv/.python")
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")


def test_the_lock_names_no_registry_and_holds_for_every_python() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        lock = (ROOT / name).read_text()
        assert "async-timeout" in lock
        assert "://" not in lock
        assert "--index" not in lock
