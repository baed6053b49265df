"""`.env` is read below the environment, and nothing in it is overlooked in silence."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from config.env_file import read_env_file
from config.errors import SettingInvalid
from tests.support.instances import ONECERT


def read(directory: Path, text: str, **environ: str) -> dict[str, str]:
    (directory / ".env").write_text(text, encoding="utf-8")
    read_env_file(directory, environ)
    return environ


def test_without_a_file_nothing_changes(tmp_path: Path) -> None:
    environ: dict[str, str] = {}
    read_env_file(tmp_path, environ)
    assert environ == {}


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("ONECERT_DATA=/srv/onecert", "/srv/onecert"),
        ("export ONECERT_DATA='/srv/one cert'", "/srv/one cert"),
        ('ONECERT_DATA="/srv" # comment', "/srv"),
        ("ONECERT_DATA=/srv/$HOME", "/srv/$HOME"),
    ],
)
def test_a_line_is_read_as_everybody_writes_it(tmp_path: Path, line: str, value: str) -> None:
    assert read(tmp_path, f"# comment\n\n{line}\nPATH=/nowhere\n") == {"ONECERT_DATA": value}


def test_the_environment_outranks_the_file(tmp_path: Path) -> None:
    text = "ONECERT_BIND=127.0.0.1:1\nONECERT_MASTER_KEY=of-the-file\n"
    found = read(tmp_path, text, ONECERT_BIND="127.0.0.1:2", ONECERT_MASTER_KEY_FILE="/run/secrets/key")
    assert found == {"ONECERT_BIND": "127.0.0.1:2", "ONECERT_MASTER_KEY_FILE": "/run/secrets/key"}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"ONECERT_DATABSE_URL=mysql://geheim\n", ".env: there is no setting ONECERT_DATABSE_URL"),
        (b"ONECERT_DATA=\xff\xfe\n", ".env: the file cannot be read (UnicodeDecodeError)"),
    ],
)
def test_what_is_wrong_with_it_is_told_in_one_line_without_a_value(tmp_path: Path, content: bytes, told: str) -> None:
    (tmp_path / ".env").write_bytes(content)
    with pytest.raises(SettingInvalid) as caught:
        read_env_file(tmp_path, {})
    assert caught.value.detail == told


def test_a_command_takes_it_from_the_directory_it_is_started_in(tmp_path: Path) -> None:
    """pages fault F: .env.example was there, and no .env was read."""
    (tmp_path / ".env").write_text("ONECERT_DATA=./elsewhere\n")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ONECERT_")}
    done = subprocess.run(
        [ONECERT, "account", "list"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith(f"Error: ONECERT_DATA: there is no database in {tmp_path / 'elsewhere'};")
