"""The settings file and the master key that `onecert init` writes."""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from config.errors import ConfigError
from config.master_key import MASTER_KEY_BYTES

SETTINGS_FILE, KEY_FILE = ".env", "master.key"


def write_settings(directory: Path, given: Mapping[str, str]) -> list[Path]:
    """Write `.env`, and with a database URL a master key beside it; both for their owner alone.

    `given`: settings, of which empty ones are left out. Returns what was written. Raises ConfigError when one of the
    files is there: nothing is ever overwritten.
    """
    settings = {name: value for name, value in given.items() if value}
    key = directory / KEY_FILE
    if settings.get("ONECERT_DATABASE_URL"):
        settings["ONECERT_MASTER_KEY_FILE"] = str(key)
    wanted = {directory / SETTINGS_FILE: "".join(f"{name}='{value}'\n" for name, value in settings.items())}
    if "ONECERT_MASTER_KEY_FILE" in settings:
        wanted[key] = base64.b64encode(secrets.token_bytes(MASTER_KEY_BYTES)).decode() + "\n"
    if there := [path for path in wanted if path.exists()]:
        raise ConfigError(f"{there[0]} is there already: this directory was set up before")
    if any("'" in value or "\n" in value for value in settings.values()):
        raise ConfigError("a setting may hold no quote and no line end")
    for path, text in wanted.items():
        _write(path, text)
    return list(wanted)


def _write(path: Path, text: str) -> None:
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written ({error.strerror})") from None
