"""The master key: outside the database, it opens the data keys in it."""

from __future__ import annotations

import base64
import binascii
import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

from config.errors import SettingInvalid

MASTER_KEY_BYTES = 32
LEAST_DIFFERENT_BYTES = 20


def read_master_key(values: Mapping[str, str], folder: Path) -> bytes:
    """Return the master key that is set, or the embedded one in `folder`, made if need be. Raises SettingInvalid."""
    if values["ONECERT_MASTER_KEY"]:
        return parse_master_key(values["ONECERT_MASTER_KEY"])
    if values["ONECERT_DATABASE_URL"]:
        raise SettingInvalid(
            "ONECERT_MASTER_KEY: a database URL needs a master key; make one with `openssl rand -base64 32`"
        )
    return _embedded_master_key(folder / "master.key")


def previous_master_key(values: Mapping[str, str]) -> bytes:
    """Return the master key until now while it is exchanged, else nothing. Raises SettingInvalid."""
    previous = values["ONECERT_PREVIOUS_MASTER_KEY"]
    return parse_master_key(previous) if previous else b""


def _embedded_master_key(path: Path) -> bytes:
    try:
        # O_EXCL: of two processes that start at once, one makes the key and the other reads it.
        # Written aside and linked into place, so nobody ever reads half a key.
        aside = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        if not path.exists():
            descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(base64.b64encode(secrets.token_bytes(MASTER_KEY_BYTES)) + b"\n")
                file.flush()
                os.fsync(file.fileno())
            _link(aside, path)
        return parse_master_key(path.read_text(encoding="ascii"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingInvalid(f"the embedded master key {path} cannot be used ({type(error).__name__})") from None


def _link(aside: Path, path: Path) -> None:
    try:
        os.link(aside, path)
    except FileExistsError:
        pass  # another process was first; its key counts
    finally:
        aside.unlink()


def parse_master_key(text: str) -> bytes:
    """32 random bytes from 44 characters of base64 or 64 of hex; SettingInvalid when weak.

    A passphrase is refused: its length would suffice and its strength would not.
    """
    key = _decode(text.strip())
    if key is None or len(key) != MASTER_KEY_BYTES:
        raise SettingInvalid(
            f"ONECERT_MASTER_KEY: must be {MASTER_KEY_BYTES} random bytes as base64 or hex; "
            "make one with `openssl rand -base64 32`"
        )
    # Of 7 billion random keys one repeats its bytes so often; what somebody typed does at once.
    if len(set(key)) < LEAST_DIFFERENT_BYTES:
        raise SettingInvalid("ONECERT_MASTER_KEY: is not random; make one with `openssl rand -base64 32`")
    return key


def _decode(text: str) -> bytes | None:
    decoders: tuple[Callable[[str], bytes], ...] = (
        bytes.fromhex,
        lambda value: base64.b64decode(value.replace("-", "+").replace("_", "/"), validate=True),
    )
    for decode in decoders:
        try:
            return decode(text)
        except (ValueError, binascii.Error):
            continue
    return None
