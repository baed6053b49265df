"""`.env`: settings in a file of the directory that a command is started in, for whoever runs OneCert by hand.

What the environment says outranks the file; a unit or a container needs no file.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from pathlib import Path
from typing import Final

from dotenv import dotenv_values

from config.errors import SettingInvalid
from config.settings import SETTINGS

NAME: Final = ".env"
PREFIX: Final = "ONECERT_"
FILE: Final = "_FILE"


def read_env_file(directory: Path, environ: MutableMapping[str, str]) -> None:
    """Add the settings of `.env` in a directory, if there is one, to `environ`, except those that it has already.

    Names of other programs are left alone. Raises SettingInvalid for a setting that does not exist, and for a file that
    cannot be read; never with a value.
    """
    path = directory / NAME
    if not path.is_file():
        return
    try:
        found = dotenv_values(path, interpolate=False, encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingInvalid(f"{NAME}: the file cannot be read ({type(error).__name__})") from None
    known = {setting.name for setting in SETTINGS}
    for name, value in found.items():
        if name.startswith(PREFIX) and value is not None:
            setting = name.removesuffix(FILE)
            if setting not in known:
                raise SettingInvalid(f"{NAME}: there is no setting {name}")
            if setting not in environ and setting + FILE not in environ:
                environ[name] = value
