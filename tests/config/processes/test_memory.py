"""Keys stay out of core files and of other processes' reach; what we make is ours alone (security faults S20, S21)."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

BEGIN = """
import ctypes, os, resource, sys
from config.ground import load_ground
from config.processes.serving import begin_process
ground = load_ground()
begin_process(ground.settings, "web")
print(*resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), os.umask(0))
"""


def run(*words: str, data: Path) -> str:
    environment = {"PATH": os.environ["PATH"], "ONECERT_DATA": str(data)}
    ran = subprocess.run(
        [sys.executable, *words], env=environment, check=True, capture_output=True, text=True, umask=0o022, timeout=120
    )
    return ran.stdout


def test_a_process_leaves_no_core_is_not_dumpable_and_shares_no_file(tmp_path: Path) -> None:
    assert run("-c", BEGIN, data=tmp_path).split() == ["0", "0", "0", str(0o077)]


def test_an_upgrade_in_a_shared_directory_makes_a_database_for_its_owner_alone(tmp_path: Path) -> None:
    """security fault S20: the SQLite file was 0644."""
    tmp_path.chmod(0o755)
    command = "import sys; from app import cli; cli(['db', 'upgrade', '--yes'])"
    run("-c", command, data=tmp_path)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*") if path.is_file()}
    assert modes and all(mode & 0o077 == 0 for mode in modes.values()), modes
